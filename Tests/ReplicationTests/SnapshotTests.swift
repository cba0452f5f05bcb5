import ClusterModel
import Replication
import Testing

private let identity = LinkIdentity(cluster: "ddb", prove: nil, equal: { $0 == $1 })

private func at(_ sequence: UInt64) -> Position { Position(GTID(domain: 0, server: 1, sequence: sequence)) }

@Suite struct SnapshotLinkTests {
    private var slave: SlaveLink
    private var master: MasterLink

    /// A link on which the slave has joined.
    init() throws {
        let one = try #require(NodeID(rawValue: 1))
        let two = try #require(NodeID(rawValue: 2))
        let hello = Frame.Hello(cluster: "ddb", uuid: "ab", id: 0, address: "h:1", nonce: [5], proof: [])
        slave = SlaveLink(identity, hello: hello, checksum: { crc, _ in crc }, timeoutMs: 1000, nowMs: 0)
        master = MasterLink(identity, master: one, epoch: .first, nonce: [9], timeoutMs: 1000, nowMs: 0)
        for case .send(let challenge) in master.opening {
            for case .send(let hello) in slave.received(challenge, nowMs: 0) { _ = master.received(hello, nowMs: 0) }
        }
        for case .send(let welcome) in master.admitted(two) { _ = slave.received(welcome, nowMs: 0) }
    }

    private func done(_ bytes: UInt64) -> Frame.SnapshotDone {
        Frame.SnapshotDone(bytes: bytes, digest: [UInt8](repeating: 7, count: 32), position: at(5))
    }

    @Test mutating func `a slave that asks for a snapshot waits its turn, gets the pieces and the end`() {
        #expect(slave.wantSnapshot() == [.send(.snapshotWanted)])
        #expect(master.received(.snapshotWanted, nowMs: 0) == [.giveSnapshot])
        #expect(slave.received(.snapshotQueued(ahead: 2), nowMs: 0) == [.snapshot(.queued(ahead: 2))])
        #expect(slave.received(.snapshotData([1, 2]), nowMs: 0) == [.snapshot(.piece([1, 2]))])
        #expect(slave.received(.snapshotData([3]), nowMs: 0) == [.snapshot(.piece([3]))])
        #expect(slave.received(.snapshotDone(done(3)), nowMs: 0) == [.snapshot(.done(done(3)))])
        let ack = Frame.Ack(received: .start, applied: .start, state: "taking-snapshot", beat: 1)
        #expect(slave.progressed(ack) == [.send(.ack(ack))])
        #expect(master.received(.ack(ack), nowMs: 0) == [.progressed(ack)])
    }

    @Test mutating func `an end that tells of more than came is refused`() {
        _ = slave.wantSnapshot()
        _ = slave.received(.snapshotData([1, 2]), nowMs: 0)
        #expect(
            slave.received(.snapshotDone(done(3)), nowMs: 0).contains { if case .close(let why) = $0 { why.reason == .badStream } else { false } })
    }

    @Test mutating func `nothing of a snapshot comes to who did not ask, or has it`() {
        for frame in [Frame.snapshotData([1]), .snapshotQueued(ahead: 1), .snapshotDone(done(0))] {
            var unasked = slave
            #expect(unasked.received(frame, nowMs: 0).contains { if case .close = $0 { true } else { false } })
        }
        _ = slave.wantSnapshot()
        _ = slave.received(.snapshotDone(done(0)), nowMs: 0)
        #expect(slave.received(.snapshotData([1]), nowMs: 0).contains { if case .close = $0 { true } else { false } })
    }

    @Test mutating func `events and a snapshot never share a link`() {
        _ = slave.wantSnapshot()
        _ = master.received(.snapshotWanted, nowMs: 0)
        #expect(slave.resume([]).isEmpty)
        #expect(master.received(.resume([]), nowMs: 0).contains { if case .close = $0 { true } else { false } })
        #expect(slave.received(.events([1]), nowMs: 0).contains { if case .close = $0 { true } else { false } })
    }
}

@Suite struct SnapshotRuleTests {
    private let rule = SnapshotRule(replaysMax: 100)

    private func need(written: Position = .start, applied: Position = .start, master: UInt64, gone: String? = nil) -> SnapshotRule.Need {
        rule.need(SnapshotRule.Facts(written: written, applied: applied, master: at(master), gone: gone))
    }

    private func takes(_ need: SnapshotRule.Need) -> Bool { if case .snapshot = need { true } else { false } }

    @Test func `an empty slave replays a short history and copies a long one`() {
        #expect(need(master: 100) == .replay)
        #expect(takes(need(master: 101)))
    }

    @Test func `a slave that has something replays, however far behind it is`() {
        #expect(need(written: at(1), master: 1_000_000) == .replay)
        #expect(need(written: at(1), applied: at(1), master: 1_000_000) == .replay)
    }

    @Test func `what the master's binlog no longer holds takes a copy`() {
        #expect(takes(need(master: 3, gone: "purged")))
        // Another history, however far the master is by now.
        #expect(
            !takes(need(written: at(2), applied: at(2), master: 300, gone: "requested to start from GTID 0-1-2, which is not in the master's binlog"))
        )
        #expect(takes(need(written: at(2), applied: at(1), master: 3, gone: "purged")))
    }

    @Test func `a slave with transactions that its master lacks is left alone`() {
        for (written, applied) in [(at(3), at(1)), (at(3), at(3)), (at(1), at(4))] {
            guard case .byHand = need(written: written, applied: applied, master: 3, gone: "unknown") else {
                Issue.record("taken at \(written), \(applied)")
                continue
            }
        }
    }
}

@Suite struct SnapshotQueueTests {
    @Test func `one is served at a time, in the order of coming`() {
        var queue = SnapshotQueue<Int>()
        for taker in [7, 8, 9] { queue.joined(taker) }
        #expect(queue.current == 7 && queue.waiting == [8, 9] && queue.ahead(of: 9) == 2)
        #expect(queue.left(8) && queue.current == 7 && queue.ahead(of: 9) == 1)
        #expect(queue.left(7) && queue.current == 9 && queue.waiting.isEmpty)
        #expect(!queue.left(7) && queue.ahead(of: 7) == nil)
    }
}

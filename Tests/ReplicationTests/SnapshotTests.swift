import ClusterModel
import Replication
import Testing

private let identity = LinkIdentity(cluster: "ddb", prove: nil, equal: { $0 == $1 })

private func at(_ sequence: UInt64) -> Position { Position(GTID(domain: 0, server: 1, sequence: sequence)) }

@Suite struct SnapshotLinkTests {
    private var taker: PeerAsker
    private var giver: PeerAnswerer

    /// A connection on which both have proved themselves.
    init() throws {
        let two = try #require(NodeID(rawValue: 2))
        let hello = Frame.Hello(cluster: "ddb", uuid: "ab", id: 4, address: "h:1", nonce: [5], proof: [])
        taker = PeerAsker(identity, wanted: two, hello: hello)
        giver = PeerAnswerer(identity, own: two, epoch: .first, nonce: [9], idleMsMax: 1000, nowMs: 0)
        for case .send(let challenge) in giver.opening {
            for case .send(let hello) in taker.received(challenge) {
                for case .send(let welcome) in giver.received(hello, nowMs: 0) { _ = taker.received(welcome) }
            }
        }
    }

    private func done(_ bytes: UInt64) -> Frame.SnapshotDone {
        Frame.SnapshotDone(bytes: bytes, digest: [UInt8](repeating: 7, count: 16), position: at(5))
    }

    @Test mutating func `who asks for a snapshot waits its turn, gets the pieces and the end`() {
        #expect(taker.wantSnapshot(.logical) == [.send(.snapshotWanted(.logical))])
        #expect(giver.received(.snapshotWanted(.logical), nowMs: 0) == [.giveSnapshot(.logical)])
        #expect(giver.ticked(nowMs: 5000).isEmpty, "who takes a snapshot need not ask for anything")
        #expect(taker.received(.snapshotQueued(ahead: 2)) == [.snapshot(.queued(ahead: 2))])
        #expect(taker.received(.snapshotData([1, 2])) == [.snapshot(.piece([1, 2]))])
        #expect(taker.received(.snapshotQueued(ahead: 0)) == [.snapshot(.queued(ahead: 0))])
        #expect(taker.received(.snapshotData([3])) == [.snapshot(.piece([3]))])
        #expect(giver.given(done(3), nowMs: 5000) == [.send(.snapshotDone(done(3)))])
        #expect(taker.received(.snapshotDone(done(3))) == [.snapshot(.done(done(3)))])
    }

    @Test mutating func `an end that tells of more than came is refused`() {
        _ = taker.wantSnapshot(.physical)
        _ = taker.received(.snapshotData([1, 2]))
        #expect(taker.received(.snapshotDone(done(3))).contains { if case .close(let why) = $0 { why.reason == .badStream } else { false } })
    }

    @Test mutating func `nothing of a snapshot comes to who did not ask, or has it`() {
        for frame in [Frame.snapshotData([1]), .snapshotQueued(ahead: 1), .snapshotDone(done(0))] {
            var unasked = taker
            #expect(unasked.received(frame).contains { if case .close = $0 { true } else { false } })
        }
        _ = taker.wantSnapshot(.physical)
        _ = taker.received(.snapshotDone(done(0)))
        #expect(taker.received(.snapshotData([1])).contains { if case .close = $0 { true } else { false } })
    }

    @Test mutating func `nobody is given a snapshot who has not proved himself, or has one under way`() throws {
        var stranger = PeerAnswerer(identity, own: try #require(NodeID(rawValue: 2)), epoch: .first, nonce: [9], idleMsMax: 1000, nowMs: 0)
        #expect(!stranger.received(.snapshotWanted(.physical), nowMs: 0).contains(.giveSnapshot(.physical)))
        _ = giver.received(.snapshotWanted(.physical), nowMs: 0)
        #expect(!giver.received(.snapshotWanted(.physical), nowMs: 0).contains(.giveSnapshot(.physical)))
    }

    @Test func `a slave that takes a snapshot tells its master how far it is, and takes no events`() throws {
        let (one, two) = (try #require(NodeID(rawValue: 1)), try #require(NodeID(rawValue: 2)))
        let hello = Frame.Hello(cluster: "ddb", uuid: "ab", id: 0, address: "h:1", nonce: [5], proof: [])
        var slave = SlaveLink(identity, hello: hello, checksum: { crc, _ in crc }, timeoutMs: 1000, nowMs: 0)
        var master = MasterLink(identity, master: one, epoch: .first, nonce: [9], timeoutMs: 1000, nowMs: 0)
        for case .send(let challenge) in master.opening {
            for case .send(let hello) in slave.received(challenge, nowMs: 0) { _ = master.received(hello, nowMs: 0) }
        }
        for case .send(let welcome) in master.admitted(two) { _ = slave.received(welcome, nowMs: 0) }
        let ack = Frame.Ack(received: .start, applied: .start, state: "taking-snapshot", beat: 1)
        #expect(slave.progressed(ack).isEmpty)
        slave.watch()
        #expect(slave.progressed(ack) == [.send(.ack(ack))])
        #expect(master.received(.ack(ack), nowMs: 0) == [.progressed(ack)])
        let beat = Frame.Beat(position: at(9), committed: .all, number: 2, clockMs: 0, nodes: [])
        #expect(slave.received(.beat(beat), nowMs: 0) == [.heard(beat)])
        #expect(slave.resume([]).isEmpty)
        #expect(slave.received(.events([1]), nowMs: 0).contains { if case .close = $0 { true } else { false } })
    }
}

@Suite struct SnapshotGiversTests {
    private func node(_ id: UInt32, _ applied: UInt64, _ state: String = "streaming", role: NodeKind = .slave) throws -> NodeStatus {
        NodeStatus(
            id: try #require(NodeID(rawValue: id)), role: role, address: "h:\(id)", state: state, received: at(applied), applied: at(applied),
            lagMs: 0, lastSeenMs: 0)
    }

    /// Asked in this order by node 9.
    private func order(_ nodes: [NodeStatus], floor: Position = .start, sparesMaster: Bool = true) throws -> [UInt32] {
        let own = try #require(NodeID(rawValue: 9))
        return SnapshotGivers.inOrder(nodes, own: own, floor: floor, sparesMaster: sparesMaster).map(\.id.rawValue)
    }

    @Test func `slaves are asked first, the most advanced of them before the others, and the master last`() throws {
        let nodes = [try node(1, 50, "serving", role: .master), try node(2, 47), try node(3, 49, "catching-up"), try node(4, 47), try node(9, 49)]
        #expect(try order(nodes) == [3, 2, 4, 1])
        #expect(try order(nodes, sparesMaster: false) == [1])
    }

    @Test func `a slave that holds less than the asking node, or is far behind, or is not well, is not asked`() throws {
        let master = try node(1, 20_000, "serving", role: .master)
        #expect(try order([master, try node(2, 15_000), try node(3, 14_999)], floor: at(15_000)) == [2, 1])
        #expect(try order([master, try node(2, 9_999), try node(3, 10_000)]) == [3, 1])
        for state in ["away", "taking-snapshot", "needs-snapshot", "apply-failed", "database-down", "joining"] {
            #expect(try order([master, try node(2, 19_999, state)]) == [1])
        }
    }

    @Test func `without a master nobody is asked: what is committed is not known`() throws {
        #expect(try order([try node(2, 5), try node(3, 5)]).isEmpty)
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

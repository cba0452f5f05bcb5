import BinlogFormat
import ClusterModel
import Replication
import Testing

/// A stand-in for HMAC: what counts here is that both sides must have the same key, and that every byte matters (FNV-1a).
private func digest(_ key: UInt8, _ message: [UInt8]) -> [UInt8] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in [key] + message { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return withUnsafeBytes(of: hash) { Array($0) }
}

private func identity(_ cluster: String = "ddb", key: UInt8? = 7) -> LinkIdentity {
    LinkIdentity(cluster: cluster, prove: key.map { key in { @Sendable in digest(key, $0) } }, equal: { $0 == $1 })
}

private let one = NodeID(rawValue: 1)
private let two = NodeID(rawValue: 2)

private func hello(_ cluster: String = "ddb") -> Frame.Hello {
    Frame.Hello(cluster: cluster, uuid: "ab", id: 0, address: "127.0.0.1:7002", nonce: [UInt8](repeating: 5, count: 32), proof: [])
}

private struct Pair {
    var master: MasterLink
    var slave: SlaveLink

    init(master: LinkIdentity = identity(), slave: LinkIdentity = identity()) throws {
        self.master = MasterLink(
            master, master: try #require(one), epoch: .first, nonce: [UInt8](repeating: 9, count: 32), timeoutMs: 1000, nowMs: 0)
        self.slave = SlaveLink(slave, hello: hello(slave.cluster), checksum: { crc, _ in crc }, timeoutMs: 1000, nowMs: 0)
    }

    /// The master's answer to the slave's greeting, over the wire's own bytes.
    mutating func greet() throws -> [MasterLink.Action] {
        guard case .send(let challenge) = master.opening.first else { return [] }
        let greeting = slave.received(try wire(challenge), nowMs: 0)
        guard case .send(let hello) = greeting.first else { return [] }
        return master.received(try wire(hello), nowMs: 0)
    }
}

/// Encodes, splits into single bytes, and decodes.
private func wire(_ frame: Frame) throws -> Frame {
    var bytes: [UInt8] = []
    frame.encode(into: &bytes)
    var reader = FrameReader(takesEvents: true)
    var found: Frame?
    for byte in bytes {
        withUnsafeBytes(of: byte) { reader.append($0) }
        if let frame = try reader.next() { found = frame }
    }
    #expect(reader.pendingBytes == 0)
    return try #require(found)
}

@Suite struct LinkTests {
    @Test func `a slave with the secret is admitted and told its id`() throws {
        var pair = try Pair()
        let id = try #require(two)
        guard case .admit(let greeted) = try pair.greet().first else {
            Issue.record("not admitted")
            return
        }
        #expect(greeted.uuid == "ab")
        guard case .send(let welcome) = pair.master.admitted(id).first else {
            Issue.record("not welcomed")
            return
        }
        #expect(pair.slave.received(try wire(welcome), nowMs: 0) == [.joined(id: id, master: try #require(one), epoch: .first)])
        let ends = [try #require(GTID("0-1-4")), try #require(GTID("0-257-9"))]
        #expect(pair.slave.resume(ends) == [.send(.resume(ends))])
        #expect(pair.master.received(.resume(ends), nowMs: 0) == [.resume(ends)])
        let common = Position(GTID("0-257-7"))
        let ack = Frame.Ack(received: common, applied: .start, state: "streaming", beat: 0)
        #expect(pair.slave.progressed(ack).isEmpty, "nothing is acknowledged before the logs are known to be one")
        #expect(pair.slave.received(.resumeAt(common), nowMs: 0) == [.resumeAt(common)])
        #expect(pair.slave.progressed(ack).isEmpty)
        pair.slave.matched()
        #expect(pair.slave.progressed(ack) == [.send(.ack(ack))])
    }

    @Test func `each piece for the journal is of one writer, wherever a frame ends`() throws {
        let written: [(UInt32, UInt64)] = [(1, 1), (1, 2), (258, 3), (258, 4), (515, 5)]
        let unsummed: Checksum = { crc, _ in crc }
        let groups = written.compactMap { server, sequence in
            EpochMarker.group(GTID(domain: 0, server: server, sequence: sequence), timestamp: 0, checksum: unsummed)
        }
        try #require(groups.count == written.count)
        let all = groups.flatMap { $0 }
        let eventEnds = ends(of: all)
        for cut in eventEnds {
            var pair = try Pair()
            _ = try pair.greet()
            guard case .send(let welcome) = pair.master.admitted(try #require(two)).first else {
                Issue.record("not welcomed")
                return
            }
            _ = pair.slave.received(welcome, nowMs: 0)
            _ = pair.slave.resume([])
            _ = pair.slave.received(.resumeAt(.start), nowMs: 0)
            pair.slave.matched()
            let actions = [Array(all[..<cut]), Array(all[cut...])].flatMap { pair.slave.received(.events($0), nowMs: 0) }
            var history: [GTID] = []
            var bytes: [UInt8] = []
            var wholeEnds: [Int] = []
            for case .append(let piece, let through, let wholeBytes) in actions {
                if let through {
                    if history.last?.server == through.server { history.removeLast() }
                    history.append(through)
                    wholeEnds.append(bytes.count + wholeBytes)
                }
                bytes += piece
            }
            #expect(bytes == all && history.map { "\($0)" } == ["0-1-2", "0-258-4", "0-515-5"], "cut at \(cut)")
            // Each writer's last transaction ends a piece's whole part.
            #expect(Set(wholeEnds).isSuperset(of: [groups[..<2].joined().count, groups[..<4].joined().count, all.count]), "cut at \(cut)")
        }
    }

    @Test func `a transaction that is not the next one ends the link, and both positions are told`() throws {
        let unsummed: Checksum = { crc, _ in crc }
        func group(_ server: UInt32, _ sequence: UInt64) throws -> [UInt8] {
            try #require(EpochMarker.group(GTID(domain: 0, server: server, sequence: sequence), timestamp: 0, checksum: unsummed))
        }
        let cases: [(String, [UInt8], String?)] = [
            ("0-1-7", try group(1, 9), "transaction 0-1-9 comes after 0-1-7: what is between them is missing"),
            ("0-1-7", try group(258, 8), nil), ("0-1-7", try group(258, 10), "transaction 0-258-10 comes after 0-1-7"),
            ("-", try group(1, 2), "transaction 0-1-2 comes after -"), ("-", try group(1, 1), nil),
        ]
        for (resumed, next, words) in cases {
            var pair = try Pair()
            _ = try pair.greet()
            guard case .send(let welcome) = pair.master.admitted(try #require(two)).first else {
                Issue.record("not welcomed")
                return
            }
            _ = pair.slave.received(welcome, nowMs: 0)
            _ = pair.slave.resume([])
            _ = pair.slave.received(.resumeAt(Position(GTID(resumed))), nowMs: 0)
            pair.slave.matched()
            let actions = pair.slave.received(.events(next), nowMs: 0)
            guard let words else {
                #expect(actions.count == 1 && pair.slave.isReceiving)
                continue
            }
            guard case .close(let refusal)? = actions.last else {
                Issue.record("taken: \(actions)")
                return
            }
            #expect(refusal.reason == .badStream && refusal.words.contains(words) && !pair.slave.isReceiving)
            #expect(!actions.contains { if case .append = $0 { true } else { false } }, "nothing of it is taken")
        }
    }

    private func ends(of events: [UInt8]) -> [Int] {
        var ends: [Int] = []
        while let header = events[(ends.last ?? 0)...].withUnsafeBytes({ EventHeader($0) }) { ends.append((ends.last ?? 0) + header.eventBytes) }
        return ends
    }

    @Test func `a slave with another secret is refused`() throws {
        var pair = try Pair(slave: identity(key: 8))
        guard case .send(.refused(let refusal)) = try pair.greet().first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .badProof)
        #expect(pair.master.received(.resume([]), nowMs: 0).isEmpty)
    }

    @Test func `a master with another secret is refused by the slave`() throws {
        var pair = try Pair()
        _ = try pair.greet()
        let forged = Frame.welcome(Frame.Welcome(id: try #require(two), proof: [1, 2, 3]))
        guard case .send(.refused(let refusal)) = pair.slave.received(forged, nowMs: 0).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .badProof)
    }

    @Test func `a node of another cluster is refused by name`() throws {
        var pair = try Pair(slave: identity("other"))
        guard case .send(let challenge) = pair.master.opening.first,
            case .send(.refused(let refusal)) = pair.slave.received(challenge, nowMs: 0).first
        else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .otherCluster)
        guard case .send(.refused(let refusal)) = pair.master.received(.hello(hello("other")), nowMs: 0).first else {
            Issue.record("not refused by the master")
            return
        }
        #expect(refusal.reason == .otherCluster)
    }

    @Test(arguments: [(nil, UInt8(7)), (UInt8(7), nil)] as [(UInt8?, UInt8?)])
    func `a secret on one side only is told as that`(master: UInt8?, slave: UInt8?) throws {
        var pair = try Pair(master: identity(key: master), slave: identity(key: slave))
        guard case .send(let challenge) = pair.master.opening.first,
            case .send(.refused(let refusal)) = pair.slave.received(challenge, nowMs: 0).first
        else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .secretMissing)
    }

    @Test func `what kind of node greets is proved with the rest`() throws {
        var pair = try Pair()
        guard case .send(let challenge) = pair.master.opening.first,
            case .send(.hello(var greeting)) = pair.slave.received(challenge, nowMs: 0).first
        else {
            Issue.record("no greeting")
            return
        }
        greeting.isWitness = true
        #expect(try wire(.hello(greeting)) == .hello(greeting))
        guard case .send(.refused(let refusal)) = pair.master.received(.hello(greeting), nowMs: 0).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .badProof)
    }

    @Test func `a greeting can't be replayed on another link`() throws {
        var first = try Pair()
        guard case .send(let challenge) = first.master.opening.first, case .send(let greeting) = first.slave.received(challenge, nowMs: 0).first
        else {
            Issue.record("no greeting")
            return
        }
        var second = MasterLink(
            identity(), master: try #require(one), epoch: .first, nonce: [UInt8](repeating: 8, count: 32), timeoutMs: 1000, nowMs: 0)
        guard case .send(.refused(let refusal)) = second.received(greeting, nowMs: 0).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .badProof)
    }

    @Test func `frames out of turn end the link`() throws {
        for frame in [Frame.resume([]), .ack(Frame.Ack(received: .start, applied: .start, state: "x", beat: 5)), .events([1]), .gone("x")] {
            var pair = try Pair()
            #expect(pair.master.received(frame, nowMs: 0).contains { if case .close = $0 { true } else { false } })
        }
    }

    @Test func `a silent peer is given up, a talking one is not`() throws {
        var pair = try Pair()
        #expect(pair.master.ticked(nowMs: 1000).isEmpty)
        #expect(!pair.master.ticked(nowMs: 1001).isEmpty)
        #expect(pair.slave.ticked(nowMs: 900).isEmpty)
        #expect(!pair.slave.ticked(nowMs: 1500).isEmpty)
    }
}

/// Ids are bound to folders on a link, too.
@Suite struct StrangerTests {
    private func pair(_ uuid: String, _ members: [UInt32: String]) throws -> (MasterLink, SlaveLink) {
        let identity = LinkIdentity(cluster: "ddb", uuid: uuid, prove: nil, equal: { $0 == $1 })
        let known = Dictionary(uniqueKeysWithValues: members.compactMap { id, uuid in NodeID(rawValue: id).map { ($0, uuid) } })
        return (
            MasterLink(identity, master: try #require(one), epoch: .first, nonce: [UInt8](repeating: 9, count: 32), timeoutMs: 1000, nowMs: 0),
            SlaveLink(identity, hello: hello(), members: known, checksum: { crc, _ in crc }, timeoutMs: 1000, nowMs: 0)
        )
    }

    private func answer(_ uuid: String, _ members: [UInt32: String]) throws -> Frame? {
        var (master, slave) = try pair(uuid, members)
        guard case .send(let challenge) = master.opening.first, case .send(let frame) = slave.received(try wire(challenge), nowMs: 0).first else {
            return nil
        }
        _ = master.received(frame, nowMs: 0)
        return frame
    }

    @Test func `a master whose folder is not the one that the slave's cluster knows under that id is refused`() throws {
        guard case .refused(let refusal)? = try answer("new", [1: "old", 2: "ab"]) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .idTaken && refusal.words.contains("its uuid is new, not old"))
        guard case .refused(let other)? = try answer("ab", [2: "ab", 3: "c"]) else {
            Issue.record("not refused under another id")
            return
        }
        #expect(other.words.contains("its data folder is node 2's"))
    }

    @Test func `one that the slave knows, or does not know yet, or that does not tell its folder, is greeted`() throws {
        for (uuid, members) in [("old", [1: "old", 2: "ab"]), ("old", [:]), ("", [1: "old"])] as [(String, [UInt32: String])] {
            guard case .hello? = try answer(uuid, members) else {
                Issue.record("refused")
                return
            }
        }
    }

    @Test func `a slave takes neither the master's own id nor that of another folder`() throws {
        for (id, members) in [(1, [:]), (3, [1: "m", 3: "c"])] as [(UInt32, [UInt32: String])] {
            var (master, slave) = try pair("m", members)
            guard case .send(let challenge) = master.opening.first, case .send(let greeting) = slave.received(challenge, nowMs: 0).first else {
                Issue.record("no greeting")
                return
            }
            _ = master.received(greeting, nowMs: 0)
            guard case .send(let welcome) = master.admitted(try #require(NodeID(rawValue: id))).first,
                case .send(.refused(let refusal)) = slave.received(welcome, nowMs: 0).first
            else {
                Issue.record("id \(id) was taken")
                return
            }
            #expect(refusal.reason == .idTaken && refusal.words.contains("Docs/Operations.md"))
        }
    }
}

@Suite struct FrameTests {
    static let frames: [Frame] = [
        .resume([]), .resume([GTID(domain: 0, server: 1, sequence: 42), GTID(domain: 0, server: 257, sequence: 43)]),
        .resumeAt(Position(GTID("0-1-42"))),
        .resumeAt(.start), .members("stamp 1.2\n"), .events([]), .events([1, 2, 3]), .packedEvents(count: 70_000, [4, 5]),
        .gone("no such position"), .committed(.all), .readIndex(9), .readAnswer(9, Position(GTID("0-1-8")), refusal: ""),
        .readAnswer(3, .start, refusal: "no"), .committed(.upTo(.start)),
        .refused(LinkRefusal(.idTaken, "id 2 is taken")), .refused(LinkRefusal(.notMaster, "a slave", master: "10.0.0.1:7001")),
        .snapshotWanted(.physical), .snapshotWanted(.logical), .snapshotQueued(ahead: 2), .snapshotData([1, 2, 3]),
        .snapshotDone(Frame.SnapshotDone(bytes: 3, digest: [UInt8](repeating: 6, count: 16), position: Position(GTID("0-1-9")))),
        .ack(Frame.Ack(received: Position(GTID("0-1-9")), applied: Position(GTID("0-1-8")), state: "streaming", beat: 5, members: "3.1")),
        .beat(
            Frame.Beat(
                position: Position(GTID("0-1-9")), committed: .upTo(Position(GTID("0-1-8"))), number: 77, clockMs: 12,
                nodes: NodeID(rawValue: 3).map {
                    [NodeStatus(id: $0, role: .slave, address: "h:1", state: "away", received: .start, applied: .start, lagMs: nil, lastSeenMs: 4)]
                } ?? [])),
    ]

    @Test(arguments: frames) func `a frame reads back as it was written, byte by byte`(frame: Frame) throws {
        #expect(try wire(frame) == frame)
    }

    @Test func `events are packed where that makes them smaller, and not in large pieces`() throws {
        func framed(_ count: Int, _ pack: @escaping (UnsafeRawBufferPointer) -> [UInt8]?) throws -> Frame? {
            var events = EventsFrame()
            [UInt8](repeating: 9, count: count).withUnsafeBytes { events.append($0) }
            let bytes = events.take(pack)
            #expect(events.eventBytes == 0)
            var reader = FrameReader(takesEvents: true)
            bytes.withUnsafeBytes { reader.append($0) }
            return try reader.next()
        }
        #expect(try framed(1000) { [UInt8($0.count / 100), $0[0]] } == .packedEvents(count: 1000, [10, 9]))
        #expect(try framed(1000) { _ in nil } == .events([UInt8](repeating: 9, count: 1000)))
        #expect(try framed(256 << 10) { _ in [1] } == .packedEvents(count: 256 << 10, [1]))
        #expect(try framed(256 << 10 + 1) { _ in [1] } == .events([UInt8](repeating: 9, count: 256 << 10 + 1)))
    }

    @Test(arguments: frames) func `a damaged frame is refused or read as another, never a trap`(frame: Frame) {
        var bytes: [UInt8] = []
        frame.encode(into: &bytes)
        for index in bytes.indices {
            for value in [UInt8(0), 1, 0x7f, 0xff] {
                var damaged = bytes
                damaged[index] = value
                var reader = FrameReader(takesEvents: true)
                damaged.withUnsafeBytes { reader.append($0) }
                while let _ = try? reader.next() {}
            }
        }
    }

    @Test func `a frame that claims to be larger than any is refused before it is awaited`() {
        var reader = FrameReader(takesEvents: true)
        [UInt8]([0xff, 0xff, 0xff, 0xff, 6]).withUnsafeBytes { reader.append($0) }
        #expect(throws: LinkRefusal.self) { try reader.next() }
        var small = FrameReader(takesEvents: true)
        [UInt8]([0, 0, 0x20, 0, 10]).withUnsafeBytes { small.append($0) }
        #expect(throws: LinkRefusal.self) { try small.next() }
        var master = FrameReader(takesEvents: false)
        [UInt8]([0, 0, 0x20, 0, 6]).withUnsafeBytes { master.append($0) }
        #expect(throws: LinkRefusal.self) { try master.next() }
    }
}

import ClusterModel
import Replication
import Testing

/// A stand-in for HMAC: every byte of key and message matters (FNV-1a).
private func digest(_ key: UInt8, _ message: [UInt8]) -> [UInt8] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in [key] + message { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return withUnsafeBytes(of: hash) { Array($0) }
}

private func identity(key: UInt8? = 7) -> LinkIdentity {
    LinkIdentity(cluster: "ddb", prove: key.map { key in { @Sendable in digest(key, $0) } }, equal: { $0 == $1 })
}

private struct Peers {
    var asker: PeerAsker
    var answerer: PeerAnswerer

    init(asker key: UInt8? = 7, answerer other: UInt8? = 7, wanted: UInt32 = 2) throws {
        let hello = Frame.Hello(cluster: "ddb", uuid: "ab", id: 1, address: "h:1", nonce: [UInt8](repeating: 5, count: 32), proof: [])
        asker = PeerAsker(identity(key: key), wanted: try #require(NodeID(rawValue: wanted)), hello: hello)
        answerer = PeerAnswerer(
            identity(key: other), own: try #require(NodeID(rawValue: 2)), epoch: .first, nonce: [UInt8](repeating: 9, count: 32), idleMsMax: 1000,
            nowMs: 0)
    }

    /// The asker's answer to the challenge, as the answerer takes it.
    mutating func greet() -> [PeerAnswerer.Action] {
        guard case .send(let challenge) = answerer.opening.first, case .send(let hello) = asker.received(challenge).first else { return [] }
        return answerer.received(hello, nowMs: 0)
    }

    mutating func meet() -> [PeerAsker.Action] {
        guard case .send(let welcome) = greet().first else { return [] }
        return asker.received(welcome)
    }
}

@Suite struct PeerLinkTests {
    @Test func `with the secret a request is answered, and the next one too`() throws {
        var peers = try Peers()
        #expect(peers.meet() == [.ready])
        for number in 0..<2 {
            #expect(peers.asker.ask(["hold", nil]) == [.send(.ask(["hold", nil]))])
            #expect(peers.answerer.received(.ask(["hold", nil]), nowMs: number) == [.answer(["hold", nil])])
            #expect(peers.answerer.answered(.told([["7"]]), nowMs: number) == [.send(.told([["7"]]))])
            #expect(peers.asker.received(.told([["7"]])) == [.answered(.told([["7"]]))])
        }
    }

    @Test(arguments: [(7, 8), (nil, 7), (7, nil)] as [(UInt8?, UInt8?)])
    func `without the secret nothing is answered`(asker: UInt8?, answerer: UInt8?) throws {
        var peers = try Peers(asker: asker, answerer: answerer)
        #expect(peers.meet() != [.ready])
        let ask = peers.answerer.received(.ask(["hold"]), nowMs: 0)
        #expect(!ask.contains(.answer(["hold"])))
    }

    @Test func `a proof for a slave's link opens no connection between peers`() throws {
        var peers = try Peers()
        let hello = Frame.Hello(cluster: "ddb", uuid: "ab", id: 1, address: "h:1", nonce: [UInt8](repeating: 5, count: 32), proof: [])
        var slave = SlaveLink(identity(), hello: hello, checksum: { crc, _ in crc }, timeoutMs: 1000, nowMs: 0)
        guard case .send(let challenge) = peers.answerer.opening.first, case .send(let proved) = slave.received(challenge, nowMs: 0).first else {
            Issue.record("no greeting")
            return
        }
        #expect(peers.answerer.received(proved, nowMs: 0).count == 2)
        #expect(peers.answerer.received(.ask(["hold"]), nowMs: 0) == [])
    }

    @Test func `another node than the wanted one is asked nothing`() throws {
        var peers = try Peers(wanted: 3)
        #expect(peers.meet() == [])
        #expect(peers.asker.ask(["hold"]) == [])
    }

    @Test func `a node of another folder under the id that was asked for does not answer for it`() throws {
        for (uuid, answers) in [("old", true), ("new", false), ("", true)] {
            let identity = LinkIdentity(cluster: "ddb", uuid: uuid, prove: nil, equal: { $0 == $1 })
            let two = try #require(NodeID(rawValue: 2))
            let hello = Frame.Hello(cluster: "ddb", uuid: "ab", id: 1, address: "h:1", nonce: [UInt8](repeating: 5, count: 32), proof: [])
            var asker = PeerAsker(identity, wanted: two, uuid: "old", hello: hello)
            let answerer = PeerAnswerer(identity, own: two, epoch: .first, nonce: [UInt8](repeating: 9, count: 32), idleMsMax: 1000, nowMs: 0)
            guard case .send(let challenge) = answerer.opening.first, case .send(let frame) = asker.received(challenge).first else {
                Issue.record("nothing was said")
                return
            }
            if case .hello = frame { #expect(answers) } else { #expect(!answers) }
        }
    }

    @Test func `a peer that asks nothing is given up, not while its answer is made`() throws {
        var peers = try Peers()
        _ = peers.meet()
        _ = peers.answerer.received(.ask(["sum"]), nowMs: 10)
        #expect(peers.answerer.ticked(nowMs: 5000) == [])
        _ = peers.answerer.answered(.told([]), nowMs: 5000)
        #expect(peers.answerer.ticked(nowMs: 5900) == [])
        #expect(peers.answerer.ticked(nowMs: 6001).count == 2)
    }

    @Test(arguments: [Frame.ask([]), .ask(["a", nil, ""]), .told([]), .told([["a", nil], []]), .notTold(["busy", nil])])
    func `requests and answers cross the wire`(frame: Frame) throws {
        var bytes: [UInt8] = []
        frame.encode(into: &bytes)
        var reader = FrameReader(takesEvents: false)
        bytes.withUnsafeBytes { reader.append($0) }
        #expect(try reader.next() == frame)
        #expect(reader.pendingBytes == 0)
    }
}

import ClusterModel
import Digests
import EventLoop
import NodeConfig
import Replication
import Verification

/// Another node that this one asks, over a connection of its own, proved by the cluster's secret where there is one.
@LoopActor final class PeerClient: ChannelHandler, VerifyParticipant {
    private static let connectMs = 3000
    /// More than the request takes there at most.
    private static func answerMs(_ request: VerifyRequest) -> Int {
        switch request {
        case .nodes, .prepare, .names, .shape, .hold, .snapshot, .snapshotAt, .endSnapshot, .cut, .list: (ChecksumSQL.statementSeconds + 30) * 1000
        case .sum(_, let range): ((range == .all ? ChecksumSQL.wholeTableSeconds : ChecksumSQL.statementSeconds) + 30) * 1000
        }
    }

    private let node: Node
    private let id: NodeID
    private let address: String
    private var dialer: Dialer?
    private var channel: Channel?
    private var link: PeerAsker?
    private var frames = FrameReader(takesEvents: false)
    private var greeting: Answer<Void>?
    private var pending: Answer<VerifyReply>?
    private var why = "the connection to it was closed"

    init(_ node: Node, _ id: NodeID, _ address: String) {
        self.node = node
        self.id = id
        self.address = address
    }

    func connect() async throws(VerifyProblem) {
        guard let target = NodeAddress(address) else { throw .lost("its address \(address) can't be read") }
        let greeting = Answer<Void>()
        self.greeting = greeting
        dialer = Dialer(node.loop, host: target.host, port: target.port, timeoutMs: Self.connectMs) { [weak self] result in
            guard let self else { return }
            self.dialer = nil
            do { try self.connected(try result.get()) } catch { self.fail("it can't be reached: \(error)") }
        }
        let timer = node.loop.after(milliseconds: 2 * Self.connectMs) { [weak self] in self?.fail("it did not greet in \(2 * Self.connectMs) ms") }
        defer { node.loop.cancel(timer) }
        try await greeting.value()
    }

    private func connected(_ descriptor: Int32) throws {
        let hello = Frame.Hello(
            cluster: node.settings.cluster.name, uuid: node.directory.state.uuid, id: node.id.rawValue, address: node.address,
            nonce: try Digests.random(32), proof: [])
        link = PeerAsker(node.linkIdentity, wanted: id, hello: hello)
        let channel = Channel(node.loop, descriptor)
        try channel.start(self)
        self.channel = channel
        channel.write(Array(".peer 1\n".utf8))
    }

    func ask(_ request: VerifyRequest) async throws(VerifyProblem) -> VerifyReply {
        guard channel?.isOpen == true, link != nil else { throw .lost(why) }
        let answer = Answer<VerifyReply>()
        pending = answer
        let limit = Self.answerMs(request)
        let timer = node.loop.after(milliseconds: limit) { [weak self] in self?.fail("it did not answer in \(limit) ms") }
        defer { node.loop.cancel(timer) }
        perform(link?.ask(request.fields) ?? [])
        return try await answer.value()
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        frames.append(bytes)
        do throws(LinkRefusal) {
            while channel?.isOpen == true, let frame = try frames.next() { perform(link?.received(frame) ?? []) }
        } catch {
            fail("what answers there is no node of this version: \(error.words)")
        }
    }

    private func perform(_ actions: [PeerAsker.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .ready: greeting?.give(.success(()))
            case .answered(.told(let rows)): pending?.give(.success(VerifyReply(rows: rows)))
            case .answered(.notTold(let fields)): pending?.give(.failure(VerifyProblem(fields)))
            case .answered: fail("it answered what is no answer")
            case .snapshot: break  // asked for over a connection of its own alone
            case .close(let refusal): fail(refusal.words)
            }
        }
    }

    private func fail(_ words: String) {
        why = words
        close()
    }

    func close() {
        dialer?.cancel()
        dialer = nil
        let channel = self.channel
        self.channel = nil
        channel?.close()
        greeting?.give(.failure(.lost(why)))
        pending?.give(.failure(.lost(why)))
    }

    func drained() {}
    func inputEnded() { fail("it closed the connection") }
    func ended(_ end: ChannelEnd) { if channel != nil { fail("the connection to it ended: \(end)") } }
}

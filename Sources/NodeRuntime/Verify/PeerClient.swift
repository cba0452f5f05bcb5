import ClusterModel
import Digests
import EventLoop
import NodeConfig
import Replication
import Verification

/// Another node that this one asks, over a connection of its own, proved by the cluster's secret where there is one.
@LoopActor final class PeerClient: VerifyParticipant {
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
    private var channel: PeerChannel?
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
        do throws(Digests.NoRandomness) {
            channel = try PeerChannel(node, id, at: target, connectMs: Self.connectMs) { [weak self] in self?.heard($0) }
        } catch {
            throw .lost("\(error)")
        }
        let timer = node.loop.after(milliseconds: 2 * Self.connectMs) { [weak self] in self?.fail("it did not greet in \(2 * Self.connectMs) ms") }
        defer { node.loop.cancel(timer) }
        try await greeting.value()
    }

    func ask(_ request: VerifyRequest) async throws(VerifyProblem) -> VerifyReply {
        guard let channel else { throw .lost(why) }
        let answer = Answer<VerifyReply>()
        pending = answer
        let limit = Self.answerMs(request)
        let timer = node.loop.after(milliseconds: limit) { [weak self] in self?.fail("it did not answer in \(limit) ms") }
        defer { node.loop.cancel(timer) }
        channel.ask(request.fields)
        return try await answer.value()
    }

    private func heard(_ event: PeerChannel.Event) {
        switch event {
        case .ready: greeting?.give(.success(()))
        case .answered(.told(let rows)): pending?.give(.success(VerifyReply(rows: rows)))
        case .answered(.notTold(let fields)): pending?.give(.failure(VerifyProblem(fields)))
        case .answered: fail("it answered what is no answer")
        case .snapshot: break  // asked for over a connection of its own alone
        case .ended(let why): fail(why.words)
        }
    }

    private func fail(_ words: String) {
        why = words
        close()
    }

    func close() {
        channel?.close()
        channel = nil
        greeting?.give(.failure(.lost(why)))
        pending?.give(.failure(.lost(why)))
    }
}

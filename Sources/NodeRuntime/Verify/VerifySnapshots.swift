import ClusterModel
import EventLoop
import NodeConfig
import Verification

/// The nodes that take part in a verification, and their snapshots at one GTID.
@LoopActor final class VerifySnapshots {
    private static let triesMax = 10

    private let node: Node
    private var participants: [NodeID: any VerifyParticipant] = [:]
    private(set) var master: NodeID
    /// Who is compared with the master.
    private(set) var others: [NodeID] = []
    /// Who takes no part, or no more: why.
    var lost: [NodeID: String] = [:]
    private(set) var position = Position.start
    private var takenMs = 0
    private var isClosed = false
    private var rest: Answer<Void>?

    init(_ node: Node) {
        self.node = node
        master = node.id
    }

    /// A new snapshot is due: while one is open, its database keeps all that was changed since.
    var isOld: Bool { EventLoop.nowMs() - takenMs > node.settings.verify.snapshotMs }

    // MARK: Who

    /// Reaches every node of the cluster; throws when the master is not among them.
    func connect() async throws(VerifyProblem) {
        guard let first = node.nodes().first(where: { $0.role == .master }) else { throw .failed("this node does not know its master yet") }
        master = first.id
        let nodes: [(id: NodeID, address: String)]
        do throws(VerifyProblem) {
            try await join(master, first.address)
            // A slave may not have heard yet of one that joined a moment ago.
            nodes = try await ask(master, .nodes).nodes
        } catch {
            throw .failed("the master, node \(master) at \(first.address): \(error.words)")
        }
        for (id, address) in nodes where id != master {
            do throws(VerifyProblem) {
                try await join(id, address)
                others.append(id)
            } catch {
                lost[id] = error.words
            }
        }
    }

    private func join(_ id: NodeID, _ address: String) async throws(VerifyProblem) {
        guard !isClosed else { throw .lost("it was ended") }
        if id == node.id {
            guard let worker = node.verifier.lease() else { throw .busy }
            participants[id] = worker
            return
        }
        let peer = PeerClient(node, id, address)
        participants[id] = peer
        do throws(VerifyProblem) {
            try await peer.connect()
        } catch {
            participants[id] = nil
            throw error
        }
    }

    /// A node takes no part any more.
    func lose(_ id: NodeID, _ why: String) {
        guard id != master, let participant = participants.removeValue(forKey: id) else { return }
        others.removeAll { $0 == id }
        lost[id] = why
        end(participant)
    }

    private func end(_ participant: any VerifyParticipant) {
        if let worker = participant as? VerifyWorker { node.verifier.release(worker) } else { participant.close() }
    }

    func close() {
        isClosed = true
        let all = participants
        participants = [:]
        for participant in all.values { end(participant) }
        rest?.give(.success(()))
    }

    // MARK: Asking

    func ask(_ id: NodeID, _ request: VerifyRequest) async throws(VerifyProblem) -> VerifyReply {
        guard let participant = participants[id] else { throw .lost("it is gone") }
        return try await participant.ask(request)
    }

    /// All at the same time.
    func askAll(_ nodes: [NodeID], _ request: VerifyRequest) async -> [NodeID: Result<VerifyReply, VerifyProblem>] {
        let tasks = nodes.map { id in
            (
                id,
                Task { () async -> Result<VerifyReply, VerifyProblem> in
                    do throws(VerifyProblem) { return .success(try await self.ask(id, request)) } catch { return .failure(error) }
                }
            )
        }
        var results: [NodeID: Result<VerifyReply, VerifyProblem>] = [:]
        for (id, task) in tasks { results[id] = await task.value }
        return results
    }

    func pause(milliseconds: Int) async {
        guard milliseconds > 0, !isClosed else { return }
        let rest = Answer<Void>()
        self.rest = rest
        node.loop.after(milliseconds: milliseconds) { rest.give(.success(())) }
        try? await rest.value()
    }

    // MARK: Snapshots

    /// Has every node take a snapshot at one position: the slaves are held where they are, the master takes its own behind that, and each slave goes on
    /// to exactly there, takes its own, and is let go.
    func take() async throws(VerifyProblem) {
        _ = await askAll([master] + others, .endSnapshot)
        // Before anybody is held: to find a position in a long binlog file takes its time.
        _ = try await ask(master, .prepare)
        var waiting = others
        for _ in 0..<Self.triesMax {
            var furthest: UInt64 = 0
            for (id, result) in await askAll(waiting, .hold) {
                switch result {
                case .success(let reply): furthest = max(furthest, reply.first.flatMap { UInt64($0) } ?? 0)
                case .failure(let problem): lose(id, problem.words)
                }
            }
            let reply = try await ask(master, .snapshot(atLeast: furthest))
            guard let told = reply.first, let found = Position(list: told == "-" ? "" : told) else { throw .failed("the master told no position") }
            waiting = []
            for (id, result) in await askAll(others, .snapshotAt(found.sequence)) {
                switch result {
                case .success: break
                case .failure(.passed): waiting.append(id)
                case .failure(let problem): lose(id, problem.words)
                }
            }
            position = found
            takenMs = EventLoop.nowMs()
            if waiting.isEmpty { return }
            // One position for all: whoever has a snapshot takes another.
            waiting = others
        }
        for id in waiting { lose(id, VerifyProblem.passed.words) }
    }
}

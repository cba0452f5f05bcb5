import ClusterModel
import EventLoop
import Verification

/// How one table is defined on each node.
struct VerifyDefinitions {
    /// Nil: the master has no such table.
    let master: TableShape?
    private(set) var same: [NodeID] = []
    /// How they differ.
    private(set) var differing: [NodeID: String] = [:]
    /// Why they could not tell.
    private(set) var unread: [NodeID: String] = [:]

    /// As each node has it just now; one that is behind may seem to differ.
    @LoopActor static func read(_ name: TableName, _ snapshots: VerifySnapshots) async throws(VerifyProblem) -> VerifyDefinitions {
        let replies = await snapshots.askAll([snapshots.master] + snapshots.others, .shape(name, atLeast: 0))
        guard let own = replies[snapshots.master] else { throw .lost("the master is gone") }
        return VerifyDefinitions(try own.get().shape, replies, snapshots)
    }

    /// Where some seem to differ: asks again those that had time to come up to the master, whose own definition must not change meanwhile.
    @LoopActor static func confirm(_ name: TableName, _ snapshots: VerifySnapshots) async throws(VerifyProblem) -> VerifyDefinitions {
        let before = try await snapshots.ask(snapshots.master, .shape(name, atLeast: 0))
        let replies = await snapshots.askAll(snapshots.others, .shape(name, atLeast: before.sequence))
        let after = try await snapshots.ask(snapshots.master, .shape(name, atLeast: 0))
        guard before.shape == after.shape else { throw .redefined("on the master, while it was asked for") }
        return VerifyDefinitions(after.shape, replies, snapshots)
    }

    @LoopActor private init(_ master: TableShape?, _ replies: [NodeID: Result<VerifyReply, VerifyProblem>], _ snapshots: VerifySnapshots) {
        self.master = master
        for id in snapshots.others {
            switch replies[id] {
            case .success(let reply):
                switch (master, reply.shape) {
                case (let wanted, let found) where wanted == found: same.append(id)
                case (let wanted?, let found?): differing[id] = wanted.difference(found)
                case (_, nil): differing[id] = "it is missing here"
                case (nil, _): differing[id] = "it is here, and not on the master"
                }
            case .failure(.lost(let why)): snapshots.lose(id, why)
            case .failure(let problem): unread[id] = problem.words
            case nil: break
            }
        }
    }
}

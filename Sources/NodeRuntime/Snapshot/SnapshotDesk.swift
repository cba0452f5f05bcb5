import ClusterModel
import EventLoop
import MariaDBServer
import NodeConfig
import Replication

/// Where a master gives slaves snapshots of its database: one at a time, the others wait in order of coming.
@LoopActor final class SnapshotDesk {
    private unowned let node: Node
    private var queue = SnapshotQueue<ObjectIdentifier>()
    private var givings: [ObjectIdentifier: SnapshotGiving] = [:]

    init(_ node: Node) { self.node = node }

    /// What was asked for, or why there is none.
    func give(_ giving: SnapshotGiving) {
        guard node.settings.database.mode == .private else {
            let words =
                "the master's database is external, so its node can't copy it: fill the slave by hand (Docs/Operations.md, \"Rebuilding a slave\")"
            return giving.refuse(LinkRefusal(.noSnapshot, words))
        }
        queue.joined(ObjectIdentifier(giving))
        givings[ObjectIdentifier(giving)] = giving
        if queue.current == ObjectIdentifier(giving) { giving.begin() } else { tellQueue() }
    }

    /// It has its snapshot, or does not want it any more.
    func left(_ giving: SnapshotGiving) {
        let wasServed = queue.current == ObjectIdentifier(giving)
        guard queue.left(ObjectIdentifier(giving)) else { return }
        givings[ObjectIdentifier(giving)] = nil
        if wasServed { queue.current.flatMap { givings[$0] }?.begin() }
        tellQueue()
    }

    private func tellQueue() {
        for waiting in queue.waiting { givings[waiting]?.isQueued(behind: queue.ahead(of: waiting) ?? 0) }
    }

    /// Called from time to time.
    func tick() { queue.current.flatMap { givings[$0] }?.tick() }

    var statusRows: [[String?]] {
        let current = queue.current.flatMap { givings[$0] }
        return [
            ["snapshot.serving", current.map { "\($0.bytes) bytes to \($0.slave)" } ?? "none"], ["snapshot.waiting", "\(queue.waiting.count)"],
        ]
    }

    func close() {
        for giving in Array(givings.values) { giving.close() }
    }
}

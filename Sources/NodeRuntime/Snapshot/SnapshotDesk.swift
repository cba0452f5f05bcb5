import ClusterModel
import EventLoop
import MariaDBServer
import NodeConfig
import Replication

/// Where a node gives others snapshots of its database: one at a time, the others wait in order of coming.
@LoopActor final class SnapshotDesk {
    private unowned let node: Node
    private var queue = SnapshotQueue<ObjectIdentifier>()
    private var givings: [ObjectIdentifier: SnapshotGiving] = [:]

    init(_ node: Node) { self.node = node }

    /// Why there is none of this kind to be had here now; nil: there is.
    func refusal(_ kind: SnapshotKind) -> LinkRefusal? {
        guard kind == .logical || node.settings.database.mode == .private else {
            let words =
                "its database is external, so its node can't copy its files: fill the slave by hand (Docs/Operations.md, \"Rebuilding a slave\")"
            return LinkRefusal(.noSnapshot, words)
        }
        let why: String? =
            switch node.life {
            case let slave as SlaveLife: slave.snapshotRefusal
            case let master as MasterLife: master.role == .master ? nil : "it was elected, and does not lead yet"
            default: "it is starting"
            }
        return why.map { LinkRefusal(.snapshotFailed, "node \(node.id) gives none now: \($0)") }
    }

    /// What was asked for, or why there is none.
    func give(_ giving: SnapshotGiving) {
        if let refusal = refusal(giving.kind) { return giving.refuse(refusal) }
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
    func tick() {
        queue.current.flatMap { givings[$0] }?.tick()
        tellQueue()
    }

    var statusRows: [[String?]] {
        let current = queue.current.flatMap { givings[$0] }
        return [
            ["snapshot.serving", current.map { "\($0.bytes) bytes to \($0.taker)" } ?? "none"], ["snapshot.waiting", "\(queue.waiting.count)"],
        ]
    }

    /// Breaks all of them off; why.
    func close(_ why: String) {
        let all = Array(givings.values)
        // None of them is to begin because another one ended.
        givings = [:]
        queue = SnapshotQueue()
        for giving in all { giving.fail(why) }
    }
}

import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig

/// What a node tells of itself, and asks its role for.
extension Node {
    func nodes() -> [NodeStatus] { life?.nodes() ?? [] }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [
            ["node", "\(id)"], ["role", roleWord], ["epoch", "\(epoch)"], ["cluster", settings.cluster.name], ["address", address],
            ["master", masterWords], ["version", DDBVersion.text], ["database", database?.endpoint == nil ? "down" : "up"],
            ["database.mode", settings.database.mode.rawValue], ["database.version", databaseVersion],
            ["uptime_ms", "\(EventLoop.nowMs() - startedMs)"],
        ]
        rows += (life?.statusRows() ?? []) + verifier.statusRows
        rows += [
            ["clients", "\(sessions.count)"], ["clients.max", "\(settings.limits.connectionsMax)"],
            ["pool.in_use", "\(pool.inUse)"], ["pool.idle", "\(pool.idleCount)"], ["pool.waiting", "\(pool.waiting)"],
            ["pool.max", "\(settings.pool.connectionsMax)"],
            ["health", health],
        ]
        return rows
    }

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) {
        guard let life else { return done(.failure(ReplyError(.notReady, "this node is starting; try again shortly"))) }
        life.confirmedPosition(done)
    }

    var stalenessMs: Int? { life?.stalenessMs }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        guard let life else { throw ReplyError(.notReady, "this node is starting; try again shortly") }
        return try life.remove(id)
    }

    /// A write that would only wait for nodes that are away is refused.
    var writeRefusal: ReplyError? { life?.writeRefusal }
    /// Whether commits wait for other nodes: then a commit under way must not be broken off, since the database would let it through.
    var commitsWait: Bool { applied.limit != nil }
    private var health: String {
        guard let notReady else { return life?.health ?? "Starting." }
        let why = "Not serving: \(String(decoding: notReady.message, as: UTF8.self))."
        // A slave that starts may be held up by its master, and knows why.
        return role == .slave || commitsWait ? why + " " + (life?.health ?? "") : why
    }
}

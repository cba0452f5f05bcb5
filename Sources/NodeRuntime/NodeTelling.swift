import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig

/// What a node tells of itself, and asks its role for.
extension Node {
    func nodes() -> [NodeStatus] { life?.nodes() ?? [] }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [
            ["node", "\(id)"], ["role", roleWord], ["epoch", "\(epoch)"], ["cluster", settings.cluster.name], ["address", address],
            ["master", masterWords], ["version", DDBVersion.text], ["database", isWitness ? "none" : database?.endpoint == nil ? "down" : "up"],
            ["database.mode", settings.database.mode.rawValue], ["database.version", databaseVersion],
            ["database.corrections", "\(databaseWatch.corrections)"],
            ["members", membershipWords], ["failover", failoverWords],
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

    private var membershipWords: String {
        let members = membership.configuration.members
        return members.isEmpty ? "-" : members.map { "\($0.id)=\($0.kind.word)" }.joined(separator: " ")
    }

    /// Who chooses the next master, and why.
    private var failoverWords: String {
        let configuration = membership.configuration
        let copies = settings.replication.acks.copies(voters: configuration.holders.count)
        if electsByItself {
            return "automatic: \(configuration.majority) of \(configuration.voters.count) nodes must be within reach of each other"
        }
        if settings.failover.mode == .manual { return "by hand (failover.mode is manual): say .promote on the node that is to be master" }
        if settings.database.mode == .external { return "by hand: the database is external" }
        switch configuration.voters.count {
        case ..<2: return "none: there is one voting node"
        case 2:
            return
                "by hand: of two voting nodes neither can know whether the other is dead or cut off, so none takes over by itself; a third node or a witness mends that, else say .promote"
        default:
            return
                "by hand: with replication.acks for \(copies) of \(configuration.holders.count) nodes an elected master may lack acknowledged writes; raise it, or set failover.mayLoseWrites"
        }
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
    private var handOverWords: String {
        electsByItself
            ? "It hands over to a slave that has everything and whose database works; .nodes tells their states."
            : "No other node takes over by itself here: see what holds the database up, and restart it."
    }

    private var health: String { (databaseWatch.words.map { $0 + " " } ?? "") + roleHealth }

    private var roleHealth: String {
        if let trouble = probe.trouble, role == .slave { return "This node can't do its work: \(trouble.words)." }
        if let trouble = probe.trouble { return "This master can't do its work: \(trouble.words). \(handOverWords)" }
        guard let notReady else { return life?.health ?? "Starting." }
        let why = "Not serving: \(String(decoding: notReady.message, as: UTF8.self))."
        // A slave that starts may be held up by its master, and knows why.
        return role == .slave || commitsWait ? why + " " + (life?.health ?? "") : why
    }
}

import ClusterModel
import EventLoop
import LineProtocol

/// What a node does because of its role.
@LoopActor protocol RoleLife: AnyObject {
    /// How clients' statements are treated.
    var role: Role { get }
    /// Nil: it follows nobody.
    var leaderLink: LeaderLink? { get }
    /// The database answers: makes it fit for the role. `done` hears what is wrong, or nil when clients may be served.
    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void)
    func databaseIsDown()
    /// The database will not come up by itself; true where the role does something about it.
    func databaseFailed(_ why: String) -> Bool
    /// What clients are told who can't be served, where the role knows better than its node.
    var notReady: ReplyError? { get }
    /// A connection wants to become a link between nodes; `rest` is what came behind its first line.
    func linkArrived(_ channel: Channel, rest: [UInt8])
    /// A client's write was given this position.
    func passed(_ position: Position)
    /// Why a write would only wait now; nil when it need not.
    var writeRefusal: ReplyError? { get }
    /// What keeps the database at one position for a moment; nil where it applies nothing.
    var applyHold: ApplyHold? { get }
    /// Everybody this node knows of.
    func nodes() -> [NodeStatus]
    /// Up to where a linearizable read must see that comes now.
    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void)
    /// How old what is applied here may be, in milliseconds; nil: not known.
    var stalenessMs: Int? { get }
    /// Takes a node out of the cluster.
    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField]
    func statusRows() -> [[String?]]
    /// A sentence for a tired operator.
    var health: String { get }
    func stop()
}

extension MasterLife {
    var leaderLink: LeaderLink? { nil }
}

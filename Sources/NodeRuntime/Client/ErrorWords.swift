import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector

extension DatabaseError {
    /// The error as a client is told it.
    var reply: ReplyError {
        ReplyError(number: UInt16(clamping: number), state: state, message: message)
    }
}

/// What a client is told when it can't have a database connection.
enum PoolWords {
    @LoopActor static func reply(_ error: PoolError, _ node: NodeContext) -> ReplyError {
        switch error {
        case .databaseDown(let reason):
            let why = reason.map { " (\($0.text))" } ?? ""
            return ReplyError(.databaseDown, "this node's own MariaDB does not answer\(why); try again shortly, .status tells more")
        case .refused(let error): return error.reply
        case .exhausted(let most):
            return ReplyError(
                .poolExhausted,
                "all \(most) database connections of this node stayed in use; end transactions sooner, try again, or raise pool.connectionsMax")
        case .closed: return ReplyError(.shuttingDown, "this node is stopping; connect to another one")
        }
    }
}

extension ReplyError {
    static let diagnosticsGone = ReplyError(
        .diagnosticsGone,
        "the last statement's warnings and counts are gone: its database connection serves others now; run both within a transaction")

    /// `@@last_gtid` of the connection at hand is not the session's.
    static func lastGTIDElsewhere(_ own: GTID?) -> ReplyError {
        let told = own.map { "the session's last one is \($0), as its reply said (gtid=)" } ?? "the session has written nothing"
        return ReplyError(
            .diagnosticsGone, "@@last_gtid is another session's on this database connection: \(told); from the next write on it is right")
    }

    /// The connection to the node's own database broke under a statement.
    static func lostLocally(_ error: DatabaseError, hadState: Bool) -> ReplyError {
        let state = hadState ? " the session's transaction and settings are gone," : ""
        let fate = " whether this statement took effect is not known: look before you send it again"
        return ReplyError(.connectionLost, "the connection to this node's database broke (\(error.text)):\(state)\(fate)")
    }

    /// The request was at fault, not the moment: it would be answered the same way again.
    var isOfRequest: Bool {
        switch code {
        case .database: true
        case .node(let word):
            switch word {
            case .lineTooLong, .badRequest, .unknownCommand, .dropRefused, .databaseRefused, .adminRefused, .nodeOwned, .filesRefused, .multiRefused,
                .unknownStatement, .dynamicRefused, .notRepeatable, .variableRefused, .diagnosticsGone, .notMaster, .unknownNode,
                .idCommitted:
                true
            case .tooManyConnections, .idleTimeout, .auth, .authRequired, .waitTimeout, .staleRead, .notReady, .noQuorum, .idOpen, .idGone,
                .masterUnreachable,
                .databaseDown,
                .poolExhausted, .connectionLost, .verifyRunning, .verifyFailed, .shuttingDown:
                false
            }
        }
    }
}

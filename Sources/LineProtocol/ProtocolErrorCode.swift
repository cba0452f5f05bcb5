/// The errors of the node itself: the words that stand where MariaDB's own errors carry a number.
///
/// `Docs/ClientProtocol.md` lists them from this table.
package enum ProtocolErrorCode: String, CaseIterable, Sendable {
    case lineTooLong = "LINE-TOO-LONG"
    case badRequest = "BAD-REQUEST"
    case unknownCommand = "UNKNOWN-COMMAND"
    case tooManyConnections = "TOO-MANY-CONNECTIONS"
    case idleTimeout = "IDLE-TIMEOUT"
    case auth = "AUTH"
    case authRequired = "AUTH-REQUIRED"
    case waitTimeout = "WAIT-TIMEOUT"
    case staleRead = "STALE-READ"
    case dropRefused = "DROP-REFUSED"
    case databaseRefused = "DATABASE-REFUSED"
    case adminRefused = "ADMIN-REFUSED"
    case nodeOwned = "NODE-OWNED"
    case filesRefused = "FILES-REFUSED"
    case multiRefused = "MULTI-REFUSED"
    case unknownStatement = "UNKNOWN-STATEMENT"
    case dynamicRefused = "DYNAMIC-REFUSED"
    case variableRefused = "VARIABLE-REFUSED"
    case notReady = "NOT-READY"
    case noQuorum = "NO-QUORUM"
    case notMaster = "NOT-MASTER"
    case unknownNode = "UNKNOWN-NODE"
    case masterUnreachable = "MASTER-UNREACHABLE"
    case databaseDown = "DATABASE-DOWN"
    case poolExhausted = "POOL-EXHAUSTED"
    case diagnosticsGone = "DIAGNOSTICS-GONE"
    case connectionLost = "CONNECTION-LOST"
    case verifyRunning = "VERIFY-RUNNING"
    case verifyFailed = "VERIFY-FAILED"
    case shuttingDown = "SHUTTING-DOWN"

    /// The SQLSTATE that goes with the code: five characters, MariaDB's own where it has the same error.
    package var state: String {
        switch self {
        case .lineTooLong, .badRequest, .unknownCommand, .unknownNode: "42000"
        case .dropRefused, .databaseRefused, .adminRefused, .nodeOwned, .filesRefused, .multiRefused, .unknownStatement, .dynamicRefused: "42000"
        case .variableRefused: "25006"
        case .auth, .authRequired: "28000"
        case .tooManyConnections, .poolExhausted: "08004"
        case .masterUnreachable, .databaseDown: "08001"
        case .idleTimeout, .shuttingDown: "08S01"
        case .noQuorum: "40003"
        case .notMaster: "25006"
        case .connectionLost: "08007"
        case .waitTimeout, .staleRead, .notReady, .diagnosticsGone, .verifyRunning, .verifyFailed: "HY000"
        }
    }

    /// What it means, in one line.
    package var meaning: String {
        switch self {
        case .lineTooLong: "the request is longer than `limits.lineBytes`; it was skipped and the connection goes on"
        case .badRequest: "the request is not of the protocol's form; the message tells the right one"
        case .unknownCommand: "no command has this name; `.help` lists them"
        case .tooManyConnections: "the node serves as many connections as `limits` allows; the connection is closed"
        case .idleTimeout: "no request came for the time `limits` allows; the connection is closed"
        case .auth: "user or password is wrong, on this node or, for what is passed on, on the master"
        case .authRequired: "this node asks for `.auth <user> <password>` before anything else"
        case .waitTimeout: "the position was not applied within the time given to `.wait`"
        case .staleRead: "the slave has not yet applied this session's own write; read again, or read on the master"
        case .dropRefused: "a slave may not drop; send the statement to the master"
        case .databaseRefused: "a slave may not create, alter or drop a database; send the statement to the master"
        case .adminRefused: "a slave may not change accounts or administer the server; send the statement to the master"
        case .nodeOwned: "the statement would break replication; the node alone does what it asks"
        case .filesRefused: "the statement reads or writes the server's files, which the configuration does not allow"
        case .multiRefused: "more than one statement in a request; send them one a request"
        case .unknownStatement: "the node cannot tell what the statement does, so it does not run it"
        case .dynamicRefused: "a slave does not run SQL whose text it cannot see; send the statement to the master"
        case .variableRefused: "a `READ ONLY` transaction on a slave may not assign user variables; assign them before it"
        case .notReady: "the node is starting or changing its role; try again shortly"
        case .noQuorum: "too few nodes hold the write, so nobody sees it yet: refused at once, or not known after `replication.ackTimeoutMs`"
        case .notMaster: "only the master does this; the message tells where it is"
        case .unknownNode: "the cluster has no node of this id, or it is the master itself; `.nodes` lists them"
        case .masterUnreachable: "the slave cannot reach the master to forward this; nothing was run"
        case .databaseDown: "the node's own MariaDB does not answer; the node starts it again"
        case .poolExhausted: "no database connection became free in time"
        case .diagnosticsGone: "the last statement's warnings, counts or `@@last_gtid` are gone, since its database connection serves others now"
        case .connectionLost: "the connection to the database or the master broke, and the session's state there is lost; the message tells more"
        case .verifyRunning: "this node drives a verification already; `.status` tells how far it is"
        case .verifyFailed: "nothing could be compared; the message tells why"
        case .shuttingDown: "the node is stopping; connect to another one"
        }
    }
}

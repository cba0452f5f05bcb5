package import ClusterModel

/// Everything that can be set of a node, checked and with the defaults filled in.
///
/// `SettingKey.all` is the list of the keys: their names in the file, ranges, meaning. The defaults stand here.
package struct NodeSettings: Sendable, Equatable {
    /// Whether the node takes writes, follows the one that does, or only votes.
    package var role = NodeKind.master
    /// Nil for a slave or witness that is given its number by its master.
    package var id: NodeID?
    /// Where clients and other nodes connect; nil for a slave or witness: the first free port of 127.0.0.1 after 7001. Port 0: any free one.
    package var listen: NodeAddress?
    /// What others are told to connect to; nil: `listen`. Never nil when `listen` names every interface.
    package var advertise: NodeAddress?
    /// The master to follow; given for a slave and a witness, nil for a master.
    package var master: NodeAddress?
    /// The node's folder; nil: `./ddbnode-data/node-<port>`.
    package var data: String?
    package var cluster = ClusterSettings()
    /// How clients show who they are.
    package var authentication = Authentication.none
    package var database = DatabaseSettings()
    package var pool = PoolSettings()
    package var limits = LimitSettings()
    package var session = SessionSettings()
    package var replication = ReplicationSettings()
    package var failover = FailoverSettings()
    package var outcomes = OutcomeSettings()
    package var verify = VerifySettings()
    package var shutdown = ShutdownSettings()
    package var log = LogSettings()
    /// What is allowed but should be known: sentences for the log, in the form of `Problem.description`.
    package var warnings: [String] = []

    /// What holds for all roles; `id` and `listen` are left open.
    init() {}

    /// The defaults of `role`.
    package init(role: NodeKind) {
        self.role = role
        fillRoleDefaults()
    }

    mutating func fillRoleDefaults() {
        switch role {
        case .master:
            id = id ?? NodeID(rawValue: 1)
            listen = listen ?? NodeAddress(host: "127.0.0.1", port: 7001)
        case .slave, .witness:
            break
        }
    }
}

/// What makes nodes one cluster.
package struct ClusterSettings: Sendable, Equatable {
    /// 1 to 64 letters, digits, `_`, `.` or `-`: nodes of another name are refused.
    package var name = "ddb"
    /// What nodes prove to each other that they know, 16 to 1024 bytes, from `secretFile` where that is given; nil: nothing is proved.
    package var secret: Secret?
    /// Where the secret was read from, or is to be made at the start: then `secret` is nil.
    package var secretFile: String?
}

/// How clients show who they are.
package enum Authentication: String, Sendable, CaseIterable {
    /// Whoever can connect runs SQL as the node's client account.
    case none
    /// `.auth user password` against MariaDB's accounts comes first.
    case accounts
}

/// Which MariaDB the node works on.
package struct DatabaseSettings: Sendable, Equatable {
    package var mode = DatabaseMode.private
    /// mariadbd; nil: looked for. Private mode only, as the next two.
    package var program: String?
    /// mariadb-install-db; nil: looked for.
    package var installProgram: String?
    /// Further options for mariadbd, by name.
    package var options: [DatabaseOption] = []
    /// The server's Unix socket; in external mode either this or `host` is given.
    package var socket: String?
    package var host: String?
    package var port = 3306
    /// The account the node works as; given in external mode.
    package var user: String?
    /// That account's password, from `passwordFile` where that is given.
    package var password: Secret?
    /// Where the password was read from.
    package var passwordFile: String?
}

/// Whose MariaDB it is.
package enum DatabaseMode: String, Sendable, CaseIterable {
    /// The node creates it under its data folder, starts, supervises and stops it.
    case `private`
    /// It is there already, and somebody else looks after it.
    case external
}

/// An option of mariadbd, as in `--name=value`.
package struct DatabaseOption: Sendable, Hashable {
    /// In lower case, with `_` between words.
    package let name: String
    /// As mariadbd reads it; `true` and `false` of the file are `ON` and `OFF`. On one line.
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// The database connections that clients' statements share.
package struct PoolSettings: Sendable, Equatable {
    package var connectionsMax = 64
    /// An unused connection is closed after this.
    package var idleMs = 60_000
}

/// What a client may ask of the node.
package struct LimitSettings: Sendable, Equatable {
    package var connectionsMax = 10_000
    package var lineBytes = 16 << 20
    package var pipelinedRequests = 1024
    /// 0: never.
    package var idleMs = 0
    /// 0: no limit.
    package var statementMs = 0
    package var outputBufferBytes = 1 << 20
}

/// What a client's session may do.
package struct SessionSettings: Sendable, Equatable {
    package var readYourWritesMs = 5000
    package var multiStatements = false
    /// Master only.
    package var files = false
}

/// How a slave follows its master.
package struct ReplicationSettings: Sendable, Equatable {
    package var acks = CommitAcks.automatic
    /// How long a client waits for them before it is told that the outcome is not known.
    package var ackTimeoutMs = 10_000
    package var heartbeatMs = 1000
    /// More than twice `heartbeatMs`.
    package var peerTimeoutMs = 10_000
    package var journalSegmentBytes = 64 << 20
    /// At least twice `journalSegmentBytes`.
    package var journalBytesMax = 10 << 30
    package var sendBufferBytes = 4 << 20
    /// Of a private database's binlog.
    package var binlogBytesMax = 8 << 30
    package var binlogKeepMs = 3_600_000
    package var compression = false
    /// An empty slave replays up to so many transactions; beyond it takes a copy.
    package var snapshotAfterTransactions = 10_000
}

/// Which nodes must hold a commit on disk before anybody sees it and its client hears of it.
package enum CommitAcks: Sendable, Equatable {
    /// The majority in a cluster of three nodes or more, else no slave.
    case automatic
    /// So many slaves; 0: the master alone.
    case slaves(Int)
    /// More than half of the nodes, the master counted.
    case majority

    package static let slavesMax = 16

    /// How many nodes must hold a commit in a cluster of `voters` nodes, the master counted; 1: it waits for no slave.
    package func copies(voters: Int) -> Int {
        switch self {
        case .automatic: voters >= 3 ? voters / 2 + 1 : 1
        case .slaves(let count): count + 1
        case .majority: voters / 2 + 1
        }
    }
}

/// What happens when the master is gone.
package struct FailoverSettings: Sendable, Equatable {
    package var mode = FailoverMode.automatic
    /// How long a master may be silent, and may hear no majority.
    package var electionTimeoutMs = 1000
    package var clientWaitMs = 5000
    package var mayLoseWrites = false
    /// 0: a master's database may be silent for ever.
    package var databaseTimeoutMs = 5000

    /// After so long without an answer a database does not work; nil: never.
    package var silentDatabaseMs: Int? { databaseTimeoutMs > 0 ? databaseTimeoutMs : nil }
}

/// Who chooses the next master.
package enum FailoverMode: String, Sendable, CaseIterable {
    /// The nodes, by majority.
    case automatic
    /// An operator, by `.promote`.
    case manual
}

/// What is kept of the ids that clients give their transactions.
package struct OutcomeSettings: Sendable, Equatable {
    package var keepMs = 86_400_000
}

/// How nodes are compared.
package struct VerifySettings: Sendable, Equatable {
    /// While a snapshot is open, its database keeps all that was changed since.
    package var snapshotMs = 600_000
}

/// How the node stops.
package struct ShutdownSettings: Sendable, Equatable {
    package var drainMs = 10_000
}

/// What the node writes to standard error.
package struct LogSettings: Sendable, Equatable {
    package var level = LogLevel.notice
    package var format = LogFormat.text
}

/// From the most talkative to the least.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

/// The shape of a log line.
package enum LogFormat: String, Sendable, CaseIterable {
    case text, json
}

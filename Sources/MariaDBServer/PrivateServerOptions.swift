package import ClusterModel

/// An option of mariadbd that the operator adds: `--name=value`.
package struct ServerSetting: Sendable, Equatable {
    /// Without the leading dashes: `innodb-buffer-pool-size`.
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A database account that the node itself uses, for `localhost` only. Made anew at every start.
package struct ServerAccount: Sendable, Equatable {
    package var name: String
    package var password: String
    /// What stands between `GRANT` and `TO`: `SELECT, INSERT ON *.*`.
    package var privileges: [String]

    package init(name: String, password: String, privileges: [String]) {
        self.name = name
        self.password = password
        self.privileges = privileges
    }
}

/// All that a private server is made of.
package struct PrivateServerOptions: Sendable {
    /// The node's data directory, absolute. The server's files live in `mariadb` below it, its log is `mariadb.log`.
    package var directory: String
    /// Unique in the cluster, not 0.
    package var serverID: UInt32
    /// A master syncs every commit and takes writes; a slave starts read-only and leaves syncing to the system, since the node's journal can
    /// replay what a power failure takes.
    package var role: Role
    /// Recovery takes back what waits for other nodes, and shortens the binlog by it, rather than commit it; it refuses to start where it can't.
    package var rollsBack = false
    /// mariadbd: a path, or a name to search; nil searches the usual places.
    package var program: String?
    /// mariadb-install-db, likewise.
    package var installProgram: String?
    /// The operator's options. Those that the node depends on come after them and win.
    package var extra: [ServerSetting] = []
    package var accounts: [ServerAccount] = []
    package var connectionsMax = 512
    /// A start without a sign of life in the log for this long has failed. As long as the log grows (recovery) it may take up to an hour.
    package var startTimeoutMs: UInt64 = 60_000
    /// After SIGTERM; then SIGKILL.
    package var stopTimeoutMs: UInt64 = 30_000

    package init(directory: String, serverID: UInt32, role: Role) {
        self.directory = directory
        self.serverID = serverID
        self.role = role
    }
}

import Glibc
import Testing

/// A mariadbd that is no node's own, ended with this.
final class ExternalServer: ReachedDatabase {
    static let right = [
        "--log-bin=binlog", "--binlog-format=ROW", "--binlog-checksum=CRC32", "--binlog-row-image=FULL", "--gtid-strict-mode=1",
        "--log-slave-updates=1", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1", "--skip-slave-start",
    ]
    private static let password = #"secret "of\ it"#

    let socket: String
    private let pid: pid_t

    /// With an account named as private databases have it: it stands in grants, which tests compare.
    init(_ cluster: Cluster, _ name: String, _ options: [String]) throws {
        let home = "\(cluster.root)/\(name)"
        try DatabaseTemplate.copy(into: home)
        socket = "\(home)/s"
        pid = try Processes.start(
            [
                "/usr/sbin/mariadbd", "--no-defaults", "--datadir=\(home)/mariadb", "--socket=\(socket)",
                "--pid-file=\(home)/mariadb/mariadb.pid",
                "--skip-networking", "--user=root", "--innodb-log-file-size=32M",
            ] + options, in: home, log: "\(home)/log")
        try waitUntil("\(name) is up") { mariadb("SELECT 1").output == "1" }
        try root(
            """
            SET sql_log_bin = 0; CREATE OR REPLACE USER ddbnode_admin@localhost IDENTIFIED BY 'secret "of\\\\ it'; \
            GRANT ALL ON *.* TO ddbnode_admin@localhost WITH GRANT OPTION
            """)
    }

    deinit { kill(pid, SIGKILL) }

    /// For the node that uses it.
    var settings: [String: String] {
        let password = Self.password.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return ["database": #"{"mode": "external", "socket": "\#(socket)", "user": "ddbnode_admin", "password": "\#(password)"}"#]
    }
}

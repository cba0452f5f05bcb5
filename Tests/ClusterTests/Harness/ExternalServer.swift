import Glibc
import Testing

/// A mariadbd that is no node's own, ended with this.
final class ExternalServer {
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
        try waitUntil("\(name) is up") { (try? root("SELECT 1")) == "1" }
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

    struct Refused: Error { let words: String }

    @discardableResult func root(_ sql: String) throws -> String {
        let ended = Processes.shell("mariadb --no-defaults -N -B -S \(socket) -uroot -e \(Processes.quoted(sql))")
        guard ended.code == 0 else { throw Refused(words: ended.output) }
        return ended.output.hasSuffix("\n") ? String(ended.output.dropLast()) : ended.output
    }

    /// As `NodeProcess.purgeBinlog()`.
    func purgeBinlog() throws {
        try root("FLUSH BINARY LOGS")
        try waitUntil("the binlog is purged") {
            let files = try root("SHOW BINARY LOGS").split(separator: "\n").compactMap { $0.split(separator: "\t").first }
            if files.count > 1, let last = files.last { try root("PURGE BINARY LOGS TO '\(last)'") }
            return files.count == 1
        }
    }
}

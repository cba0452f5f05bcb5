import ClusterModel
import EventLoop
import MariaDBConnector

/// Whether a MariaDB that somebody else runs is fit for a node: every setting and grant that must be mended, at once.
@LoopActor enum ExternalCheck {
    private struct Demand {
        let variable: String
        /// In the form of `SELECT @@GLOBAL.…`.
        let values: Set<String>
        let mend: String
    }

    private static func demands(_ role: Role) -> [Demand] {
        var all = [
            Demand(variable: "log_bin", values: ["1"], mend: "log_bin=binlog"),
            Demand(variable: "binlog_format", values: ["ROW"], mend: "binlog_format=ROW"),
            Demand(variable: "binlog_checksum", values: ["CRC32"], mend: "binlog_checksum=CRC32"),
            Demand(variable: "binlog_row_image", values: ["FULL"], mend: "binlog_row_image=FULL"),
            Demand(variable: "gtid_strict_mode", values: ["1"], mend: "gtid_strict_mode=1"),
            Demand(variable: "gtid_domain_id", values: ["0"], mend: "gtid_domain_id=0"),
            Demand(variable: "log_slave_updates", values: ["1"], mend: "log_slave_updates=1"),
            Demand(variable: "encrypt_binlog", values: ["0"], mend: "encrypt_binlog=0"),
        ]
        if role == .master {
            all += [
                Demand(variable: "sync_binlog", values: ["1"], mend: "sync_binlog=1"),
                Demand(variable: "innodb_flush_log_at_trx_commit", values: ["1"], mend: "innodb_flush_log_at_trx_commit=1"),
            ]
        }
        return all
    }

    /// `done` hears the list of what is wrong; empty when the server is fit.
    static func run(_ control: ControlConnection, role: Role, done: @escaping @LoopActor ([String]) -> Void) {
        let demands = demands(role)
        let columns = demands.map { "@@GLOBAL.\($0.variable) AS `\($0.variable)`" }.joined(separator: ", ")
        control.query("SELECT \(columns)") { result in
            switch result {
            case .failure(let error): done(["its settings can't be read: \(error)"])
            case .success(let found):
                let wrong = demands.filter { !$0.values.contains((found[$0.variable] ?? "").uppercased()) }
                let settings = wrong.map {
                    "\($0.variable) is \(found[$0.variable] ?? "NULL"): set \($0.mend) in its [mariadbd] section and restart it"
                }
                grants(control, role) { done(settings + $0) }
            }
        }
    }

    private static func grants(_ control: ControlConnection, _ role: Role, _ done: @escaping @LoopActor ([String]) -> Void) {
        control.query("SHOW GRANTS") { result in
            switch result {
            case .failure(let error): done(["its grants can't be read: \(error)"])
            case .success(let found):
                let text = found.rows.compactMap { $0.first ?? nil }.filter { $0.contains(" ON *.* ") }.joined(separator: "\n").uppercased()
                if text.contains("ALL PRIVILEGES") { return done([]) }
                var needed = ["SELECT", "RELOAD", "PROCESS", "SUPER", "REPLICATION SLAVE", "BINLOG MONITOR", "CONNECTION ADMIN", "READ_ONLY ADMIN"]
                if role == .slave { needed += ["REPLICATION SLAVE ADMIN", "SLAVE MONITOR"] }
                done(needed.filter { !text.contains($0) }.map { "the node's account lacks \($0): GRANT \($0) ON *.* TO it" })
            }
        }
    }
}

/// What the cluster depends on in a node's database, by what the node is: the table that the watch compares with, and what it does where something differs.
struct DatabaseNeeds: Equatable {
    var isMaster: Bool
    var serverID: UInt32
    /// Whether commits go through the node's gate; nil: that is being changed.
    var holdsCommits: Bool?
    /// The node starts the server itself, so that all of its settings are the node's.
    var isPrivate: Bool
    /// So many connections the node itself, and its pool, may need.
    var connectionsMin: Int

    /// A variable of the server, as `SELECT @@GLOBAL.…` tells it.
    struct Need: Equatable {
        enum Value: Equatable {
            case exactly(String)
            case atLeast(Int)
        }

        let variable: String
        let value: Value
        /// What goes wrong else, to stand behind the value.
        let why: String

        func isMet(by found: String?) -> Bool {
            switch value {
            // Some numbers are told with decimals.
            case .exactly(let wanted): found.map { $0.uppercased() == wanted || Double($0) != nil && Double($0) == Double(wanted) } ?? false
            case .atLeast(let least): found.flatMap { Int($0) } ?? 0 >= least
            }
        }

        fileprivate var wanted: String {
            switch value {
            case .exactly(let wanted): wanted
            case .atLeast(let least): "\(least)"
            }
        }

        func words(found: String?) -> String {
            "\(variable) was \(found.map { $0.isEmpty ? "''" : $0 } ?? "NULL") in place of \(wantedWords) (\(why))"
        }
        private var wantedWords: String { wanted.isEmpty ? "''" : wanted }

        /// Changed, it breaks off what makes commits wait.
        var isOfGate: Bool { variable.hasPrefix("rpl_semi_sync_") || variable == "binlog_checksum" }

        var statement: String {
            let isNumber = !wanted.isEmpty && wanted.allSatisfy(\.isNumber)
            return "SET GLOBAL \(variable)=\(isNumber ? wanted : "'\(wanted)'")"
        }
    }

    /// In the order in which they are set right: commits are held only when it is settled how.
    var all: [Need] {
        var needs = replication
        if isMaster { needs += durability }
        if isPrivate { needs += server }
        needs.append(
            Need(
                variable: "read_only", value: .exactly(isMaster ? "0" : "1"),
                why: isMaster ? "a master takes writes" : "a slave's data is its master's"))
        return needs + gate
    }

    private var replication: [Need] {
        [
            Need(variable: "server_id", value: .exactly("\(serverID)"), why: "it tells who wrote what"),
            Need(variable: "binlog_format", value: .exactly("ROW"), why: "slaves take rows"),
            Need(variable: "binlog_row_image", value: .exactly("FULL"), why: "slaves take whole rows"),
            Need(variable: "binlog_checksum", value: .exactly("CRC32"), why: "damage must be noticed"),
            Need(variable: "gtid_strict_mode", value: .exactly("1"), why: "the log must stay one line"),
            Need(variable: "gtid_domain_id", value: .exactly("0"), why: "the log must stay one line"),
            Need(variable: "slave_exec_mode", value: .exactly("STRICT"), why: "nodes must not differ in silence"),
        ]
    }

    private var durability: [Need] {
        [
            Need(variable: "sync_binlog", value: .exactly("1"), why: "what is acknowledged must be on disk"),
            Need(variable: "innodb_flush_log_at_trx_commit", value: .exactly("1"), why: "what is acknowledged must be on disk"),
        ]
    }

    private var server: [Need] {
        [
            Need(variable: "max_connections", value: .atLeast(connectionsMin), why: "the node and its clients need so many"),
            Need(variable: "init_connect", value: .exactly(""), why: "it would run on clients' connections"),
            Need(variable: "init_slave", value: .exactly(""), why: "it would run before what is replicated"),
            Need(variable: "expire_logs_days", value: .exactly("0"), why: "the node removes binlogs that no other node needs"),
            Need(variable: "log_bin_trust_function_creators", value: .exactly("1"), why: "clients' account makes functions"),
            Need(variable: "local_infile", value: .exactly("0"), why: "statements don't reach files"),
        ]
    }

    private var gate: [Need] {
        guard let holdsCommits, isMaster || isPrivate else { return [] }
        let enabled = Need(
            variable: "rpl_semi_sync_master_enabled", value: .exactly(holdsCommits ? "1" : "0"),
            why: holdsCommits ? "commits wait for other nodes" : "no node would let a commit go on")
        guard holdsCommits else { return [enabled] }
        return [
            Need(variable: "rpl_semi_sync_master_wait_point", value: .exactly("AFTER_SYNC"), why: "nothing is visible before enough nodes have it"),
            Need(variable: "rpl_semi_sync_master_timeout", value: .exactly("4294967295"), why: "no commit goes on without enough nodes"),
            Need(variable: "rpl_semi_sync_master_wait_no_slave", value: .exactly("1"), why: "no commit goes on without enough nodes"),
            enabled,
        ]
    }

    /// One query for all that is looked at.
    var query: String { "SELECT \(all.map { "@@GLOBAL.\($0.variable) AS `\($0.variable)`" }.joined(separator: ", "))" }

    /// What is not as it must be.
    func unmet(_ found: (String) -> String?) -> [Need] { all.filter { !$0.isMet(by: found($0.variable)) } }
}

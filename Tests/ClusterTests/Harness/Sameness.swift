import Testing

/// Whether nodes hold the same: every table's rows and definition, views, routines, triggers, events, accounts.
extension Cluster {
    /// Waits until every slave has what the master has now, then compares them all with it.
    func requireSameEverywhere(within seconds: Int = 60, at location: SourceLocation = #_sourceLocation) throws {
        for attempt in 1...10 {
            let position = try waitForSlaves(within: seconds, at: location)
            let source = leader ?? master
            let wanted = try Contents(source)
            let differences = try nodes.flatMap { node in try wanted.differences(Contents(node)).map { "\(node.name): \($0)" } }
            // A master writes something itself now and then, which may come in between.
            if !differences.isEmpty, attempt < 10, try source.connect().value("SELECT @@gtid_binlog_pos") != position { continue }
            try #require(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))", sourceLocation: location)
            return
        }
    }

    /// Waits until every slave has applied what the master has now; that position.
    @discardableResult func waitForSlaves(within seconds: Int = 60, at location: SourceLocation = #_sourceLocation) throws -> String {
        let source = leader ?? master
        let gtid = try source.connect().value("SELECT @@gtid_binlog_pos") ?? ""
        guard !gtid.isEmpty else { return gtid }
        for slave in nodes where slave !== source { try slave.connect(timeout: seconds + 30).ok(".wait \(gtid) \(seconds * 1000)", at: location) }
        return gtid
    }
}

/// All that a node's database holds, as lines to compare.
struct Contents {
    private var lines: [String: String] = [:]
    /// How many tables there are with their checksums.
    private(set) var tables = 0

    private static let systems = "('mysql', 'information_schema', 'performance_schema', 'sys')"

    init(_ node: NodeProcess) throws {
        let client = try node.connect()
        try addDatabases(client)
        try addTables(client)
        try addRoutines(client)
        // The nodes' own accounts, and root, are not replicated.
        let accounts = "SELECT User, Host, Priv FROM mysql.global_priv WHERE User NOT LIKE 'ddbnode%' AND User <> 'root'"
        for row in try client.ok(accounts).rows {
            lines["account \(row[0] ?? "")@\(row[1] ?? "")"] = row[2]
        }
        for table in ["db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping"] {
            let columns = table == "roles_mapping" ? "Host, User, Role, Admin_option" : "*"
            // The time of a grant is the node's own.
            let rows = try client.ok("SELECT \(columns) FROM mysql.\(table) ORDER BY 1, 2, 3").rows
            lines["grants in \(table)"] = "\(rows.map { $0.filter { $0?.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/) == nil } })"
        }
    }

    private mutating func addDatabases(_ client: Client) throws {
        for name in try client.rows("SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN \(Self.systems)") {
            lines["database \(name)"] = try client.ok("SHOW CREATE DATABASE `\(name)`").rows[0][1]
        }
    }

    private mutating func addTables(_ client: Client) throws {
        let sql = "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN \(Self.systems)"
        for row in try client.ok(sql).rows {
            let name = "`\(row[0] ?? "")`.`\(row[1] ?? "")`"
            // The next AUTO_INCREMENT is not replicated where a rollback left a gap at the end.
            let definition = try client.ok("SHOW CREATE TABLE \(name)").rows[0][1]?.replacing(/\ AUTO_INCREMENT=\d+/, with: "")
            lines["definition of \(name)"] = definition
            switch row[2] {
            case "BASE TABLE":
                lines["checksum of \(name)"] = try client.ok("CHECKSUM TABLE \(name) EXTENDED").rows[0][1]
                tables += 1
            case "SEQUENCE": lines["sequence \(name)"] = "\(try client.ok("SELECT * FROM \(name)").rows)"
            default: lines["rows of \(name)"] = "\(try client.rows("SELECT * FROM \(name)").sorted())"
            }
        }
    }

    private mutating func addRoutines(_ client: Client) throws {
        for row in try client.ok("SELECT routine_type, routine_schema, routine_name FROM information_schema.routines WHERE routine_schema <> 'sys'")
            .rows
        {
            let (kind, name) = (row[0] ?? "", "`\(row[1] ?? "")`.`\(row[2] ?? "")`")
            lines["\(kind) \(name)"] = try client.ok("SHOW CREATE \(kind) \(name)").rows[0][2]
        }
        for row in try client.ok("SELECT trigger_schema, trigger_name FROM information_schema.triggers WHERE trigger_schema <> 'sys'").rows {
            let name = "`\(row[0] ?? "")`.`\(row[1] ?? "")`"
            lines["trigger \(name)"] = try client.ok("SHOW CREATE TRIGGER \(name)").rows[0][2]
        }
        // Whether an event is on differs by design: it runs where its changes come from.
        let events = "SELECT event_schema, event_name, event_definition, interval_value, interval_field, on_completion FROM information_schema.events"
        for row in try client.ok(events).rows { lines["event \(row[0] ?? "").\(row[1] ?? "")"] = "\(row[2...])" }
    }

    func differences(_ other: Contents) -> [String] {
        Set(lines.keys).union(other.lines.keys).sorted().compactMap { key in
            lines[key] == other.lines[key] ? nil : "\(key): \(lines[key] ?? "missing") on the master, \(other.lines[key] ?? "missing") here"
        }
    }
}

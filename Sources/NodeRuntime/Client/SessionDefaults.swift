import MariaDBConnector
import StatementGate

/// What clients' sessions begin with in this node's database: what the gate has to know of them, and what their connections are set up with.
struct SessionDefaults {
    let sqlMode: String
    private let variables: [String: String]
    let values: ServerValues

    init(_ found: SmallResult? = nil) {
        var variables: [String: String] = [:]
        for row in found?.rows ?? [] where row.count == 2 { variables[row[0] ?? ""] = row[1] ?? "" }
        sqlMode = variables.removeValue(forKey: "sql_mode") ?? ""
        self.variables = variables
        values = ServerValues(variables)
    }

    /// Those of the variables that this server has; what belongs to sessions alone begins with their own value.
    static let query: String = {
        let names = (SessionVariables.watched + SessionVariables.shapingOfServer.sorted() + ["sql_mode"]).map { "'\($0)'" }.joined(separator: ",")
        return """
            SELECT LOWER(VARIABLE_NAME) AS name, COALESCE(GLOBAL_VALUE, SESSION_VALUE) AS value FROM information_schema.SYSTEM_VARIABLES \
            WHERE VARIABLE_NAME IN (\(names))
            """
    }()

    var lexicalMode: LexicalMode { LexicalMode(sqlMode: sqlMode) }

    /// Sessions start alike on every connection: how their SQL is read must be what the gate thinks it is, and the server tells what they change of it.
    func setup(statementMs: Int, waitTimeoutS: Int) -> String {
        let watched = (["last_gtid", "sql_mode"] + SessionVariables.watched.filter { variables[$0] != nil }).joined(separator: ",")
        return """
            SET SESSION sql_mode='\(sqlMode)', session_track_system_variables='\(watched)', session_track_schema=1, \
            session_track_state_change=1, max_statement_time=\(Double(statementMs) / 1000), wait_timeout=\(waitTimeoutS)
            """
    }
}

extension LocalSession {
    /// What the session has otherwise than the server's sessions begin with.
    var shape: SessionShape {
        let values = node.defaults.values
        let changed = pinned?.variables.filter { values.differs($0.key, $0.value) }.keys.sorted() ?? []
        return SessionShape(variables: changed, sqlMode: pinned?.sqlMode ?? node.defaults.sqlMode)
    }

    /// Sets `unique_checks` back: with it off the server can lose rows that only its binlog has.
    func overrule(_ connection: MariaDBConnection) {
        guard let value = connection.variables[SessionVariables.uniqueChecks], value == "OFF" else { return }
        connection.query("SET SESSION \(SessionVariables.uniqueChecks)=1") { _ in }
    }
}

import LineProtocol

/// What Tab offers: the node's commands, and the words SQL is mostly made of.
enum Completion {
    private static let commands = CommandHelp.all.map(\.name).filter { $0 != ".sql" }

    private static let words = [
        "ALTER", "AND", "ANALYZE", "AS", "ASC", "BEGIN", "BETWEEN", "BY", "CALL", "COMMIT", "COUNT", "CREATE", "DATABASE", "DATABASES", "DELETE",
        "DESC", "DESCRIBE", "DISTINCT", "DROP", "EXPLAIN", "EXISTS", "FROM", "GRANT", "GROUP", "HAVING", "INDEX", "INNER", "INSERT", "INTO", "JOIN",
        "KEY", "LEFT", "LIKE", "LIMIT", "NOT", "NULL", "ORDER", "PRIMARY", "PROCEDURE", "RENAME", "REPLACE", "ROLLBACK", "SELECT", "SET", "SHOW",
        "START", "STATUS", "TABLE", "TABLES", "TRANSACTION", "TRUNCATE", "UNION", "UPDATE", "USE", "VALUES", "VARIABLES", "VIEW", "WHERE", "WITH",
    ]

    /// In the case of what is typed already; commands only where a line begins.
    static func candidates(for word: String, atLineStart: Bool) -> [String] {
        if word.hasPrefix(".") { return atLineStart ? commands.filter { $0.hasPrefix(word) } : [] }
        guard !word.isEmpty else { return [] }
        let found = words.filter { $0.hasPrefix(word.uppercased()) }
        return word == word.lowercased() ? found.map { $0.lowercased() } : found
    }
}

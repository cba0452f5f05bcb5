/// What of `@@sql_mode` changes how MariaDB cuts a text into tokens.
package struct LexicalMode: Hashable, Sendable {
    /// `"…"` is a quoted name, not a string.
    package var ansiQuotes: Bool
    /// A backslash in a string is a character like any other.
    package var noBackslashEscapes: Bool
    /// `sequence.NEXTVAL` advances a sequence.
    package var oracle: Bool

    /// MariaDB's default: `"…"` is a string and a backslash escapes.
    package static let standard = LexicalMode(sqlMode: "")

    /// Reads the comma list of `@@sql_mode`, in any case. The combination names count for what they stand for; unknown names are ignored.
    package init(sqlMode: String) {
        let names = sqlMode.split(separator: ",").map { $0.filter { $0 != " " }.uppercased() }
        ansiQuotes = names.contains { Self.impliesANSIQuotes.contains($0) }
        noBackslashEscapes = names.contains("NO_BACKSLASH_ESCAPES")
        oracle = names.contains("ORACLE")
    }

    private static let impliesANSIQuotes: Set<String> = ["ANSI_QUOTES", "ANSI", "ORACLE", "DB2", "MSSQL", "POSTGRESQL", "MAXDB"]
}

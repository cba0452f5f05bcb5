/// What is compared: a table, a view, a sequence, or, without a table, a database itself.
package struct TableName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let database: String
    package let table: String?

    package init(database: String, table: String?) {
        self.database = database
        self.table = table
    }

    package var description: String { table.map { "\(database).\($0)" } ?? database }

    /// As SQL, quoted.
    var sql: String { table.map { "\(Self.quoted(database)).\(Self.quoted($0))" } ?? Self.quoted(database) }

    static func quoted(_ name: String) -> String { "`\(name.replacing("`", with: "``"))`" }

    /// A text for SQL; the session must not run under NO_BACKSLASH_ESCAPES.
    static func text(_ text: String) -> String { "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "''"))'" }

    /// By database, a database before its tables.
    package static func < (a: TableName, b: TableName) -> Bool { (a.database, a.table ?? "") < (b.database, b.table ?? "") }
}

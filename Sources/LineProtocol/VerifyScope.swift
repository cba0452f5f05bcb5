/// What `.verify` compares: everything, a database, or a table.
package struct VerifyScope: Equatable, Sendable {
    package let database: String?
    package let table: String?

    package static let all = VerifyScope()

    private init() {
        database = nil
        table = nil
    }

    /// Reads `database` or `database.table`, each as it is or between backquotes, a backquote in it doubled; nil for anything else.
    package init?(_ text: String) {
        var rest = Substring(text)
        guard let database = Self.name(&rest) else { return nil }
        self.database = database
        guard !rest.isEmpty else {
            table = nil
            return
        }
        guard rest.removeFirst() == ".", let table = Self.name(&rest), rest.isEmpty else { return nil }
        self.table = table
    }

    private static func name(_ rest: inout Substring) -> String? {
        guard rest.first == "`" else {
            let name = rest.prefix { $0 != "." && $0 != "`" && !$0.isWhitespace }
            rest = rest[name.endIndex...]
            return name.isEmpty ? nil : String(name)
        }
        rest.removeFirst()
        var name = ""
        while let next = rest.popFirst() {
            if next != "`" {
                name.append(next)
            } else if rest.first == "`" {
                name.append(rest.removeFirst())
            } else {
                return name.isEmpty ? nil : name
            }
        }
        return nil
    }
}

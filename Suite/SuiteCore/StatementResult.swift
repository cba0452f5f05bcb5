/// What a server answered to a statement.
package struct StatementResult: Equatable, Sendable {
    /// One of the results of a statement: that of a procedure may be several.
    package struct Part: Equatable, Sendable {
        /// Nil where there was no result set.
        package var rows: [[[UInt8]?]]?
        package var columns: [String] = []
        package var affected: UInt64 = 0
        package var warnings: UInt64 = 0

        package init() {}
    }

    package struct Failure: Equatable, Sendable {
        /// MariaDB's number, or the node's word.
        package let code: String
        package let message: String

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }

        /// The node did not run it.
        package var isOfNode: Bool { code.utf8.first.map { !(0x30...0x39).contains($0) } ?? true }
    }

    package var parts: [Part] = []
    package var failure: Failure?

    package init() {}

    /// As a node gives it: the status of a procedure that gave rows is not a result of its own.
    package var asOfNode: StatementResult {
        guard parts.count > 1, parts.last?.rows == nil, parts[parts.count - 2].rows != nil else { return self }
        var result = self
        result.parts.removeLast()
        return result
    }

    /// In one line, cut short.
    package var words: String {
        if let failure { return "\(failure.code) \(failure.message.prefix(160))" }
        let parts = parts.map { part in
            guard let rows = part.rows else { return "OK affected=\(part.affected) warnings=\(part.warnings)" }
            let shown = rows.prefix(4).map { $0.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "NULL" }.joined(separator: "|") }
            return "\(rows.count) rows: " + shown.joined(separator: " / ")
        }
        let text = parts.joined(separator: "; ").map { $0.isNewline ? " " : $0 }
        return text.count > 400 ? String(text.prefix(400)) + "…" : String(text)
    }

    /// Whether a client would see the same: rows in any order, since most of the files don't ask for one.
    package func isLike(_ other: StatementResult) -> Bool {
        guard failure?.code == other.failure?.code, parts.count == other.parts.count else { return false }
        return zip(parts, other.parts).allSatisfy { own, other in
            guard let rows = own.rows, let others = other.rows else {
                return own.rows == nil && other.rows == nil && own.affected == other.affected && own.warnings == other.warnings
            }
            return own.columns == other.columns && (rows == others || Self.sorted(rows) == Self.sorted(others))
        }
    }

    private static func sorted(_ rows: [[[UInt8]?]]) -> [[UInt8]] {
        rows.map { row in row.flatMap { value in value.map { [1] + $0 + [0] } ?? [0xFF] } }.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

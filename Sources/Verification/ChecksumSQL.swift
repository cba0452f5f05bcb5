/// The statements by which a node reads its part of a comparison; the same on each, so that only a few bytes travel.
package struct ChecksumSQL: Sendable {
    private let name: TableName
    private let shape: TableShape

    package init(_ name: TableName, _ shape: TableShape) {
        self.name = name
        self.shape = shape
    }

    /// How a session must be set up, so that the same value is written alike on each node.
    package static let setup = [
        "SET NAMES utf8mb4",
        """
        SET SESSION sql_mode='', time_zone='+00:00', tx_isolation='REPEATABLE-READ', lock_wait_timeout=5, group_concat_max_len=1048576, \
        max_statement_time=\(statementSeconds)
        """,
    ]

    /// Of a chunk.
    package static let statementSeconds = 60
    /// Of a table that is read at once.
    package static let wholeTableSeconds = 600

    /// Two fields: `COUNT(*)` and the sum.
    package func sum(_ range: KeyRange) -> String? {
        guard let condition = condition(range) else { return nil }
        let select = "SELECT COUNT(*), SUM(CAST(CONV(LEFT(\(digest),16),16,10) AS UNSIGNED)) FROM \(source) WHERE \(condition)"
        return shape.key.isEmpty ? "SET STATEMENT max_statement_time=\(Self.wholeTableSeconds) FOR \(select)" : select
    }

    /// The key of the row at that place in the range, counted from 1; no row where there are fewer.
    package func cut(_ range: KeyRange, row: Int) -> String? {
        guard let condition = condition(range), !shape.key.isEmpty else { return nil }
        return "SELECT \(keyExpressions) FROM \(source) WHERE \(condition) ORDER BY \(order) LIMIT \(row - 1),1"
    }

    /// Each row's key, a field a column, and its digest.
    package func list(_ range: KeyRange, rowsMax: Int) -> String? {
        guard let condition = condition(range), !shape.key.isEmpty else { return nil }
        return "SELECT \(keyExpressions), \(digest) FROM \(source) WHERE \(condition) ORDER BY \(order) LIMIT \(rowsMax)"
    }

    private var source: String { name.sql + (shape.index.isEmpty ? "" : " FORCE INDEX (\(TableName.quoted(shape.index)))") }
    private var order: String { shape.key.map { TableName.quoted($0.name) }.joined(separator: ",") }
    private var keyExpressions: String { shape.key.map(\.keyExpression).joined(separator: ",") }
    private var digest: String { "MD5(CONCAT_WS('|',\(shape.columns.map(\.checksumPart).joined(separator: ","))))" }

    /// Nil when a bound is no key of this table.
    private func condition(_ range: KeyRange) -> String? {
        var parts: [String] = []
        for (bound, isLower) in [(range.after, true), (range.through, false)] {
            guard let bound else { continue }
            guard bound.parts.count == shape.key.count, let first = shape.key.first else { return nil }
            var literals: [String] = []
            for (column, part) in zip(shape.key, bound.parts) {
                guard let literal = column.literal(part) else { return nil }
                literals.append(literal)
            }
            // The first column by itself lets MariaDB find the range in the index.
            if shape.key.count > 1 { parts.append("\(TableName.quoted(first.name))\(isLower ? ">=" : "<=")\(literals[0])") }
            parts.append(comparison(literals[...], shape.key[...], isLower))
        }
        return parts.isEmpty ? "1" : parts.joined(separator: " AND ")
    }

    /// `(a > x OR (a = x AND b > y))`, and with `<=` in the last column for an upper bound.
    private func comparison(_ literals: ArraySlice<String>, _ columns: ArraySlice<ColumnShape>, _ isLower: Bool) -> String {
        guard let literal = literals.first, let column = columns.first else { return "1" }
        let name = TableName.quoted(column.name)
        if literals.count == 1 { return "\(name)\(isLower ? ">" : "<=")\(literal)" }
        let rest = comparison(literals.dropFirst(), columns.dropFirst(), isLower)
        return "(\(name)\(isLower ? ">" : "<")\(literal) OR (\(name)=\(literal) AND \(rest)))"
    }
}

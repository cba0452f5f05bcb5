package import ClusterModel

/// What a node answers in a verification: rows of fields.
package struct VerifyReply: Hashable, Sendable {
    package let rows: [[String?]]

    package init(rows: [[String?]]) { self.rows = rows }

    package static let done = VerifyReply(rows: [])

    private var firstRow: [String?] { rows.first ?? [] }
    private func field(_ index: Int) -> String? { index < firstRow.count ? firstRow[index] : nil }

    // MARK: What it was answered with

    /// To `hold`: how far the slave may go. To `snapshot`: the position as a GTID.
    package var first: String? { field(0) }

    /// To `nodes`: each node's number and address.
    package var nodes: [(id: NodeID, address: String)] {
        rows.compactMap { row in
            guard row.count == 2, let id = row[0].flatMap({ NodeID($0) }), let address = row[1] else { return nil }
            return (id, address)
        }
    }

    package var names: [TableName] {
        rows.compactMap { row in row.count == 2 ? row[0].map { TableName(database: $0, table: row[1]) } : nil }
    }

    /// To `cut`; nil: the range has fewer rows.
    package var key: Key? {
        let parts = firstRow.compactMap { $0 }
        return parts.isEmpty || parts.count != firstRow.count ? nil : Key(parts)
    }

    package var sum: RangeSum? {
        guard let rows = field(0).flatMap({ Int($0) }) else { return nil }
        return RangeSum(rows: rows, sum: field(1) ?? "0")
    }

    package var digests: [RowDigest] {
        rows.compactMap { row in
            let fields = row.compactMap { $0 }
            guard fields.count == row.count, let digest = fields.last else { return nil }
            return RowDigest(key: Key(fields.dropLast()), digest: digest)
        }
    }

    // MARK: A shape

    /// The first row: kind, engine, whether it has transactions, index, definition, the node's position; then each column, then each of the key.
    package init(_ shape: TableShape?, sequence: UInt64) {
        guard let shape else {
            rows = [[nil, nil, nil, nil, nil, String(sequence)]]
            return
        }
        let head = [shape.kind.rawValue, shape.engine, shape.isTransactional ? "1" : "0", shape.index, shape.definition, String(sequence)]
        rows =
            [head]
            + [("c", shape.columns), ("k", shape.key)].flatMap { mark, columns in
                columns.map { [mark, $0.name, $0.type, $0.characterSet, $0.collation] }
            }
    }

    /// Nil where there is no such table.
    package var shape: TableShape? {
        guard let kind = field(0).flatMap(TableShape.Kind.init(rawValue:)), firstRow.count == 6 else { return nil }
        func columns(_ mark: String) -> [ColumnShape] {
            rows.dropFirst().compactMap { row in
                guard row.count == 5, row[0] == mark, let name = row[1], let type = row[2] else { return nil }
                return ColumnShape(name: name, type: type, characterSet: row[3], collation: row[4])
            }
        }
        return TableShape(
            kind: kind, definition: field(4) ?? "", engine: field(1) ?? "", isTransactional: field(2) == "1", columns: columns("c"),
            index: field(3) ?? "", key: columns("k"))
    }

    /// How far the node was when it told a shape.
    package var sequence: UInt64 { field(5).flatMap { UInt64($0) } ?? 0 }
}

/// What is asked for, as SQL text made anew for each request.
package struct Workload: Sendable {
    package enum Kind: Sendable, Equatable {
        /// One row by its primary key, `1` to `rows`, as sysbench's oltp_point_select.
        case pointSelect(rows: UInt64)
        /// One row with a key given by the table, as sysbench's oltp_insert; `rows` bounds the indexed column.
        case insert(rows: UInt64)
        /// The same text each time.
        case fixed(sql: String)
    }

    private let kind: Kind
    private let opening: [UInt8]
    private var random: RandomDigits

    /// `table` is one of sysbench's: `sbtest.sbtest1`.
    package init(_ kind: Kind, table: String, seed: UInt64) {
        self.kind = kind
        random = RandomDigits(seed: seed)
        switch kind {
        case .pointSelect: opening = Array("SELECT c FROM \(table) WHERE id=".utf8)
        case .insert: opening = Array("INSERT INTO \(table) (id, k, c, pad) VALUES (0, ".utf8)
        case .fixed(let sql): opening = Array(sql.utf8)
        }
    }

    package mutating func appendStatement(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: opening)
        switch kind {
        case .pointSelect(let rows):
            bytes.append(decimal: random.number(upTo: rows))
        case .insert(let rows):
            bytes.append(decimal: random.number(upTo: rows))
            bytes.append(ascii: ", '")
            random.appendGroups(10, to: &bytes)
            bytes.append(ascii: "', '")
            random.appendGroups(5, to: &bytes)
            bytes.append(ascii: "')")
        case .fixed:
            break
        }
    }
}

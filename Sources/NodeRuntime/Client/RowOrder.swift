import EventLoop
import MariaDBConnector
import StatementGate

/// Gives the rows of a table without an ordering key the same order on every node, for what goes by it: by all of their columns, which is replicated as
/// a definition of its own.
struct RowOrder {
    /// Sorting compares no more than 1,024 bytes of a value, of up to eight for a character.
    private static let charactersMax = 100

    let table: [UInt8]
    /// In SQL, with those that are compared by a collation.
    private let columns: [(name: [UInt8], isText: Bool)]

    /// The columns of the table, in rows of name in hexadecimal and whether it is text.
    static func query(_ look: TableLook) -> [UInt8] {
        let schema = look.database.map { SQLText.literal($0) } ?? "DATABASE()"
        return Array(
            """
            SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)) AS name, COLLATION_NAME IS NOT NULL AS is_text FROM information_schema.COLUMNS \
            WHERE TABLE_SCHEMA=\(schema) AND TABLE_NAME=\(SQLText.literal(look.table)) ORDER BY ORDINAL_POSITION
            """.utf8)
    }

    /// Nil where the columns aren't known.
    init?(_ table: [UInt8], _ found: SmallResult) {
        self.table = table
        var columns: [(name: [UInt8], isText: Bool)] = []
        for row in found.rows {
            guard row.count == 2, let name = row[0].flatMap(Self.bytes) else { return nil }
            columns.append((SQLText.quoted(name: name), row[1] == "1"))
        }
        guard !columns.isEmpty else { return nil }
        self.columns = columns
    }

    private static func bytes(ofHexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// 1 where rows that sort alike are the same: then it doesn't matter in which order they come. The table is named once: it may be locked.
    var isCertainQuery: [UInt8] {
        var doubts = Array("FALSE".utf8)
        for column in columns where column.isText {
            doubts += Array(" OR COUNT(DISTINCT CAST(".utf8) + column.name + Array(" AS BINARY))>1".utf8)
            doubts += Array(" OR MAX(CHAR_LENGTH(".utf8) + column.name + Array("))>\(Self.charactersMax)".utf8)
        }
        return Array("SELECT NOT EXISTS (SELECT 1 FROM ".utf8) + table + Array(" GROUP BY ".utf8) + list + Array(" HAVING ".utf8) + doubts
            + Array(")".utf8)
    }

    private var list: [UInt8] { Array(columns.map(\.name).joined(separator: [UInt8(ascii: ",")])) }

    var statement: [UInt8] {
        Array("ALTER TABLE ".utf8) + table + Array(" ORDER BY ".utf8) + list
    }
}

extension LocalSession {
    /// The table is locked: brings its rows into an order that every node has, or tells that there is none.
    func orderRows(_ look: TableLook, _ connection: MariaDBConnection, done: @escaping @LoopActor (Bool) -> Void) {
        connection.query(RowOrder.query(look)) { result in
            guard let order = (try? result.get()).flatMap({ RowOrder(look.name, $0) }) else { return done(false) }
            connection.query(order.isCertainQuery) { result in
                guard (try? result.get())?.first == "1" else { return done(false) }
                connection.query(order.statement) { result in
                    if case .success = result { done(true) } else { done(false) }
                }
            }
        }
    }
}

import EventLoop
import MySQLProtocol

/// A small result set of a statement of the node's own, as text.
package struct SmallResult: Sendable {
    package var columns: [String] = []
    package var rows: [[String?]] = []

    /// The first field of the first row.
    package var first: String? { rows.first?.first.flatMap { $0 } }

    /// A field of the first row.
    package subscript(name: String) -> String? {
        guard let index = columns.firstIndex(of: name), let row = rows.first else { return nil }
        return row[index]
    }
}

/// Gathers a small result set; of several results the last one with rows counts.
@LoopActor final class CollectedRows: ResultSink {
    static let rowsMax = 1000
    private let done: @LoopActor (Result<SmallResult, DatabaseError>) -> Void
    private var result = SmallResult()

    init(_ done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) { self.done = done }

    func columns(_ columns: [ColumnDefinition]) {
        result = SmallResult(columns: columns.map { String(decoding: $0.name, as: UTF8.self) })
    }

    func row(_ row: borrowing ResultRow) -> Bool {
        guard result.rows.count < Self.rowsMax else { return true }
        var fields: [String?] = []
        row.forEachField { fields.append($0.map { String(decoding: $0, as: UTF8.self) }) }
        result.rows.append(fields)
        return true
    }

    func ended(_ summary: ResultSummary) {
        if !summary.more { done(.success(result)) }
    }

    func failed(_ error: DatabaseError) { done(.failure(error)) }
}

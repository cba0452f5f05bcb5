import EventLoop
import MariaDBConnector
import MySQLProtocol
import TestSupport

/// Opens a connection.
func open(_ target: DatabaseTarget) async throws -> MariaDBConnection {
    let result: Result<MariaDBConnection, DatabaseError> = try await answer("the connection") { loop, done in
        MariaDBConnection.open(loop, target) { done($0) }
    }
    return try result.get()
}

/// What one request gave back.
struct Outcome: Sendable {
    var columns: [ColumnDefinition] = []
    var rows: [[[UInt8]?]] = []
    var rowCount = 0
    var ends: [ResultSummary] = []
    var error: DatabaseError?

    var text: [[String?]] { rows.map { $0.map { $0.map { String(decoding: $0, as: UTF8.self) } } } }
}

/// Gathers what a request gives back, and does at each step what a test asks for.
@LoopActor final class Gatherer: ResultSink {
    var outcome = Outcome()
    /// Rows beyond this are only counted.
    var rowsKept = 1000
    var onColumns: (@LoopActor () -> Void)?
    /// Given the number of the row; false asks for a pause.
    var onRow: (@LoopActor (Int) -> Bool)?
    var onEnded: (@LoopActor () -> Void)?
    var whenOver: (@LoopActor (Outcome) -> Void)?

    nonisolated init() {}

    func columns(_ columns: [ColumnDefinition]) {
        outcome.columns = columns
        onColumns?()
    }

    func row(_ row: borrowing ResultRow) -> Bool {
        outcome.rowCount += 1
        if outcome.rowCount <= rowsKept {
            var fields: [[UInt8]?] = []
            row.forEachField { fields.append($0.map { Array($0) }) }
            outcome.rows.append(fields)
        }
        return onRow?(outcome.rowCount) ?? true
    }

    func ended(_ summary: ResultSummary) {
        outcome.ends.append(summary)
        onEnded?()
        if !summary.more { whenOver?(outcome) }
    }

    func failed(_ error: DatabaseError) {
        outcome.error = error
        whenOver?(outcome)
    }
}

extension MariaDBConnection {
    /// Runs one request to its end.
    nonisolated func run(_ sql: String, _ sink: Gatherer = Gatherer()) async throws -> Outcome { try await run(Array(sql.utf8), sink) }

    nonisolated func run(_ sql: [UInt8], _ sink: Gatherer = Gatherer()) async throws -> Outcome {
        try await answer("the result", within: 60) { _, done in
            sink.whenOver = { done($0) }
            self.execute(sql, sink)
        }
    }

    nonisolated func end() async throws { try await onLoop { _ in self.close() } }
}

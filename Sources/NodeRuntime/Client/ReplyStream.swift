import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import MySQLProtocol

/// Writes what a statement gives back to its client, as it comes: nothing is gathered, and a client that does not read stops its own statement.
@LoopActor final class ReplyStream: ResultSink {
    /// What the statement's end has to tell apart.
    struct Kind {
        /// A procedure: the status behind its last result set is that result set's end.
        var isCall = false
        /// Within a transaction it has no position yet.
        var isWrite = false
    }

    enum End {
        case done(ResultSummary)
        case failed(DatabaseError)
    }

    private let channel: Channel
    private let writer: ReplyWriter
    private let kind: Kind
    /// The position that the end of a read tells; asked for at the end.
    private let applied: @LoopActor () -> Position
    private let inTransaction: @LoopActor () -> Bool
    private let finished: @LoopActor (ReplyStream, End) -> Void
    private var rows: RowsWriter?
    /// A result set's end that waits for what follows it.
    private var heldEnd: ResultSummary?
    private(set) var hasWritten = false
    /// The last id that an insert told; 0 for none.
    private(set) var insertID: UInt64 = 0
    /// The last commit that was told of.
    private(set) var gtid: GTID?
    /// The server said of one of the results that the session changed.
    private(set) var changedSession = false
    /// The client has its answer: what still comes is not for it.
    private var isOver = false

    init(
        _ channel: Channel, _ writer: ReplyWriter, _ kind: Kind, applied: @escaping @LoopActor () -> Position,
        inTransaction: @escaping @LoopActor () -> Bool, finished: @escaping @LoopActor (ReplyStream, End) -> Void
    ) {
        self.channel = channel
        self.writer = writer
        self.kind = kind
        self.applied = applied
        self.inTransaction = inTransaction
        self.finished = finished
    }

    func columns(_ columns: [ColumnDefinition]) {
        guard !isOver else { return }
        if let held = heldEnd { writeEnd(held, more: true) }
        hasWritten = true
        channel.write { rows = writer.rows(columns.map { Column(name: $0.name, type: $0.replyType) }, into: &$0) }
    }

    func row(_ row: borrowing ResultRow) -> Bool {
        guard !isOver else { return true }
        let row = copy row
        // Taken out while it is written to: the two live in one object.
        guard var writer = rows else { return true }
        rows = nil
        channel.write { out in
            writer.beginRow(into: &out)
            row.forEachField { writer.field($0, into: &out) }
            writer.endRow(into: &out)
        }
        rows = writer
        return !channel.isFull
    }

    func ended(_ summary: ResultSummary) {
        if summary.insertID != 0 { insertID = summary.insertID }
        if let told = summary.gtid { gtid = told }
        if summary.changedSession { changedSession = true }
        if rows != nil {
            heldEnd = summary
            if summary.more {
                if !kind.isCall { writeEnd(summary, more: true) }
                return
            }
        } else if summary.more {
            if isOver { return }
            return write(summary, more: true)
        }
        finished(self, .done(summary))
    }

    /// Writes the last line of the reply.
    func close(_ summary: ResultSummary) {
        if let held = heldEnd {
            var summary = summary
            summary.warnings = max(summary.warnings, held.warnings)
            writeEnd(summary, more: false)
        } else {
            write(summary, more: false)
        }
    }

    private func write(_ summary: ResultSummary, more: Bool) {
        hasWritten = true
        let fields = StatementFields(
            affected: summary.affected, insertID: summary.insertID, warnings: UInt64(summary.warnings), gtid: position(summary), more: more)
        channel.write { writer.ok(fields, into: &$0) }
    }

    private func writeEnd(_ summary: ResultSummary, more: Bool) {
        channel.write { rows?.end(warnings: UInt64(summary.warnings), gtid: position(summary), more: more, into: &$0) }
        rows = nil
        heldEnd = nil
    }

    /// A write's own; a read's is what this node has applied; within a transaction a write has none yet.
    private func position(_ summary: ResultSummary) -> Position? {
        if let gtid = summary.gtid ?? gtid { return Position(gtid) }
        return kind.isWrite && inTransaction() ? nil : applied()
    }

    /// What the statement did was committed behind it.
    func committed(_ gtid: GTID) { self.gtid = gtid }

    func failed(_ error: DatabaseError) { finished(self, .failed(error)) }

    /// Nobody takes the rest of it.
    func abandon() { isOver = true }

    /// Writes an error in the reply's place, or at the end of what was written of it.
    func fail(_ error: ReplyError) {
        isOver = true
        if let rows {
            channel.write { rows.failed(error, into: &$0) }
        } else {
            channel.write { writer.error(error, into: &$0) }
        }
        rows = nil
    }
}

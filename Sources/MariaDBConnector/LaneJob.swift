package import EventLoop
package import MySQLProtocol

/// Statements of one session on a lane, one behind the other, until their replies are through. They stay together, so their replies stay in order.
@LoopActor package final class LaneJob: ResultSink {
    package struct Statement {
        let sql: [UInt8]
        let sink: any ResultSink

        package init(_ sql: [UInt8], _ sink: any ResultSink) {
            self.sql = sql
            self.sink = sink
        }
    }

    let statements: [Statement]
    private var answered = 0
    /// There is no connection to run it on.
    let refused: @LoopActor (PoolError) -> Void
    /// Told when a statement is through, before its sink is.
    var whenOver: (@LoopActor () -> Void)?
    /// Which of its statements held a lane up.
    package private(set) var stalled: Int?
    /// It had a lane of its own: how long its first statement took is that one's doing.
    package internal(set) var hadLaneAlone = false
    private(set) var isAbandoned = false
    /// What makes a pause between its rows end.
    var connection: MariaDBConnection?

    package init(_ statements: [Statement], refused: @escaping @LoopActor (PoolError) -> Void) {
        self.statements = statements
        self.refused = refused
    }

    func hasStalled() { stalled = answered }

    /// Nobody waits for it any more: should it stall, it is ended in the database.
    package func abandon() { isAbandoned = true }

    /// Goes on after the sink's pause.
    package func resume() { connection?.resume() }

    private var sink: any ResultSink { statements[answered].sink }

    package func columns(_ columns: [ColumnDefinition]) { sink.columns(columns) }

    package func row(_ row: borrowing ResultRow) -> Bool { sink.row(row) }

    package func ended(_ summary: ResultSummary) {
        // No plain read after all: the connection is no lane any more.
        if summary.changedSession || summary.gtid != nil { connection?.isTainted = true }
        let sink = sink
        if !summary.more { over() }
        sink.ended(summary)
    }

    package func failed(_ error: DatabaseError) {
        let sink = sink
        over()
        sink.failed(error)
    }

    private func over() {
        let whenOver = self.whenOver
        answered += 1
        if answered == statements.count {
            self.whenOver = nil
            connection = nil
        }
        whenOver?()
    }
}

/// Takes the reply to a statement that was run again elsewhere.
@LoopActor final class DroppedReply: ResultSink {
    private let over: @LoopActor () -> Void
    init(over: @escaping @LoopActor () -> Void) { self.over = over }
    func columns(_ columns: [ColumnDefinition]) {}
    func row(_ row: borrowing ResultRow) -> Bool { true }
    func ended(_ summary: ResultSummary) { if !summary.more { over() } }
    func failed(_ error: DatabaseError) { over() }
}

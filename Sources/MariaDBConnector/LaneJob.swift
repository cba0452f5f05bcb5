package import EventLoop
package import MySQLProtocol

/// One statement on a lane, until its reply is through.
@LoopActor package final class LaneJob: ResultSink {
    let sql: [UInt8]
    private let sink: any ResultSink
    /// There is no connection to run it on.
    let refused: @LoopActor (PoolError) -> Void
    /// Told when it is through, before its sink is.
    var whenOver: (@LoopActor () -> Void)?
    /// It held a lane up.
    package internal(set) var hasStalled = false
    /// It had a lane of its own: how long it took is its own doing.
    package internal(set) var hadLaneAlone = false
    private(set) var isAbandoned = false
    /// What makes a pause between its rows end.
    var connection: MariaDBConnection?

    package init(_ sql: [UInt8], _ sink: any ResultSink, refused: @escaping @LoopActor (PoolError) -> Void) {
        self.sql = sql
        self.sink = sink
        self.refused = refused
    }

    /// Nobody waits for it any more: should it stall, it is ended in the database.
    package func abandon() { isAbandoned = true }

    /// Goes on after the sink's pause.
    package func resume() { connection?.resume() }

    package func columns(_ columns: [ColumnDefinition]) { sink.columns(columns) }

    package func row(_ row: borrowing ResultRow) -> Bool { sink.row(row) }

    package func ended(_ summary: ResultSummary) {
        // No plain read after all: the connection is no lane any more.
        if summary.changedSession || summary.gtid != nil { connection?.isTainted = true }
        if !summary.more { over() }
        sink.ended(summary)
    }

    package func failed(_ error: DatabaseError) {
        over()
        sink.failed(error)
    }

    private func over() {
        let whenOver = self.whenOver
        self.whenOver = nil
        connection = nil
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

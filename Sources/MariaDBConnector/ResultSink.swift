package import ClusterModel
package import EventLoop
package import MySQLProtocol

/// One row, valid during the call it is handed over in.
package struct ResultRow {
    let payload: UnsafeRawBufferPointer

    /// Calls `body` with each field in turn; nil for SQL NULL.
    @inline(__always)
    package func forEachField(_ body: (UnsafeRawBufferPointer?) -> Void) { RowFields.forEach(payload, body) }
}

/// How one result of a statement ended.
package struct ResultSummary: Sendable {
    /// Rows changed; of a result set, nothing.
    package var affected: UInt64 = 0
    package var insertID: UInt64 = 0
    package var warnings: UInt32 = 0
    /// What the statement's commit was given.
    package var gtid: GTID?
    /// The server says that something of the session changed.
    package var changedSession = false
    /// Another result of the same request follows.
    package var more = false
}

/// Takes what a statement gives back.
@LoopActor package protocol ResultSink: AnyObject {
    /// A result set begins.
    func columns(_ columns: [ColumnDefinition])
    /// A row; false asks for a pause, until the connection's `resume()`.
    func row(_ row: borrowing ResultRow) -> Bool
    /// A result ended: a result set when `columns` came before it, else a statement without one.
    func ended(_ summary: ResultSummary)
    /// The statement failed; nothing follows.
    func failed(_ error: DatabaseError)
}

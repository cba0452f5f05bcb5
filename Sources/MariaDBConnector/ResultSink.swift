import CMariaDB
package import EventLoop

/// One column of a result set, as MariaDB describes it.
package struct ResultColumn: Sendable {
    package let name: [UInt8]
    /// The protocol's type number (`enum_field_types`).
    package let type: UInt32
    /// The protocol's flags (`UNSIGNED_FLAG`, `BINARY_FLAG`, …).
    package let flags: UInt32
    /// 63 is `binary`: for string types, bytes rather than text.
    package let charset: UInt32
    package let decimals: UInt32
    package let length: UInt
}

/// The fields of one row, valid during the call they are handed over in.
package struct ResultRow {
    let values: MYSQL_ROW
    let lengths: UnsafeMutablePointer<UInt>
    package let count: Int

    /// Nil for SQL NULL.
    package subscript(index: Int) -> UnsafeRawBufferPointer? {
        guard let value = values[index] else { return nil }
        return UnsafeRawBufferPointer(start: value, count: Int(lengths[index]))
    }
}

/// How one result of a statement ended.
package struct ResultSummary: Sendable {
    /// Rows changed; of a result set, nothing.
    package var affected: UInt64 = 0
    package var insertID: UInt64 = 0
    package var warnings: UInt32 = 0
    /// The GTID that the statement's commit was given, as MariaDB writes it.
    package var gtid: String?
    /// Another result of the same request follows.
    package var more = false
}

/// Takes what a statement gives back.
@LoopActor package protocol ResultSink: AnyObject {
    /// A result set begins.
    func columns(_ columns: [ResultColumn])
    /// A row; false asks for a pause, until the connection's `resume()`.
    func row(_ row: borrowing ResultRow) -> Bool
    /// A result ended: a result set when `columns` came before it, else a statement without one.
    func ended(_ summary: ResultSummary)
    /// The statement failed; nothing follows.
    func failed(_ error: DatabaseError)
}

/// What has to be known of a statement's event: whether it is the COMMIT or ROLLBACK that ends a transaction.
///
/// Source: https://mariadb.com/kb/en/query_event/
enum QueryEvent {
    private static let databaseLengthOffset = EventHeader.byteCount + 8
    private static let statusLengthOffset = EventHeader.byteCount + 11
    private static let fixedBytes = EventHeader.byteCount + 13

    /// True when the text is COMMIT or ROLLBACK and nothing else: ROLLBACK TO a savepoint ends no transaction.
    ///
    /// `head` is the event's first bytes; an event of which more follows is longer than either word, and so is every compressed one.
    static func endsTransaction(_ header: EventHeader, head: UnsafeRawBufferPointer) throws(BinlogError) -> Bool {
        guard let databaseBytes = head.littleEndian(at: databaseLengthOffset, as: UInt8.self),
            let statusBytes = head.littleEndian(at: statusLengthOffset, as: UInt16.self)
        else { throw .malformed(header.type) }
        let start = fixedBytes + Int(statusBytes) + Int(databaseBytes) + 1
        let end = header.eventBytes - checksumBytes
        guard start <= end else { throw .malformed(header.type) }
        guard end <= head.count else { return false }
        return head[start..<end].elementsEqual("COMMIT".utf8) || head[start..<end].elementsEqual("ROLLBACK".utf8)
    }
}

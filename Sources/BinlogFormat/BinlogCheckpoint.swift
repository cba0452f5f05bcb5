/// The event that names the oldest binlog file that crash recovery needs: every transaction of an earlier one is committed in the engine, durably.
///
/// Source: https://mariadb.com/kb/en/binlog_checkpoint_event/
package struct BinlogCheckpoint: Sendable, Equatable {
    /// The file's name, without its directory.
    package let file: String

    /// Reads a whole event; throws `malformed` when the name does not fit its length.
    package init(event: UnsafeRawBufferPointer) throws(BinlogError) {
        let start = EventHeader.byteCount + 4
        guard let count = event.littleEndian(at: EventHeader.byteCount, as: UInt32.self), count > 0,
            Int(count) <= event.count - start - checksumBytes
        else { throw .malformed(.binlogCheckpoint) }
        let name = String(decoding: event[start..<(start + Int(count))], as: UTF8.self)
        file = name.lastIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
    }
}

/// The 19 bytes at the head of every binlog event.
///
/// Source: https://mariadb.com/kb/en/2-binlog-event-header/
package struct EventHeader: Sendable, Equatable {
    package static let byteCount = 19

    /// Seconds since 1970 on the server that wrote it; 0 in artificial events.
    package let timestamp: UInt32
    package let type: EventType
    /// The `server_id` of the server that wrote it.
    package let serverID: UInt32
    /// The length of the whole event, header and checksum included. As the bytes say: not checked against any limit yet.
    package let eventBytes: Int
    /// Where the next event begins in the writer's file, modulo 2^32; 0 in artificial events.
    package let endPosition: UInt32
    package let flags: UInt16

    /// The file is being written, or its writer crashed. Only in a format description, and no part of its checksum.
    package static let inUse: UInt16 = 0x0001
    /// Made up for the stream; stands in no file.
    package static let artificial: UInt16 = 0x0020
    /// A reader that does not know the type may leave the event out.
    package static let ignorable: UInt16 = 0x0080

    /// Reads the head of `bytes`; nil when there are fewer than 19.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount,
            let timestamp = bytes.littleEndian(at: 0, as: UInt32.self),
            let serverID = bytes.littleEndian(at: 5, as: UInt32.self),
            let eventBytes = bytes.littleEndian(at: 9, as: UInt32.self),
            let endPosition = bytes.littleEndian(at: 13, as: UInt32.self),
            let flags = bytes.littleEndian(at: 17, as: UInt16.self)
        else { return nil }
        self.timestamp = timestamp
        self.type = EventType(rawValue: bytes[4])
        self.serverID = serverID
        self.eventBytes = Int(eventBytes)
        self.endPosition = endPosition
        self.flags = flags
    }

    /// True for an event that was made up for the stream.
    package var isArtificial: Bool { flags & Self.artificial != 0 }

    /// Throws when the length can't be an event's, with its checksum.
    package func checkLength() throws(BinlogError) {
        guard eventBytes >= Self.byteCount + checksumBytes else { throw .malformed(type) }
        guard eventBytes <= eventBytesMax else { throw .tooLarge(bytes: eventBytes) }
    }
}

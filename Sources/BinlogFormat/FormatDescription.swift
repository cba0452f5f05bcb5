/// The first event of a binlog file: which server wrote it, and how the events that follow are laid out.
///
/// Source: https://mariadb.com/kb/en/format_description_event/
package struct FormatDescription: Sendable, Equatable {
    /// The whole event, as it was read.
    package let bytes: [UInt8]
    /// As the server names itself, like `10.11.19-MariaDB-log`.
    package let serverVersion: String

    private static let versionOffset = EventHeader.byteCount
    private static let serverVersionRange = 21..<71
    private static let createdRange = 71..<75
    private static let headerLengthOffset = 75
    private static let flagsOffset = 17

    /// Reads a whole event.
    ///
    /// Throws when its checksum is wrong, or when what follows can't be read here: a format other than version 4, or no CRC32 on the events.
    package init(event: UnsafeRawBufferPointer, checksum: Checksum) throws(BinlogError) {
        guard let header = EventHeader(event), event.count == header.eventBytes else { throw .truncated }
        guard header.type == .formatDescription else { throw .noFormatDescription }
        // The byte before the checksum names the checksum's algorithm; before it stands at least the length of headers.
        guard event.count > Self.headerLengthOffset + 1 + checksumBytes, event[Self.headerLengthOffset] == UInt8(EventHeader.byteCount),
            let version = event.littleEndian(at: Self.versionOffset, as: UInt16.self)
        else { throw .malformed(.formatDescription) }
        guard version == 4 else { throw .unsupportedVersion(version) }
        let bytes = [UInt8](event)
        guard Self.notInUse(bytes).withUnsafeBytes({ verifyChecksum(event: $0, checksum) }) else { throw .badChecksum }
        guard event[event.count - checksumBytes - 1] == 1 else { throw .checksumsOff }
        self.bytes = bytes
        serverVersion = String(decoding: event[Self.serverVersionRange].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The event as a stream carries it to a replica that starts with nothing: not in use. A replica refuses the flag, whose bit is not summed.
    package var served: [UInt8] { Self.notInUse(bytes) }

    /// The event as a stream carries it to a replica that has some of the log already: not in use, and without the time of creation.
    ///
    /// By that time a replica would take the stream for that of a server just restarted, and drop the temporary tables it replicates.
    package func resumed(_ checksum: Checksum) -> [UInt8] {
        var event = served
        event.replaceSubrange(Self.createdRange, with: repeatElement(0, count: Self.createdRange.count))
        event.removeLast(checksumBytes)
        event.append(littleEndian: event.withUnsafeBytes { checksum(0, $0) })
        return event
    }

    private static func notInUse(_ bytes: [UInt8]) -> [UInt8] {
        var event = bytes
        event[flagsOffset] &= ~UInt8(EventHeader.inUse)
        return event
    }
}

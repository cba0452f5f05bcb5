package import ClusterModel

/// Why binlog bytes can't be used.
package enum BinlogError: Error, Equatable, CustomStringConvertible {
    /// The bytes end before the event does, or go on after it.
    case truncated
    /// An event beyond `eventBytesMax`, or one that must be read whole beyond what is held for that.
    case tooLarge(bytes: Int)
    case badChecksum
    /// The file does not begin with the four bytes of a binlog.
    case badMagic
    /// The file does not begin with a format description.
    case noFormatDescription
    case encrypted
    /// The binlog format is not version 4.
    case unsupportedVersion(UInt16)
    /// The events carry no CRC32.
    case checksumsOff
    /// The fields of an event of this type contradict its length.
    case malformed(EventType)
    /// An event that must stand in a group came without one.
    case outsideGroup(EventType)
    /// The next group, or file, began before this one was whole: its writer crashed, or bytes are missing.
    case groupInterrupted(GTID)
    /// The transaction is not the next one after that position: what is between them is missing.
    case gap(GTID, after: Position)
    /// The writer says that it lost events.
    case incident

    package var description: String {
        switch self {
        case .truncated: "a binlog event is cut short"
        case .tooLarge(let bytes): "a binlog event of \(bytes) bytes is larger than can be taken (\(eventBytesMax))"
        case .badChecksum: "a binlog event's checksum is wrong: its bytes were damaged"
        case .badMagic: "this is no binlog file: it does not begin with FE 62 69 6E"
        case .noFormatDescription: "the binlog does not begin with a format description event"
        case .encrypted: "the binlog is encrypted: set encrypt_binlog=OFF in the database"
        case .unsupportedVersion(let version): "the binlog is of format version \(version), only version 4 can be read"
        case .checksumsOff: "the binlog carries no checksums: set binlog_checksum=CRC32 in the database"
        case .malformed(let type): "a binlog event of type \(type.rawValue) contradicts itself"
        case .outsideGroup(let type): "a binlog event of type \(type.rawValue) stands outside of any transaction: the binlog must have GTIDs"
        case .groupInterrupted(let gtid): "transaction \(gtid) breaks off in the binlog before its end"
        case .gap(let gtid, let after): "transaction \(gtid) comes after \(after): what is between them is missing"
        case .incident: "the database says that its binlog has lost events: slaves must be rebuilt from a snapshot"
        }
    }
}

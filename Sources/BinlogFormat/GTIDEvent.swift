package import ClusterModel

/// The first event of a group: its name, and how its end is told.
///
/// Source: https://mariadb.com/kb/en/gtid_event/
package struct GTIDEvent: Sendable, Equatable {
    package let gtid: GTID
    package let flags: UInt8

    /// No COMMIT follows: the group ends with its first event that is not mere preparation.
    package static let standalone: UInt8 = 0x01
    package static let transactional: UInt8 = 0x04
    package static let ddl: UInt8 = 0x20
    /// The group ends with an XA PREPARE.
    package static let preparedXA: UInt8 = 0x40
    /// The group is an XA COMMIT or XA ROLLBACK.
    package static let completedXA: UInt8 = 0x80

    /// Reads the event, of which `bytes` may be the head only; throws `malformed` when the fields don't fit.
    package init(event bytes: UnsafeRawBufferPointer, header: EventHeader) throws(BinlogError) {
        let fields = EventHeader.byteCount
        guard header.type == .gtid, header.eventBytes >= fields + 13 + checksumBytes,
            let sequence = bytes.littleEndian(at: fields, as: UInt64.self),
            let domain = bytes.littleEndian(at: fields + 8, as: UInt32.self),
            let flags = bytes.littleEndian(at: fields + 12, as: UInt8.self)
        else { throw .malformed(header.type) }
        gtid = GTID(domain: domain, server: header.serverID, sequence: sequence)
        self.flags = flags
    }

    package var isStandalone: Bool { flags & Self.standalone != 0 }
    package var isDDL: Bool { flags & Self.ddl != 0 }
}

package import ClusterModel

/// The event that says which transactions came before a file: the last of each domain and server.
///
/// Source: https://mariadb.com/kb/en/gtid_list_event/
package struct GTIDList: Sendable, Equatable {
    package let gtids: [GTID]

    static let entryBytes = 16
    /// The count shares its 32 bits with four flags.
    private static let countMask: UInt32 = 0x0fff_ffff

    /// Reads a whole event; throws `malformed` when the entries don't fit its length.
    package init(event: UnsafeRawBufferPointer) throws(BinlogError) {
        let entries = EventHeader.byteCount + 4
        guard let count = event.littleEndian(at: EventHeader.byteCount, as: UInt32.self).map({ Int($0 & Self.countMask) }),
            count <= (event.count - entries - checksumBytes) / Self.entryBytes
        else { throw .malformed(.gtidList) }
        var gtids: [GTID] = []
        gtids.reserveCapacity(count)
        for offset in stride(from: entries, to: entries + count * Self.entryBytes, by: Self.entryBytes) {
            guard let domain = event.littleEndian(at: offset, as: UInt32.self), let server = event.littleEndian(at: offset + 4, as: UInt32.self),
                let sequence = event.littleEndian(at: offset + 8, as: UInt64.self)
            else { throw .malformed(.gtidList) }
            gtids.append(GTID(domain: domain, server: server, sequence: sequence))
        }
        self.gtids = gtids
    }
}

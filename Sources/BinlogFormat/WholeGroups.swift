package import ClusterModel

/// The whole transactions in a piece of a binlog file that begins between two of them, and may end anywhere.
package struct WholeGroups: Sendable {
    package struct Group: Equatable, Sendable {
        package let gtid: GTID
        /// In bytes of the piece.
        package let range: Range<Int>
    }

    package private(set) var groups: [Group] = []
    /// So many bytes of the piece were looked at: up to the end of the last transaction, and of what stands behind that outside of any.
    package private(set) var end = 0

    /// Reads no further than the first event that is not all there. Throws where the bytes are no events.
    package init(_ piece: UnsafeRawBufferPointer, _ checksum: Checksum) throws(BinlogError) {
        var tracker = GroupTracker()
        var at = 0
        while let header = EventHeader(UnsafeRawBufferPointer(rebasing: piece[at...])) {
            try header.checkLength()
            guard header.eventBytes <= piece.count - at else { return }
            let event = UnsafeRawBufferPointer(rebasing: piece[at..<at + header.eventBytes])
            guard header.type == .formatDescription || verifyChecksum(event: event, checksum) else { throw .badChecksum }
            at += header.eventBytes
            switch try tracker.received(event) {
            case .groupBegan, .groupContinued: continue
            case .groupEnded(let gtid): groups.append(Group(gtid: gtid, range: end..<at))
            case .ignored, .formatDescription: guard tracker.openGroup == nil else { continue }
            }
            end = at
        }
    }
}

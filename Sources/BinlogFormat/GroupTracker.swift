package import ClusterModel

/// What one event means for the transactions in a stream of events.
package enum EventStep: Equatable, Sendable {
    /// A GTID event: all up to this group's end belongs to it.
    case groupBegan(GTID)
    case groupContinued
    /// The group is whole with this event.
    case groupEnded(GTID)
    case formatDescription
    /// No part of a group: rotate, stop, GTID list, checkpoint, heartbeat, and what else a reader may leave out.
    case ignored(EventType)
}

/// Tells the transactions apart in a stream of binlog events.
///
/// Between groups → (GTID event) → in a group → (its last event) → between groups. How a group's last event is known:
/// with a COMMIT to come, it is the XID, the XA PREPARE, or a query of COMMIT or ROLLBACK; a standalone group ends with its first event that is more
/// than preparation for the next.
///
/// Checksums are the caller's to verify.
package struct GroupTracker: Sendable {
    /// The group that has begun and is not yet whole.
    package private(set) var openGroup: GTID?
    private var openGroupIsStandalone = false

    package init() {}

    /// Forgets the open group: the stream starts anew.
    package mutating func reset() { openGroup = nil }

    /// Takes one whole event, checksum included.
    ///
    /// Throws when the bytes are no event, when an event stands where it can't, or at an incident. At `groupInterrupted` the open group is forgotten,
    /// and the event that interrupted it is not taken.
    package mutating func received(_ event: UnsafeRawBufferPointer) throws(BinlogError) -> EventStep {
        guard let header = EventHeader(event), event.count == header.eventBytes else { throw .truncated }
        try header.checkLength()
        return try received(header, head: event)
    }

    /// Takes an event by its first bytes: all of them, or at least `JournalScanner.headBytesMax`.
    mutating func received(_ header: EventHeader, head: UnsafeRawBufferPointer) throws(BinlogError) -> EventStep {
        switch header.type {
        case .gtid:
            try expectBetweenGroups()
            return try began(GTIDEvent(event: head, header: header))
        case .formatDescription:
            try expectBetweenGroups()
            return .formatDescription
        case .heartbeat, .binlogCheckpoint:
            return .ignored(header.type)
        case .rotate, .stop, .gtidList, .startEncryption:
            // A dump's artificial events follow its reader, not the transactions.
            if !header.isArtificial { try expectBetweenGroups() }
            return .ignored(header.type)
        case .incident:
            throw .incident
        default:
            return try receivedMember(header, head: head)
        }
    }

    private mutating func began(_ event: GTIDEvent) -> EventStep {
        openGroup = event.gtid
        openGroupIsStandalone = event.isStandalone
        return .groupBegan(event.gtid)
    }

    private mutating func receivedMember(_ header: EventHeader, head: UnsafeRawBufferPointer) throws(BinlogError) -> EventStep {
        guard let gtid = openGroup else {
            guard header.flags & EventHeader.ignorable != 0 else { throw .outsideGroup(header.type) }
            return .ignored(header.type)
        }
        guard try openGroupIsStandalone ? endsStandalone(header, head: head) : endsTransaction(header, head: head) else { return .groupContinued }
        openGroup = nil
        return .groupEnded(gtid)
    }

    private func endsTransaction(_ header: EventHeader, head: UnsafeRawBufferPointer) throws(BinlogError) -> Bool {
        switch header.type {
        case .xid, .xaPrepare: true
        case .query: try QueryEvent.endsTransaction(header, head: head)
        default: false
        }
    }

    private func endsStandalone(_ header: EventHeader, head: UnsafeRawBufferPointer) throws(BinlogError) -> Bool {
        guard header.type.carriesRows else { return !header.type.preparesNext }
        // The flags follow the table's number of six bytes; bit 0 says that these are the statement's last rows.
        guard let flags = head.littleEndian(at: EventHeader.byteCount + 6, as: UInt16.self) else { throw .malformed(header.type) }
        return flags & 1 != 0
    }

    private mutating func expectBetweenGroups() throws(BinlogError) {
        guard let gtid = openGroup else { return }
        openGroup = nil
        throw .groupInterrupted(gtid)
    }
}

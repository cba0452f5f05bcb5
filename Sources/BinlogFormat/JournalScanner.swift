package import ClusterModel

/// What is wrong in a journal or binlog file, and where.
package struct JournalFault: Error, Equatable, CustomStringConvertible {
    package let error: BinlogError
    /// The offset in the file of the event at fault.
    package let offset: UInt64

    package init(error: BinlogError, offset: UInt64) {
        self.error = error
        self.offset = offset
    }

    package var description: String { "at byte \(offset): \(error)" }
}

/// What a scan has found so far.
package struct JournalSummary: Sendable, Equatable {
    /// The file's first event.
    package var formatDescription: FormatDescription?
    /// The transactions before this file, from its GTID list; nil when it has none.
    package var stateAtHead: [GTID]?
    /// The first group that begins in the file, whole or not.
    package var first: GTID?
    /// The last group that is whole.
    package var last: GTID?
    /// The last whole group of each run of consecutive groups that one server wrote, in order.
    package var runs: [GTID] = []
    /// The group that has begun and is not whole.
    package var openGroup: GTID?
    /// How far the file can be used: the offset past the last whole group, or past what stands between groups. A crash leaves a torn tail beyond it.
    package var validBytes: UInt64 = 0
    /// How many bytes went into the scan.
    package var scannedBytes: UInt64 = 0

    /// The last whole group of domain 0.
    private var lastOfCluster: GTID?

    /// The last transaction of domain 0 before what comes next; nil where neither the file nor its head tells.
    fileprivate var before: Position? {
        if let lastOfCluster { return Position(lastOfCluster) }
        return stateAtHead.map { Position($0.filter { $0.domain == 0 }.max { $0.sequence < $1.sequence }) }
    }

    fileprivate mutating func ended(_ gtid: GTID) {
        last = gtid
        if gtid.domain == 0 { lastOfCluster = gtid }
        if runs.last?.server == gtid.server { runs.removeLast() }
        runs.append(gtid)
    }
}

/// Checks the bytes of a journal or binlog file as they are read, in chunks of any size: every checksum, and which groups are whole.
///
/// Holds at most `headBytesMax` of an event, however large it is. A file that just ends, be it in the middle of an event, is no fault: see
/// `JournalSummary.validBytes`. After a fault `summary` says what was good before it.
package struct JournalScanner: Sendable {
    /// How much of an event is held, in bytes; format descriptions and GTID lists must fit.
    package static let headBytesMax = 64 << 10
    private static let magic: [UInt8] = [0xfe, 0x62, 0x69, 0x6e]

    package private(set) var summary = JournalSummary()
    private let checksum: Checksum
    private var tracker = GroupTracker()
    private var fault: JournalFault?
    /// Where the piece being read (the magic, or an event) begins; after a fault, the event at fault.
    package private(set) var offset: UInt64 = 0
    /// Of the event being read, once its 19 bytes are there.
    private var header: EventHeader?
    private var head: [UInt8] = []
    private var taken = 0
    private var crc: UInt32 = 0
    private var storedCRC: UInt32 = 0

    package init(checksum: @escaping Checksum) { self.checksum = checksum }

    /// Takes the next bytes of the file; throws at the first fault, and the same again from then on.
    package mutating func scan(_ chunk: UnsafeRawBufferPointer) throws(JournalFault) {
        if let fault { throw fault }
        var rest = chunk
        do {
            while !rest.isEmpty { try take(&rest) }
        } catch {
            let found = JournalFault(error: error, offset: offset)
            fault = found
            throw found
        }
    }

    private mutating func take(_ rest: inout UnsafeRawBufferPointer) throws(BinlogError) {
        if let header {
            try takeBody(header, &rest)
        } else if offset == 0 {
            try takeMagic(&rest)
        } else {
            try takeHeader(&rest)
        }
    }

    private mutating func takeMagic(_ rest: inout UnsafeRawBufferPointer) throws(BinlogError) {
        guard hold(&rest, upTo: Self.magic.count) else { return }
        guard head == Self.magic else { throw .badMagic }
        begin(at: UInt64(Self.magic.count))
        summary.validBytes = offset
    }

    private mutating func takeHeader(_ rest: inout UnsafeRawBufferPointer) throws(BinlogError) {
        guard hold(&rest, upTo: EventHeader.byteCount), let header = head.withUnsafeBytes({ EventHeader($0) }) else { return }
        try header.checkLength()
        if summary.formatDescription == nil, header.type != .formatDescription { throw .noFormatDescription }
        if [.formatDescription, .gtidList].contains(header.type), header.eventBytes > Self.headBytesMax { throw .tooLarge(bytes: header.eventBytes) }
        crc = head.withUnsafeBytes { checksum(0, $0) }
        taken = EventHeader.byteCount
        self.header = header
    }

    private mutating func takeBody(_ header: EventHeader, _ rest: inout UnsafeRawBufferPointer) throws(BinlogError) {
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(header.eventBytes - taken))
        let summed = min(piece.count, max(0, header.eventBytes - checksumBytes - taken))
        crc = checksum(crc, UnsafeRawBufferPointer(rebasing: piece[..<summed]))
        for byte in piece[summed...] { storedCRC = storedCRC >> 8 | UInt32(byte) << 24 }
        head.append(contentsOf: piece.prefix(Self.headBytesMax - head.count))
        taken += piece.count
        advance(&rest, by: piece.count)
        if taken == header.eventBytes { try complete(header) }
    }

    /// Holds bytes until there are `count`; true when there are.
    private mutating func hold(_ rest: inout UnsafeRawBufferPointer, upTo count: Int) -> Bool {
        let piece = rest.prefix(count - head.count)
        head.append(contentsOf: piece)
        advance(&rest, by: piece.count)
        return head.count == count
    }

    private mutating func advance(_ rest: inout UnsafeRawBufferPointer, by count: Int) {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        summary.scannedBytes += UInt64(count)
    }

    private mutating func begin(at offset: UInt64) {
        self.offset = offset
        header = nil
        taken = 0
        head.removeAll(keepingCapacity: true)
    }

    private mutating func complete(_ header: EventHeader) throws(BinlogError) {
        let step = try checked(header)
        begin(at: offset + UInt64(header.eventBytes))
        summary.openGroup = tracker.openGroup
        if tracker.openGroup == nil { summary.validBytes = offset }
        switch step {
        case .groupBegan(let gtid): summary.first = summary.first ?? gtid
        case .groupEnded(let gtid): summary.ended(gtid)
        case .groupContinued, .formatDescription, .ignored: break
        }
    }

    private mutating func checked(_ header: EventHeader) throws(BinlogError) -> EventStep {
        switch header.type {
        case .formatDescription:
            // Its checksum leaves out the in-use flag, so it is taken again from the whole event.
            let description = try withHead { event throws(BinlogError) in try FormatDescription(event: event, checksum: checksum) }
            summary.formatDescription = summary.formatDescription ?? description
        case .startEncryption:
            throw .encrypted
        default:
            guard crc == storedCRC else { throw .badChecksum }
        }
        if header.type == .gtidList, summary.first == nil, summary.stateAtHead == nil {
            summary.stateAtHead = try withHead { event throws(BinlogError) in try GTIDList(event: event).gtids }
        }
        let step = try receivedByTracker(header)
        if case .groupBegan(let gtid) = step, gtid.domain == 0, let before = summary.before, !before.isFollowed(by: gtid) {
            throw .gap(gtid, after: before)
        }
        return step
    }

    private mutating func receivedByTracker(_ header: EventHeader) throws(BinlogError) -> EventStep {
        var tracker = tracker
        defer { self.tracker = tracker }
        return try withHead { head throws(BinlogError) in try tracker.received(header, head: head) }
    }

    /// `withUnsafeBytes` of the head, for a body that throws.
    private func withHead<Value>(_ body: (UnsafeRawBufferPointer) throws(BinlogError) -> Value) throws(BinlogError) -> Value {
        try head.withUnsafeBytes { bytes in Result { () throws(BinlogError) in try body(bytes) } }.get()
    }
}

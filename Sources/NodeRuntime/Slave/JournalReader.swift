import BinlogFormat
import CSystem
import ClusterModel
import Digests
import EventLoop
import Glibc
import MySQLProtocol
import Replication

/// Why reading the journal for a replica had to stop.
enum JournalReadProblem: Error, Sendable, CustomStringConvertible {
    case notReaching(Position)
    case system(String, SystemError)
    case damaged(String, BinlogError)

    var description: String {
        switch self {
        case .notReaching(let position): "the journal does not hold what comes after \(position)"
        case .system(let file, let error): "\(file): \(error)"
        case .damaged(let file, let error): "\(file): \(error)"
        }
    }
}

/// Turns the journal, from one position on, into the packets of a binlog dump, or into the bare events.
///
/// Not safe for more than one thread: it is handed from the loop to the reading queue and back with each read.
final class JournalReader: @unchecked Sendable {
    private static let chunkBytes = 512 << 10

    private enum Form {
        case packets(serverID: UInt32)
        case events
    }

    private let directory: String
    private let form: Form
    private var position: Position
    private var sequence: UInt8
    private var segment: JournalSegment?
    private var descriptor: Int32 = -1
    private var offset = 0
    private var isSkipping = true
    /// The next transaction's sequence, where it was beyond what might be read.
    private var heldAt: UInt64?
    private var buffer: [UInt8] = []
    /// Where the replica believes to be: what a heartbeat must name.
    private(set) var fileName = ""

    /// Packets, as of a server of that number.
    init(directory: String, after position: Position, serverID: UInt32, sequence: UInt8) {
        self.directory = directory
        self.position = position
        form = .packets(serverID: serverID)
        self.sequence = sequence
    }

    /// The transactions' events and the descriptions of their format, one behind the other.
    init(directory: String, after position: Position) {
        self.directory = directory
        self.position = position
        form = .events
        sequence = 0
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whether `index` holds more than was read so far. Transactions beyond the sequence `limit` are not read.
    func hasMore(in index: JournalIndex, upTo limit: UInt64 = .max) -> Bool {
        if let heldAt, heldAt > limit { return false }
        guard let segment else { return index.last != nil }
        guard let now = index.segment(number: segment.number) else { return true }
        return offset < now.bytes || index.segment(number: segment.number + 1) != nil
    }

    /// Packets of the next events, some hundred kilobytes at most unless one event is larger; empty when there is nothing more.
    func read(_ index: JournalIndex, upTo limit: UInt64 = .max) throws(JournalReadProblem) -> [UInt8] {
        var out: [UInt8] = []
        heldAt = nil
        if segment == nil {
            guard let first = index.segment(after: position) else { throw .notReaching(position) }
            try open(first, &out)
        }
        while out.isEmpty, heldAt == nil, let current = segment {
            guard let now = index.segment(number: current.number) else { throw .notReaching(position) }
            if offset < now.bytes {
                try readEvents(upTo: now.bytes, limit, mayWait: true, &out)
            } else if let next = index.segment(number: current.number + 1) {
                try open(next, &out)
            } else {
                break
            }
        }
        return out
    }

    /// As `read`, without waiting for the disk: nil where that would be needed, or something else is to be done than to read on. What fails here fails
    /// in `read`, too, and is told there.
    func readCached(_ index: JournalIndex, upTo limit: UInt64 = .max) -> [UInt8]? {
        if let heldAt, heldAt > limit { return nil }
        heldAt = nil
        guard let segment, let now = index.segment(number: segment.number), offset < now.bytes else { return nil }
        var out: [UInt8] = []
        do { try readEvents(upTo: now.bytes, limit, mayWait: false, &out) } catch { return nil }
        return out.isEmpty ? nil : out
    }

    /// A heartbeat for a replica that has everything. It refuses one from before where it counts itself to be, so this one is from the far end.
    func heartbeat() -> [UInt8] {
        var out: [UInt8] = []
        guard case .packets(let serverID) = form else { return out }
        frame(ArtificialEvent.heartbeat(file: fileName, position: .max, serverID: serverID, checksum: Digests.crc32), &out)
        return out
    }

    private func frame(_ event: [UInt8], _ out: inout [UInt8]) {
        event.withUnsafeBytes { put($0, &out) }
    }

    private func put(_ event: UnsafeRawBufferPointer, _ out: inout [UInt8]) {
        switch form {
        case .packets: PacketWriter.event(event, sequence: &sequence, into: &out)
        case .events: out.append(contentsOf: event)
        }
    }

    /// A binlog dump announces each file by an artificial rotation, its format, and what came before it.
    private func open(_ next: JournalSegment, _ out: inout [UInt8]) throws(JournalReadProblem) {
        if descriptor >= 0 { close(descriptor) }
        let path = directory + "/" + next.fileName
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        segment = next
        fileName = next.fileName
        offset = 4
        isSkipping = true
        guard case .packets(let serverID) = form else { return }
        frame(ArtificialEvent.rotate(file: fileName, position: 4, serverID: serverID, checksum: Digests.crc32), &out)
    }

    private func readEvents(upTo end: Int, _ limit: UInt64, mayWait: Bool, _ out: inout [UInt8]) throws(JournalReadProblem) {
        try fill(min(Self.chunkBytes, end - offset), mayWait: mayWait)
        var at = 0
        while at < buffer.count {
            guard let header = buffer.withUnsafeBytes({ EventHeader(UnsafeRawBufferPointer(rebasing: $0[at...])) }) else { break }
            guard header.eventBytes >= EventHeader.byteCount, header.eventBytes <= end - offset - at else { throw .damaged(fileName, .truncated) }
            if at + header.eventBytes > buffer.count {
                if at > 0 { break }
                // One event larger than a chunk.
                try fill(header.eventBytes, mayWait: mayWait)
                continue
            }
            if header.type == .gtid, try isHeld(header, at..<(at + header.eventBytes), limit) { break }
            try pass(header, at..<(at + header.eventBytes), &out)
            at += header.eventBytes
        }
        offset += at
        buffer = []
    }

    private func fill(_ count: Int, mayWait: Bool) throws(JournalReadProblem) {
        let (descriptor, offset) = (descriptor, offset)
        var failure: SystemError?
        buffer = [UInt8](unsafeUninitializedCapacity: count) { bytes, done in
            while done < count {
                let (start, left) = (bytes.baseAddress.map { $0 + done }, count - done)
                let got =
                    mayWait ? pread(descriptor, start, left, off_t(offset + done)) : ddb_read_cached(descriptor, start, left, off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    failure = SystemError("pread", got == 0 ? EIO : errno)
                    return
                }
                done += got
            }
        }
        if let failure { throw .system(fileName, failure) }
    }

    /// Whether the transaction that begins here is beyond what may be read.
    private func isHeld(_ header: EventHeader, _ range: Range<Int>, _ limit: UInt64) throws(JournalReadProblem) -> Bool {
        let result: Result<UInt64, BinlogError> = buffer.withUnsafeBytes { bytes in
            Result { () throws(BinlogError) in try GTIDEvent(event: UnsafeRawBufferPointer(rebasing: bytes[range]), header: header).gtid.sequence }
        }
        switch result {
        case .failure(let error): throw .damaged(fileName, error)
        case .success(let sequence):
            heldAt = sequence > limit ? sequence : nil
            return sequence > limit
        }
    }

    private func pass(_ header: EventHeader, _ range: Range<Int>, _ out: inout [UInt8]) throws(JournalReadProblem) {
        let result: Result<Void, BinlogError> = buffer.withUnsafeBytes { bytes in
            let event = UnsafeRawBufferPointer(rebasing: bytes[range])
            // The disk may have lost it since it was written: the database must not be what finds that.
            guard header.type == .formatDescription || verifyChecksum(event: event, Digests.crc32) else { return .failure(.badChecksum) }
            return Result { () throws(BinlogError) in try pass(header, event, &out) }
        }
        if case .failure(let error) = result { throw .damaged(fileName, error) }
    }

    private func pass(_ header: EventHeader, _ event: UnsafeRawBufferPointer, _ out: inout [UInt8]) throws(BinlogError) {
        switch header.type {
        case .formatDescription:
            let format = try FormatDescription(event: event, checksum: Digests.crc32)
            frame(format.resumed(Digests.crc32), &out)
        case .gtidList:
            guard case .packets(let serverID) = form else { return }
            let known = position.gtid.map { [$0] } ?? []
            frame(ArtificialEvent.gtidList(known, serverID: serverID, endPosition: 0, checksum: Digests.crc32), &out)
        case .gtid:
            let gtid = try GTIDEvent(event: event, header: header).gtid
            isSkipping = gtid.sequence <= position.sequence
            if isSkipping { return }
            guard position.isFollowed(by: gtid) else { throw .gap(gtid, after: position) }
            position = Position(gtid)
            put(event, &out)
        default:
            if !isSkipping { put(event, &out) }
        }
    }
}

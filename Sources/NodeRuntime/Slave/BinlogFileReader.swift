import BinlogFormat
import Digests
import EventLoop
import Glibc

/// Reads a file of the journal or of a database's binlog event by event. It holds a chunk of it, or one event that is larger.
struct BinlogFileReader: ~Copyable {
    private static let chunkBytes = 1 << 20
    private static let magic: [UInt8] = [0xfe, 0x62, 0x69, 0x6e]

    struct Event {
        fileprivate let path: String
        let header: EventHeader
        /// Where it begins in the file.
        let offset: Int
        let bytes: ArraySlice<UInt8>

        var end: Int { offset + bytes.count }

        /// Reads something out of the whole event.
        func read<Value>(_ body: (UnsafeRawBufferPointer) throws(BinlogError) -> Value) throws(JournalProblem) -> Value {
            do throws(BinlogError) {
                return try bytes.withUnsafeBytes { event in Result { () throws(BinlogError) in try body(event) } }.get()
            } catch {
                throw damaged(error)
            }
        }

        func checkChecksum() throws(JournalProblem) {
            // A format description's leaves a flag out; whoever reads it looks.
            guard header.type == .formatDescription || bytes.withUnsafeBytes({ verifyChecksum(event: $0, Digests.crc32) }) else {
                throw damaged(.badChecksum)
            }
        }

        func format() throws(JournalProblem) -> FormatDescription {
            try read { event throws(BinlogError) in try FormatDescription(event: event, checksum: Digests.crc32) }
        }

        func step(_ groups: inout GroupTracker) throws(JournalProblem) -> EventStep {
            var tracker = groups
            defer { groups = tracker }
            return try read { event throws(BinlogError) in try tracker.received(event) }
        }

        func damaged(_ error: BinlogError) -> JournalProblem { .damaged(file: path, JournalFault(error: error, offset: UInt64(offset))) }
    }

    let path: String
    private let descriptor: Int32
    /// Up to there it is read.
    private let end: Int
    /// Where the next event begins in the file.
    private var offset: Int
    private var buffer: [UInt8] = []
    /// Where it begins in the buffer.
    private var at = 0

    /// From the event at `offset`, its first by default, to the one that ends at `end`, else to the end of the file.
    init(_ path: String, from offset: Int = Self.magic.count, upTo end: Int? = nil) throws(JournalProblem) {
        self.path = path
        self.offset = offset
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        let isOpen = descriptor >= 0 && fstat(descriptor, &status) == 0
        let failure = SystemError("open")
        self.end = min(end ?? Int(status.st_size), Int(status.st_size))
        guard isOpen else { throw .system(path, failure) }
        guard try read(Self.magic.count, from: 0) == Self.magic else { throw .damaged(file: path, JournalFault(error: .badMagic, offset: 0)) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The next event, nil at the end of the file. Its checksum is the caller's to look at. Throws `damaged` where the bytes are no event, or the file
    /// ends within one.
    mutating func next() throws(JournalProblem) -> Event? {
        guard offset < end else { return nil }
        if buffer.count - at < EventHeader.byteCount { try fill(Self.chunkBytes) }
        guard let header = buffer.withUnsafeBytes({ EventHeader(UnsafeRawBufferPointer(rebasing: $0[at...])) }) else { throw damaged(.truncated) }
        do throws(BinlogError) { try header.checkLength() } catch { throw damaged(error) }
        guard header.eventBytes <= end - offset else { throw damaged(.truncated) }
        if buffer.count - at < header.eventBytes { try fill(max(Self.chunkBytes, header.eventBytes)) }
        guard header.eventBytes <= buffer.count - at else { throw damaged(.truncated) }
        let event = Event(path: path, header: header, offset: offset, bytes: buffer[at..<(at + header.eventBytes)])
        at += header.eventBytes
        offset += header.eventBytes
        return event
    }

    /// Where a sound event begins at or behind `start`, whatever is before it; nil: there is none.
    static func soundEvent(in path: String, from start: Int) throws(JournalProblem) -> Int? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        defer { close(descriptor) }
        let search = SoundEventSearch(checksum: Digests.crc32)
        var offset = start
        while true {
            let chunk = try DiskFile.read(descriptor, path, from: offset, count: chunkBytes + SoundEventSearch.eventBytesMax)
            if chunk.isEmpty { return nil }
            if let found = chunk.withUnsafeBytes({ search.first(in: $0, places: chunkBytes) }) { return offset + found }
            offset += chunkBytes
        }
    }

    private func damaged(_ error: BinlogError) -> JournalProblem { .damaged(file: path, JournalFault(error: error, offset: UInt64(offset))) }

    private mutating func fill(_ count: Int) throws(JournalProblem) {
        buffer = try read(min(count, end - offset), from: offset)
        at = 0
    }

    /// Fewer bytes than `count` where the file ends.
    private func read(_ count: Int, from offset: Int) throws(JournalProblem) -> [UInt8] {
        try DiskFile.read(descriptor, path, from: offset, count: count)
    }
}

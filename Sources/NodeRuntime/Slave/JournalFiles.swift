import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Glibc
import Replication

/// What can be wrong with a journal's files.
enum JournalProblem: Error, Sendable, CustomStringConvertible {
    case system(String, SystemError)
    case damaged(file: String, JournalFault)
    case notContiguous

    var description: String {
        switch self {
        case .system(let file, let error) where error.code == ENOSPC || error.code == EDQUOT:
            "the disk is full: \(file) could not be written (\(error)); free space on it, the node goes on by itself"
        case .system(let file, let error): "\(file): \(error)"
        case .damaged(let file, let fault): "\(file) is damaged \(fault)"
        case .notContiguous: "the journal's files do not follow on one another"
        }
    }
}

/// What is to be done to the journal, in order.
enum JournalCommand: Sendable {
    case format(FormatDescription)
    case append([UInt8], through: GTID?, wholeBytes: Int)
    case dropOpenGroup

    var bytes: Int { if case .append(let bytes, _, _) = self { bytes.count } else { 64 } }
}

/// The journal's files: an append-only copy of the master's events in MariaDB's binlog file format.
///
/// Not safe for more than one thread: one serial queue owns it.
final class JournalFiles: @unchecked Sendable {
    private let directory: String
    private let segmentBytes: Int
    private var index: JournalIndex
    private var descriptor: Int32 = -1
    private var format: FormatDescription?
    /// Bytes in the newest file, and how many of them come up to the end of its last whole transaction.
    private var size = 0
    private var wholeSize = 0
    private var last: Position
    private var durableSize = 0
    private var durableLast: Position
    private(set) var failures = 0

    private init(directory: String, segmentBytes: Int, index: JournalIndex, start: Position) {
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.index = index
        last = index.last ?? start
        durableLast = last
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    // MARK: Opening

    /// Opens the journal that is there and cuts a torn tail off; nil index entries mean that there was none.
    static func open(directory: String, segmentBytes: Int) throws(JournalProblem) -> (JournalFiles, JournalIndex) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system(directory, SystemError("mkdir")) }
        var segments: [JournalSegment] = []
        var format: FormatDescription?
        let numbers = try segmentNumbers(directory)
        for number in numbers {
            let (segment, found) = try scan(directory, number, isNewest: number == numbers.last)
            guard let segment else {
                // A crash came between the file's creation and its head's arrival on disk: nothing was acknowledged from it.
                guard number == numbers.last else { throw .notContiguous }
                unlink(path(directory, JournalSegment(number: number, after: .start, last: .start, bytes: 0)))
                break
            }
            segments.append(segment)
            format = found
        }
        guard let index = JournalIndex(segments) else { throw .notContiguous }
        let files = JournalFiles(directory: directory, segmentBytes: segmentBytes, index: index, start: .start)
        if let newest = segments.last { try files.reopen(newest, format) }
        return (files, index)
    }

    private static func segmentNumbers(_ directory: String) throws(JournalProblem) -> [UInt32] {
        guard let handle = opendir(directory) else { throw .system(directory, SystemError("opendir")) }
        defer { closedir(handle) }
        var numbers: [UInt32] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
            if name.hasPrefix("journal."), let number = UInt32(name.dropFirst(8)) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    private static func path(_ directory: String, _ segment: JournalSegment) -> String { directory + "/" + segment.fileName }

    /// Reads one file through. What is damaged behind the newest file's head counts as torn off: a crash leaves blocks that never came to the disk.
    private static func scan(_ directory: String, _ number: UInt32, isNewest: Bool) throws(JournalProblem) -> (JournalSegment?, FormatDescription?) {
        var segment = JournalSegment(number: number, after: .start, last: .start, bytes: 0)
        let path = path(directory, segment)
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        defer { close(descriptor) }
        var scanner = JournalScanner(checksum: Digests.crc32)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw .system(path, SystemError("read")) }
            if count == 0 { break }
            do throws(JournalFault) {
                try buffer.withUnsafeBytes { bytes in
                    Result { () throws(JournalFault) in try scanner.scan(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
                }.get()
            } catch {
                guard isNewest, scanner.summary.stateAtHead != nil else { throw .damaged(file: path, error) }
                break
            }
        }
        let found = scanner.summary
        guard found.formatDescription != nil, let state = found.stateAtHead else { return (nil, nil) }
        segment = JournalSegment(
            number: number, after: Position(state.first { $0.domain == 0 }), last: Position(found.last ?? state.first { $0.domain == 0 }),
            bytes: Int(found.validBytes))
        return (segment, found.formatDescription)
    }

    private func reopen(_ segment: JournalSegment, _ format: FormatDescription?) throws(JournalProblem) {
        let path = Self.path(directory, segment)
        descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        guard ftruncate(descriptor, segment.bytes) == 0, fsync(descriptor) == 0 else { throw .system(path, SystemError("ftruncate")) }
        self.format = format
        size = segment.bytes
        wholeSize = size
        durableSize = size
    }

    // MARK: Writing

    /// Does the commands. After an error the journal ends where it was durable before. `failures`: how many the caller has heard of; commands given
    /// before it heard of the last one follow on what is lost, and are left out.
    func write(_ commands: [JournalCommand], failures known: Int = 0) -> JournalProblem? {
        guard known == failures else { return nil }
        return orRollBack { () throws(JournalProblem) in for command in commands { try perform(command) } }
    }

    /// Makes the whole transactions durable. After an error the journal ends where it was durable before.
    func makeDurable() -> JournalProblem? {
        orRollBack { () throws(JournalProblem) in try sync() }
    }

    private func orRollBack(_ body: () throws(JournalProblem) -> Void) -> JournalProblem? {
        do throws(JournalProblem) {
            try body()
            return nil
        } catch {
            failures += 1
            rollBack()
            return error
        }
    }

    private func perform(_ command: JournalCommand) throws(JournalProblem) {
        switch command {
        case .format(let new):
            if descriptor >= 0, format?.served == new.served { return }
            try beginSegment(new)
        case .append(let bytes, let through, let wholeBytes):
            if size == wholeSize, size >= segmentBytes, let format { try beginSegment(format) }
            try Self.write(bytes, to: descriptor, currentPath)
            size += bytes.count
            if let through {
                wholeSize = size - bytes.count + wholeBytes
                last = Position(through)
            }
        case .dropOpenGroup:
            guard descriptor >= 0, size > wholeSize else { return }
            guard ftruncate(descriptor, wholeSize) == 0 else { throw .system(currentPath, SystemError("ftruncate")) }
            size = wholeSize
        }
    }

    private var currentPath: String { index.segments.last.map { Self.path(directory, $0) } ?? directory }

    /// The new file's head is on disk before anything knows of the file.
    private func beginSegment(_ format: FormatDescription) throws(JournalProblem) {
        try sync()
        let segment = JournalSegment(number: (index.segments.last?.number ?? 0) + 1, after: last, last: last, bytes: 0)
        let path = Self.path(directory, segment)
        let opened = Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw .system(path, SystemError("open")) }
        var head: [UInt8] = [0xfe, 0x62, 0x69, 0x6e]
        head += format.served
        head += ArtificialEvent.gtidList(last.gtid.map { [$0] } ?? [], serverID: last.gtid?.server ?? 1, checksum: Digests.crc32)
        do throws(JournalProblem) {
            try Self.write(head, to: opened, path)
            guard fsync(opened) == 0 else { throw .system(path, SystemError("fsync")) }
            try syncDirectory()
        } catch {
            close(opened)
            unlink(path)
            throw error
        }
        if descriptor >= 0 { close(descriptor) }
        descriptor = opened
        self.format = format
        (size, wholeSize, durableSize) = (head.count, head.count, head.count)
        index.began(segment)
        index.grew(to: last, bytes: size)
    }

    private func syncDirectory() throws(JournalProblem) {
        let handle = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if handle >= 0 { close(handle) } }
        guard handle >= 0, fsync(handle) == 0 else { throw .system(directory, SystemError("fsync")) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(JournalProblem) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(path, SystemError("write"))
            }
            done += count
        }
    }

    private func sync() throws(JournalProblem) {
        guard descriptor >= 0, durableSize < wholeSize else { return }
        guard fdatasync(descriptor) == 0 else { throw .system(currentPath, SystemError("fdatasync")) }
        durableSize = wholeSize
        durableLast = last
        index.grew(to: last, bytes: wholeSize)
    }

    private func rollBack() {
        guard descriptor >= 0 else { return }
        _ = ftruncate(descriptor, durableSize)
        size = durableSize
        wholeSize = durableSize
        last = index.last ?? durableLast
    }

    /// The files as they are durable.
    var durableIndex: JournalIndex { index }

    /// The files as a reader finds them: the whole transactions that were written.
    var writtenIndex: JournalIndex {
        guard descriptor >= 0, durableSize < wholeSize else { return index }
        var written = index
        written.grew(to: last, bytes: wholeSize)
        return written
    }

    /// The last transaction that is durable.
    var durablePosition: Position { index.last ?? durableLast }

    // MARK: Forgetting

    /// Removes the files that hold nothing past `position`, oldest first; the newest stays.
    func purge(upTo position: Position) {
        for segment in index.purge(upTo: position) { unlink(Self.path(directory, segment)) }
    }

    /// Removes everything; the journal begins anew after `position`.
    func startOver(after position: Position) throws(JournalProblem) {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        // Newest first: a crash in between leaves a contiguous journal.
        for segment in index.segments.reversed() {
            let path = Self.path(directory, segment)
            guard unlink(path) == 0 || errno == ENOENT else { throw .system(path, SystemError("unlink")) }
        }
        try syncDirectory()
        index = .empty
        format = nil
        (size, wholeSize, durableSize) = (0, 0, 0)
        last = position
        durableLast = position
    }
}

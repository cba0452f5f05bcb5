import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Failover
import Glibc
import Replication

/// What is to be done to the journal, in order.
enum JournalCommand: Sendable {
    case format(FormatDescription)
    /// The transactions that are whole with these bytes are of one writer; `through` is the last of them.
    case append([UInt8], through: GTID?, wholeBytes: Int)
    case dropOpenGroup

    var bytes: Int { if case .append(let bytes, _, _) = self { bytes.count } else { 64 } }
}

/// What the loop's side knows of the files.
struct JournalState: Equatable, Sendable {
    /// The files as a reader finds them: the whole transactions that were written.
    var index: JournalIndex
    var written: Position
    var durable: Position
    /// Who wrote what is written, and what came before it.
    var history: LogHistory
    /// Nothing ever was in it, nor was it told where to begin.
    var isNew: Bool
    /// What the node once acknowledged to hold.
    var promise: JournalMark.Promise
    /// What was wrong with the files when they were looked through last.
    var findings: [JournalFinding]
}

/// The journal's files: an append-only copy of the master's events in MariaDB's binlog file format.
///
/// Not safe for more than one thread: one serial queue owns it.
final class JournalFiles: @unchecked Sendable {
    /// So many of the newest writers a file's head names: the scanner holds no larger one.
    static let headWritersMax = 2000
    private static let aheadBytes = 1 << 20
    /// What a sync may have to write, to be a short one.
    private static let shortBytesMax = 256 << 10

    let directory: String
    private(set) var findings: [JournalFinding]
    private let mark: JournalMark
    private let segmentBytes: Int
    /// The files as they are durable.
    private(set) var index: JournalIndex
    private var descriptor: Int32 = -1
    private var format: FormatDescription?
    /// Bytes in the newest file, and how many of them come up to the end of its last whole transaction.
    private var size = 0
    private var wholeSize = 0
    /// The newest file reaches so far, with zeros behind `size`: a sync that need not make a file longer takes about half the time.
    private var reach = 0
    private var last: Position
    private var durableSize = 0
    private var durableLast: Position
    /// Ends at `last`.
    private(set) var history: LogHistory
    private var isNew: Bool
    private(set) var failures = 0

    private init(_ opening: JournalOpening, segmentBytes: Int, start: LogHistory?) throws(JournalProblem) {
        directory = opening.directory
        mark = opening.mark
        findings = opening.findings
        self.segmentBytes = segmentBytes
        guard let index = JournalIndex(opening.segments) else { throw .notContiguous }
        self.index = index
        isNew = index.last == nil && start == nil
        history = start ?? opening.history
        if let last = index.last, history.end != last { history = LogHistory(state: last.gtid.map { [$0] } ?? []) }
        last = index.last ?? history.end
        durableLast = last
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    // MARK: Opening

    /// Opens the journal that is there, and makes it sound: `findings` says what was wrong. `isMarked`: there was one with a mark beside it before.
    static func open(directory: String, segmentBytes: Int, isMarked: Bool = false) throws(JournalProblem) -> (JournalFiles, JournalIndex) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system(directory, SystemError("mkdir")) }
        var opening = JournalOpening(directory, try JournalMark(directory + ".mark", isExpected: isMarked))
        try opening.run()
        let start = opening.segments.isEmpty ? try opening.readStart() : nil
        let files = try JournalFiles(opening, segmentBytes: segmentBytes, start: start)
        if let newest = opening.segments.last {
            try files.reopen(newest, opening.format)
            try files.syncNewest()
            JournalStart.forget(directory)
        }
        try files.beginMark(opening)
        return (files, files.index)
    }

    /// As at an opening, with the same mark.
    func lookThrough() throws(JournalProblem) {
        try finishWriting()
        var opening = JournalOpening(directory, mark)
        try opening.run()
        guard let index = JournalIndex(opening.segments) else { throw .notContiguous }
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        (self.index, findings) = (index, opening.findings)
        if let newest = opening.segments.last {
            try reopen(newest, opening.format)
            try syncNewest()
        } else {
            // The database tells where it begins.
            (format, isNew) = (nil, true)
            (size, wholeSize, durableSize) = (0, 0, 0)
        }
        history = opening.history
        last = index.last ?? .start
        durableLast = last
    }

    private func beginMark(_ opening: JournalOpening) throws(JournalProblem) {
        switch mark.found {
        case .sound: try mark.note(last)
        // What an earlier version acknowledged is what is here, unless some of it is lost.
        case .none: try mark.begin(opening.hasDamage ? .unknown : .upTo(last))
        case .missing, .damaged: try mark.begin(.unknown)
        }
    }

    static func path(_ directory: String, _ segment: JournalSegment) -> String { directory + "/" + segment.fileName }

    /// Opens the newest file to be written on; what is past its end goes.
    private func reopen(_ segment: JournalSegment, _ format: FormatDescription?) throws(JournalProblem) {
        if descriptor >= 0 { close(descriptor) }
        let path = Self.path(directory, segment)
        descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        self.format = format
        (size, wholeSize, durableSize) = (segment.bytes, segment.bytes, segment.bytes)
        try shorten(to: segment.bytes, path)
    }

    private func shorten(to bytes: Int, _ path: String) throws(JournalProblem) {
        guard ftruncate(descriptor, bytes) == 0 else { throw .system(path, SystemError("ftruncate")) }
        reach = bytes
    }

    /// Zeros ahead of what is written. Where there is no room for them, what is written will tell.
    private func reachAhead(of bytes: Int) {
        guard bytes <= Self.aheadBytes / 4, size + bytes > reach else { return }
        let start = max(size, reach)
        let zeros = [UInt8](repeating: 0, count: Self.aheadBytes)
        do throws(JournalProblem) {
            try DiskFile.write(zeros, to: descriptor, at: start, currentPath)
            reach = start + zeros.count
        } catch {
            _ = ftruncate(descriptor, size)
            reach = size
        }
    }

    private func syncNewest() throws(JournalProblem) {
        guard fsync(descriptor) == 0 else { throw .system(currentPath, SystemError("fsync")) }
    }

    // MARK: Writing

    /// Does the commands. After an error the journal ends where it was durable before. `failures`: how many the caller has heard of; commands given
    /// before it heard of the last one follow on what is lost, and are left out.
    ///
    /// `isAwaited`: each will be synced at once.
    func write(_ commands: [JournalCommand], failures known: Int = 0, isAwaited: Bool = false) -> JournalProblem? {
        guard known == failures else { return nil }
        return orRollBack { () throws(JournalProblem) in for command in commands { try perform(command, isAwaited: isAwaited) } }
    }

    /// Whether there is something whole to be synced.
    var isBehind: Bool { descriptor >= 0 && durableSize < wholeSize }

    /// Whether these go into the newest file, and the sync behind them has little to write.
    func isShort(_ commands: [JournalCommand]) -> Bool {
        let isSameFormat = commands.allSatisfy { if case .format(let new) = $0 { new.served == format?.served } else { true } }
        let end = commands.reduce(size) { $0 + $1.bytes }
        return descriptor >= 0 && isSameFormat && end < segmentBytes && end - durableSize <= Self.shortBytesMax
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

    private func perform(_ command: JournalCommand, isAwaited: Bool = false) throws(JournalProblem) {
        switch command {
        case .format(let new):
            if descriptor >= 0, format?.served == new.served { return }
            try beginSegment(new)
        case .append(let bytes, let through, let wholeBytes):
            if size == wholeSize, size >= segmentBytes, let format { try beginSegment(format) }
            if isAwaited { reachAhead(of: bytes.count) }
            try DiskFile.write(bytes, to: descriptor, at: size, currentPath)
            size += bytes.count
            reach = max(reach, size)
            if let through {
                wholeSize = size - bytes.count + wholeBytes
                last = Position(through)
                history.append(through)
            }
        case .dropOpenGroup:
            guard descriptor >= 0, size > wholeSize else { return }
            // What is left of it must never be read behind something shorter.
            try shorten(to: wholeSize, currentPath)
            size = wholeSize
        }
    }

    private var currentPath: String { index.segments.last.map { Self.path(directory, $0) } ?? directory }

    /// The new file's head is on disk before anything knows of the file.
    private func beginSegment(_ format: FormatDescription) throws(JournalProblem) {
        try sync()
        if descriptor >= 0, reach > wholeSize {
            try shorten(to: wholeSize, currentPath)
            try syncNewest()
        }
        let segment = JournalSegment(number: (index.segments.last?.number ?? 0) + 1, after: last, last: last, bytes: 0)
        let path = Self.path(directory, segment)
        let opened = Glibc.open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw .system(path, SystemError("open")) }
        var head: [UInt8] = [0xfe, 0x62, 0x69, 0x6e]
        head += format.served
        head += ArtificialEvent.gtidList(Array(history.state.suffix(Self.headWritersMax)), serverID: last.gtid?.server ?? 1, checksum: Digests.crc32)
        do throws(JournalProblem) {
            try DiskFile.write(head, to: opened, at: 0, path)
            guard fsync(opened) == 0 else { throw .system(path, SystemError("fsync")) }
            try DiskFile.syncDirectory(directory)
        } catch {
            close(opened)
            unlink(path)
            throw error
        }
        if descriptor >= 0 { close(descriptor) }
        descriptor = opened
        self.format = format
        (size, wholeSize, durableSize) = (head.count, head.count, head.count)
        reach = size
        index.began(segment)
        index.grew(to: last, bytes: size)
        isNew = false
        if index.segments.count == 1 { JournalStart.forget(directory) }
    }

    private func sync() throws(JournalProblem) {
        guard isBehind else { return }
        guard fdatasync(descriptor) == 0 else { throw .system(currentPath, SystemError("fdatasync")) }
        try mark.note(last)
        durableSize = wholeSize
        durableLast = last
        index.grew(to: last, bytes: wholeSize)
    }

    private func rollBack() {
        guard descriptor >= 0 else { return }
        if ftruncate(descriptor, durableSize) != 0 {
            // What is left behind the end could be taken for transactions later: nothing more is written before the file was read anew.
            close(descriptor)
            descriptor = -1
        }
        reach = durableSize
        size = durableSize
        wholeSize = durableSize
        last = index.last ?? durableLast
        history.cut(to: last)
    }

    var state: JournalState {
        var written = index
        if isBehind { written.grew(to: last, bytes: wholeSize) }
        return JournalState(
            index: written, written: last, durable: index.last ?? durableLast, history: history, isNew: isNew, promise: mark.promise,
            findings: findings)
    }

    // MARK: Forgetting

    /// Removes the files that hold nothing past `position`, oldest first; the newest stays.
    func purge(upTo position: Position) {
        for segment in index.purge(upTo: position) { unlink(Self.path(directory, segment)) }
    }

    /// Removes everything; the journal begins anew after `position`. `history` is that of what comes before; one that does not end there is not used,
    /// and then nothing older than `position` is known.
    func startOver(after position: Position, history before: LogHistory? = nil) throws(JournalProblem) {
        let known = before.flatMap { $0.end == position ? $0 : nil } ?? LogHistory(state: position.gtid.map { [$0] } ?? [])
        // First of all: as long as there is a file of the journal it does not count, and without one it must be there.
        try JournalStart.write(directory, Array(known.state.suffix(Self.headWritersMax)))
        try orSettle { () throws(JournalProblem) in try removeFiles(keeping: 0) }
        index = .empty
        format = nil
        (size, wholeSize, durableSize) = (0, 0, 0)
        last = position
        durableLast = position
        history = known
        isNew = false
        try mark.note(position)
    }

    // MARK: What was acknowledged

    /// What the node acknowledged beyond `position` is the cluster's no more, or is counted by nobody: it is taken back, durably.
    func promise(only position: Position) throws(JournalProblem) { try mark.set(.upTo(position)) }

    /// How far the node acknowledged is known to nobody, durably.
    func forgetPromise() throws(JournalProblem) { try mark.set(.unknown) }

    /// What is durable is promised again.
    func noteDurable() throws(JournalProblem) { try mark.note(state.durable) }

    /// Brings the mark to the disk; may be called from another thread.
    func syncMark() throws(JournalProblem) { try mark.sync() }

    // MARK: Cutting

    /// Makes what is whole durable, and drops the rest.
    func finishWriting() throws(JournalProblem) {
        try sync()
        try perform(.dropOpenGroup)
    }

    /// Ends the journal at `position`, whose end in the file number `number` is at `bytes`. That must be durable, and the files whole.
    func cutFiles(_ number: UInt32, to position: Position, bytes: Int, _ format: FormatDescription?) throws(JournalProblem) {
        guard let at = index.segments.firstIndex(where: { $0.number == number }) else { preconditionFailure("a cut is in one of the files") }
        try orSettle { () throws(JournalProblem) in
            try removeFiles(keeping: at + 1)
            let held = index.segments[at]
            try reopen(JournalSegment(number: number, after: held.after, last: position, bytes: bytes), format)
            index.grew(to: position, bytes: bytes)
            try syncNewest()
        }
        settle(at: position)
    }

    /// Newest first: a crash in between leaves a contiguous journal.
    private func removeFiles(keeping count: Int) throws(JournalProblem) {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        while index.segments.count > count, let newest = index.segments.last {
            let path = Self.path(directory, newest)
            guard unlink(path) == 0 || errno == ENOENT else { throw .system(path, SystemError("unlink")) }
            index.removeNewest()
        }
        try DiskFile.syncDirectory(directory)
    }

    /// After an error the journal ends where its files do.
    private func orSettle(_ body: () throws(JournalProblem) -> Void) throws(JournalProblem) {
        do throws(JournalProblem) {
            try body()
        } catch {
            // Without its format: what comes next begins a file of its own.
            if let newest = index.segments.last { do throws(JournalProblem) { try reopen(newest, nil) } catch {} }
            settle(at: index.last ?? last)
            throw error
        }
    }

    private func settle(at position: Position) {
        last = position
        durableLast = position
        history.cut(to: position)
    }
}

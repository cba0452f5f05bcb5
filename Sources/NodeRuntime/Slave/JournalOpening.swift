import BinlogFormat
import ClusterModel
import EventLoop
import Failover
import Glibc
import Replication

/// What was found wrong with the journal's files at their opening, and done about it.
struct JournalFinding: Equatable, Sendable, CustomStringConvertible {
    enum Kind: Equatable, Sendable {
        /// A crash left something behind the newest file's end; it was cut off.
        case tornEnd
        /// What counts ends before the damage; it, and what comes behind it, is kept in that folder.
        case damage(keptIn: String)
        /// Where an empty journal begins is not known any more: the database has to tell.
        case startLost
        /// How far the journal was acknowledged is not known any more.
        case markLost
    }

    let kind: Kind
    let file: String
    /// Where in the file, in bytes.
    let offset: Int
    /// How many are no part of the journal any more, in all files.
    let bytes: Int
    let why: String

    var description: String { "\(file) at byte \(offset): \(why)" }
}

/// Reads a journal's files and makes them sound: a torn end goes; behind damage nothing counts, and what is there is moved out of the way, so that
/// the node can fetch it again from another. Whether it lacks then what it once acknowledged, `JournalMark` tells.
struct JournalOpening {
    /// So many of the newest folders with damaged files are kept.
    static let keptMax = 3

    let directory: String
    let mark: JournalMark
    private(set) var segments: [JournalSegment] = []
    private(set) var format: FormatDescription?
    private(set) var history = LogHistory(isComplete: true)
    private(set) var findings: [JournalFinding] = []

    init(_ directory: String, _ mark: JournalMark) {
        self.directory = directory
        self.mark = mark
        switch mark.found {
        case .none, .sound: break
        case .missing: markLost("it is gone")
        case .damaged: markLost("it is damaged")
        }
    }

    private mutating func markLost(_ why: String) {
        findings.append(JournalFinding(kind: .markLost, file: mark.path, offset: 0, bytes: 0, why: why))
    }

    /// Something is lost that was acknowledged, as far as the files tell.
    var hasDamage: Bool {
        findings.contains {
            switch $0.kind {
            case .damage, .startLost: true
            case .tornEnd, .markLost: false
            }
        }
    }

    /// Where a journal without a file begins; nil: that was never told.
    mutating func readStart() throws(JournalProblem) -> LogHistory? {
        do throws(JournalProblem) { return try JournalStart.read(directory) } catch {
            guard case .badStart(let file, let why) = error else { throw error }
            findings.append(JournalFinding(kind: .startLost, file: file, offset: 0, bytes: 0, why: why))
            JournalStart.forget(directory)
            return nil
        }
    }

    mutating func run() throws(JournalProblem) {
        let numbers = try DiskFile.names(in: directory).compactMap { $0.hasPrefix("journal.") ? UInt32($0.dropFirst(8)) : nil }.sorted()
        for (place, number) in numbers.enumerated() {
            guard try take(number, behind: numbers[(place + 1)...]) else { return }
        }
    }

    /// False: nothing more counts.
    private mutating func take(_ number: UInt32, behind: ArraySlice<UInt32>) throws(JournalProblem) -> Bool {
        let scanned = try ScannedSegment(directory, number)
        if let previous = segments.last {
            guard previous.number + 1 == number else {
                return try damaged(scanned, keeping: false, at: 0, "the file before it is missing: journal files are numbered without gaps", behind)
            }
            guard !scanned.hasHead || scanned.segment.after == previous.last else {
                let why = "it goes on after \(scanned.segment.after), and the file before it ends with \(previous.last)"
                return try damaged(scanned, keeping: false, at: 0, why, behind)
            }
        }
        switch scanned.end {
        case .whole where scanned.hasHead && (behind.isEmpty || scanned.segment.bytes == scanned.size): break
        case .whole where !behind.isEmpty:
            return try damaged(scanned, keeping: scanned.hasHead, at: scanned.segment.bytes, "it ends in zeros", behind)
        case .whole: return try removeHeadless(scanned, at: scanned.segment.bytes, "its head is not whole")
        case .torn(let at, let why) where !behind.isEmpty: return try damaged(scanned, keeping: scanned.hasHead, at: at, why, behind)
        case .torn(let at, let why) where !scanned.hasHead: return try removeHeadless(scanned, at: at, why)
        case .torn(let at, let why): torn(scanned, at: at, why)
        case .damaged(let at, let why) where behind.isEmpty && scanned.hasHead && isLeftByTheMachine(scanned): torn(scanned, at: at, why)
        case .damaged(let at, let why): return try damaged(scanned, keeping: scanned.hasHead, at: at, why, behind)
        }
        add(scanned)
        return true
    }

    private mutating func add(_ scanned: ScannedSegment) {
        let found = scanned.summary
        // A head that an earlier version wrote tells less than the files before it, and never more than a later one's.
        let head = LogHistory(state: found.stateAtHead ?? [])
        if segments.isEmpty || head.runs.count > history.runs.count { history = head }
        for gtid in found.runs where gtid.domain == 0 && gtid.sequence > history.end.sequence { history.append(gtid) }
        segments.append(scanned.segment)
        format = found.formatDescription
    }

    /// The machine's end leaves blocks that never came to the disk before others that did; but what was acknowledged is on it in whole.
    private func isLeftByTheMachine(_ scanned: ScannedSegment) -> Bool {
        mark.isOfEarlierStart && LogEnd(scanned.segment.last) >= mark.promise.logEnd
    }

    private mutating func torn(_ scanned: ScannedSegment, at offset: Int, _ why: String) {
        let bytes = scanned.size - scanned.segment.bytes
        findings.append(JournalFinding(kind: .tornEnd, file: scanned.path, offset: offset, bytes: bytes, why: why))
    }

    /// A crash came between the newest file's creation and its head's arrival on disk: nothing was acknowledged from it.
    private mutating func removeHeadless(_ scanned: ScannedSegment, at offset: Int, _ why: String) throws(JournalProblem) -> Bool {
        guard unlink(scanned.path) == 0 else { throw .system(scanned.path, SystemError("unlink")) }
        torn(scanned, at: offset, why)
        return false
    }

    // MARK: Damage

    /// What is sound before the damage stays, if `keeping`; the damaged file and those behind it are kept elsewhere, newest first: after a crash in
    /// between it is all found again.
    private mutating func damaged(
        _ scanned: ScannedSegment, keeping: Bool, at offset: Int, _ why: String, _ behind: ArraySlice<UInt32>
    ) throws(JournalProblem) -> Bool {
        // Nobody must take what is left for all that there was.
        if !mark.isBegun { try mark.begin(.unknown) }
        let folder = try makeFolder()
        var bytes = scanned.size - (keeping ? scanned.segment.bytes : 0)
        for number in behind.reversed() {
            let path = JournalFiles.path(directory, JournalSegment(number: number, after: .start, last: .start, bytes: 0))
            var status = stat()
            if stat(path, &status) == 0 { bytes += Int(status.st_size) }
            try move(path, to: folder)
        }
        if keeping { try copy(scanned, to: folder) } else { try move(scanned.path, to: folder) }
        try DiskFile.syncDirectory(folder)
        try DiskFile.syncDirectory(directory)
        if keeping { add(scanned) }
        findings.append(JournalFinding(kind: .damage(keptIn: folder), file: scanned.path, offset: offset, bytes: bytes, why: why))
        return false
    }

    private var keptDirectory: String { TextFile.parent(of: directory) + "/cut-off" }

    private func makeFolder() throws(JournalProblem) -> String {
        let kept = keptDirectory
        guard mkdir(kept, 0o700) == 0 || errno == EEXIST else { throw .system(kept, SystemError("mkdir")) }
        let earlier = try DiskFile.names(in: kept).compactMap { $0.hasPrefix("damaged-") ? Int($0.dropFirst(8)) : nil }.sorted()
        for number in earlier.dropLast(Self.keptMax - 1) { try remove("\(kept)/damaged-\(number)") }
        let folder = "\(kept)/damaged-\((earlier.last ?? 0) + 1)"
        guard mkdir(folder, 0o700) == 0 else { throw .system(folder, SystemError("mkdir")) }
        try DiskFile.syncDirectory(kept)
        return folder
    }

    private func remove(_ folder: String) throws(JournalProblem) {
        for name in try DiskFile.names(in: folder) { unlink("\(folder)/\(name)") }
        guard rmdir(folder) == 0 else { throw .system(folder, SystemError("rmdir")) }
    }

    private func move(_ path: String, to folder: String) throws(JournalProblem) {
        let new = folder + path[(path.lastIndex(of: "/") ?? path.startIndex)...]
        guard rename(path, new) == 0 else { throw .system(new, SystemError("rename")) }
    }

    private func copy(_ scanned: ScannedSegment, to folder: String) throws(JournalProblem) {
        let new = folder + scanned.path[(scanned.path.lastIndex(of: "/") ?? scanned.path.startIndex)...]
        let (from, to) = (open(scanned.path, O_RDONLY | O_CLOEXEC), open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        defer {
            if from >= 0 { close(from) }
            if to >= 0 { close(to) }
        }
        guard from >= 0, to >= 0 else { throw .system(new, SystemError("open")) }
        var (done, chunk) = (0, [UInt8](repeating: 0, count: 1 << 20))
        while done < scanned.size {
            let count = read(from, &chunk, chunk.count)
            guard count > 0 else { throw .system(scanned.path, SystemError("read", count == 0 ? EIO : errno)) }
            try DiskFile.write(Array(chunk[..<count]), to: to, at: done, new)
            done += count
        }
        guard fsync(to) == 0 else { throw .system(new, SystemError("fsync")) }
    }
}

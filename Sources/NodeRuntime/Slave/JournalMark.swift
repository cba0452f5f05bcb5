import ClusterModel
import Digests
import EventLoop
import Failover
import Glibc

/// What a node once acknowledged to hold, in a file beside its journal: a journal that became shorter is noticed, be it that a whole file is gone.
///
/// One record of fixed length in the file's first sector, replaced in place after each sync of the journal and before that is told to anybody. The
/// record itself is synced a second later at most: until then only the machine's end can take it back, to what it was before.
///
/// Not safe for more than one thread, but for `sync()`.
final class JournalMark: @unchecked Sendable {
    enum Promise: Hashable, Sendable {
        case upTo(Position)
        /// The record is lost or damaged: nobody knows.
        case unknown

        /// What votes go by.
        var logEnd: LogEnd {
            switch self {
            case .upTo(let position): LogEnd(position)
            case .unknown: .unknown
            }
        }

        /// What another slave's copy must have at least; whether nobody knows.
        var floor: (position: Position, isUnknown: Bool) {
            switch self {
            case .upTo(let position): (position, false)
            case .unknown: (.start, true)
            }
        }
    }

    /// How the record was found.
    enum Found: Equatable {
        /// There was none, and should be none: the journal is new, or an earlier version's.
        case none
        case sound
        case missing
        case damaged
    }

    static let recordBytes = 128

    let path: String
    let found: Found
    private(set) var promise: Promise
    /// The file holds a record that says so.
    private(set) var isBegun: Bool
    /// The machine went down since it was written: then the record may be older than what was acknowledged last, never newer.
    let isOfEarlierStart: Bool
    private let start: String
    private let descriptor: Int32

    /// - Parameter isExpected: there was one before.
    init(_ path: String, isExpected: Bool) throws(JournalProblem) {
        self.path = path
        let now = MachineStart.id ?? "-"
        start = now
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        var bytes = [UInt8](repeating: 0, count: Self.recordBytes + 1)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else {
            let failure = SystemError("read")
            close(descriptor)
            throw .system(path, failure)
        }
        let record = Self.parse(bytes[..<count])
        isOfEarlierStart = record.map { $0.start != "-" && now != "-" && $0.start != now } ?? false
        promise = record?.promise ?? .unknown
        isBegun = record != nil
        found = record != nil ? .sound : count > 0 ? .damaged : isExpected ? .missing : .none
    }

    deinit { close(descriptor) }

    // MARK: The record

    private static func parse(_ bytes: ArraySlice<UInt8>) -> (start: String, promise: Promise)? {
        guard bytes.count == recordBytes, bytes.last == UInt8(ascii: "\n") else { return nil }
        let words = String(decoding: bytes.dropLast(), as: UTF8.self).split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 4, words[0] == "acknowledged", Array(text(words[1...2]).utf8) == Array(bytes) else { return nil }
        switch words[1] {
        case "?": return (String(words[2]), .unknown)
        case "-": return (String(words[2]), .upTo(.start))
        default: return GTID(words[1]).map { (String(words[2]), .upTo(Position($0))) }
        }
    }

    /// `acknowledged <position> <start of the machine> <checksum>`, blanks, and a line's end.
    private static func text(_ words: ArraySlice<Substring>) -> String {
        let content = "acknowledged " + words.joined(separator: " ")
        let line = content + " " + CheckedText.checksum(content)
        return line + String(repeating: " ", count: max(0, recordBytes - 1 - line.utf8.count)) + "\n"
    }

    private func write(_ new: Promise) throws(JournalProblem) {
        let word =
            switch new {
            case .upTo(let position): position.description
            case .unknown: "?"
            }
        try DiskFile.write(Array(Self.text([word[...], start[...]]).utf8), to: descriptor, at: 0, path)
        promise = new
        isBegun = true
    }

    // MARK: Keeping it

    /// The journal holds everything up to there, durably: to be called before anybody hears of it. A mark that is beyond stays: the journal has to get
    /// there again first.
    func note(_ position: Position) throws(JournalProblem) {
        guard case .upTo(let old) = promise, old != position, LogEnd(old) <= LogEnd(position) else { return }
        try write(.upTo(position))
    }

    /// Replaces it, whatever it is, durably.
    func set(_ new: Promise) throws(JournalProblem) {
        try write(new)
        try sync()
    }

    /// The file is there from now on, durably.
    func begin(_ new: Promise) throws(JournalProblem) {
        try set(new)
        try DiskFile.syncDirectory(TextFile.parent(of: path))
    }

    /// May be called from another thread.
    func sync() throws(JournalProblem) {
        guard fdatasync(descriptor) == 0 else { throw .system(path, SystemError("fdatasync")) }
    }
}

import BinlogFormat
import CSystem
import ClusterModel
import Digests
import EventLoop
import Glibc

/// What was cut off a journal, as a binlog file: for whoever wants to look what it was that no node took over.
final class SavedTail {
    /// So many of the newest are kept in a directory.
    static let filesMax = 10
    private static let chunkBytes = 1 << 20

    private let path: String
    private let directory: String
    private let new: String
    private var descriptor: Int32
    private var gathered: [UInt8]
    private var written = 0
    private var format: FormatDescription

    /// `state`: what comes before. Nothing is at `path` before `finish`; what is there already stays, and the file gets a number.
    init(_ path: String, _ format: FormatDescription, after state: ArraySlice<GTID>) throws(JournalProblem) {
        self.path = path
        self.format = format
        directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        new = path + ".new"
        gathered = [0xfe, 0x62, 0x69, 0x6e] + format.served
        gathered += ArtificialEvent.gtidList(Array(state), serverID: state.last?.server ?? 1, checksum: Digests.crc32)
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system(directory, SystemError("mkdir")) }
        descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(new, SystemError("open")) }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(new)
        }
    }

    /// The events that follow are in this format.
    func begin(_ format: FormatDescription) {
        guard format.served != self.format.served else { return }
        self.format = format
        gathered += format.served
    }

    func add(_ event: ArraySlice<UInt8>) throws(JournalProblem) {
        gathered += event
        if gathered.count >= Self.chunkBytes { try flush() }
    }

    private func flush() throws(JournalProblem) {
        try DiskFile.write(gathered, to: descriptor, at: written, new)
        written += gathered.count
        gathered.removeAll(keepingCapacity: true)
    }

    /// Makes it durable and gives where it is.
    func finish() throws(JournalProblem) -> String {
        try flush()
        guard fsync(descriptor) == 0 else { throw .system(new, SystemError("fsync")) }
        let free = freePath()
        guard rename(new, free) == 0 else { throw .system(free, SystemError("rename")) }
        close(descriptor)
        descriptor = -1
        try DiskFile.syncDirectory(directory)
        try removeOldest()
        return free
    }

    /// A cut that a crash interrupted is done again with less to save: that must not replace what was saved first.
    private func freePath() -> String {
        let stem = path.hasSuffix(".binlog") ? String(path.dropLast(7)) : path
        let suffix = String(path.dropFirst(stem.count))
        var free = path
        var number = 1
        while access(free, F_OK) == 0 {
            number += 1
            free = "\(stem).\(number)\(suffix)"
        }
        return free
    }

    private func removeOldest() throws(JournalProblem) {
        let saved = try DiskFile.names(in: directory).filter { $0.hasSuffix(".binlog") }.map { name in
            var status = stat()
            stat("\(directory)/\(name)", &status)
            return (name: name, seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
        }
        let oldestFirst = saved.sorted { ($0.seconds, $0.nanoseconds, $0.name) < ($1.seconds, $1.nanoseconds, $1.name) }
        for old in oldestFirst.dropLast(Self.filesMax) { unlink("\(directory)/\(old.name)") }
    }
}

import BinlogFormat
import ClusterModel
import EventLoop
import Failover
import Glibc

/// The binlog of a database that is down.
struct BinlogFiles {
    let directory: String
    /// Oldest first.
    let paths: [String]
    /// The machine went down since they were written: what had not come to the disk may be missing before what had.
    private let mayHaveHoles: Bool

    init(_ directory: String, mayHaveHoles: Bool = false) throws(JournalProblem) {
        self.mayHaveHoles = mayHaveHoles
        self.directory = directory
        let list = directory + "/binlog.index"
        let text: String?
        do throws(SystemError) { text = try TextFile.read(list) } catch { throw .system(list, error) }
        paths = (text ?? "").split(separator: "\n").map { line in
            line.hasPrefix("/") ? String(line) : directory + "/" + (line.hasPrefix("./") ? line.dropFirst(2) : line)
        }
        guard !paths.isEmpty else { throw .noBinlog(directory: directory) }
    }

    /// The files from the one on that recovery begins at. Of what is in earlier ones all is in the tables for good.
    func sinceCheckpoint() throws(JournalProblem) -> ArraySlice<String> {
        for path in paths.reversed() {
            guard let named = try lastCheckpoint(in: path, isNewest: path == paths.last) else { continue }
            guard let first = paths.firstIndex(where: { $0.hasSuffix("/" + named) }) else { throw .checkpointMissing(file: path, named: named) }
            return paths[first...]
        }
        return paths[...]
    }

    /// Puts on disk what the database wrote last; it synced each file before it began the next.
    func syncNewest() throws(JournalProblem) {
        let path = paths[paths.count - 1]
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw .system(path, SystemError("fsync")) }
    }

    /// How the database writes now.
    func newestFormat() throws(JournalProblem) -> FormatDescription {
        var reader = try BinlogFileReader(paths[paths.count - 1])
        guard let event = try reader.next() else { throw .noStateAtHead(file: reader.path) }
        return try event.format()
    }

    private func lastCheckpoint(in path: String, isNewest: Bool) throws(JournalProblem) -> String? {
        var found: String?
        try forEachEvent(of: path, isNewest: isNewest) { event throws(JournalProblem) in
            guard event.header.type == .binlogCheckpoint else { return }
            found = try event.read { bytes throws(BinlogError) in try BinlogCheckpoint(event: bytes).file }
        }
        return found
    }

    /// What came before a file, as far as masters of a cluster wrote it.
    static func historyBefore(_ path: String) throws(JournalProblem) -> LogHistory {
        var reader = try BinlogFileReader(path)
        while let event = try reader.next(), event.header.type != .gtid {
            guard event.header.type == .gtidList else { continue }
            try event.checkChecksum()
            let list = try event.read { bytes throws(BinlogError) in try GTIDList(event: bytes) }
            return LogHistory(state: list.gtids.filter { $0.writer != nil })
        }
        throw .noStateAtHead(file: path)
    }

    /// Reads a file through. The newest one, and one whose writer died, may be torn: there it ends.
    func forEachEvent(
        of path: String, isNewest: Bool, _ body: (BinlogFileReader.Event) throws(JournalProblem) -> Void
    ) throws(JournalProblem) {
        var mayBeTorn = isNewest
        do throws(JournalProblem) {
            var reader = try BinlogFileReader(path)
            while let event = try reader.next() {
                if event.header.type == .formatDescription, event.header.flags & EventHeader.inUse != 0 { mayBeTorn = true }
                if event.header.type == .startEncryption { throw event.damaged(.encrypted) }
                try event.checkChecksum()
                try body(event)
            }
        } catch {
            guard mayBeTorn, case .damaged(_, let fault) = error, fault.error.isTear else { throw error }
            // Behind a torn end there is nothing sound.
            if !mayHaveHoles, try BinlogFileReader.soundEvent(in: path, from: Int(fault.offset)) != nil { throw error }
        }
    }
}

extension BinlogError {
    /// What a file's end looks like that never came to the disk as a whole.
    fileprivate var isTear: Bool {
        switch self {
        case .truncated, .tooLarge, .badChecksum, .badMagic, .malformed: true
        case .noFormatDescription, .encrypted, .unsupportedVersion, .checksumsOff, .outsideGroup, .groupInterrupted, .gap, .incident: false
        }
    }
}

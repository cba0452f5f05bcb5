import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Glibc
import Replication

/// A file of the journal, read through: how far it is sound, and what is behind that.
struct ScannedSegment {
    enum End: Equatable {
        /// Nothing is behind what counts, or nothing but the zeros that a file is kept longer by.
        case whole
        /// What counts is followed by something that no sound event follows: a crash leaves that. Why it is not sound.
        case torn(at: Int, String)
        /// Sound events stand behind what is not: no crash of the process leaves that.
        case damaged(at: Int, String)
    }

    private static let chunkBytes = 1 << 20

    let path: String
    /// Up to the last whole transaction before what is not sound.
    let segment: JournalSegment
    let summary: JournalSummary
    let size: Int
    let end: End

    /// The format and what came before it could be read.
    var hasHead: Bool { summary.formatDescription != nil && summary.stateAtHead != nil }

    init(_ directory: String, _ number: UInt32) throws(JournalProblem) {
        let path = JournalFiles.path(directory, JournalSegment(number: number, after: .start, last: .start, bytes: 0))
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, SystemError("open")) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(path, SystemError("fstat")) }
        self.path = path
        size = Int(status.st_size)
        var scanner = JournalScanner(checksum: Digests.crc32)
        let fault = try Self.scan(descriptor, path, &scanner)
        summary = scanner.summary
        end = try Self.end(scanner, fault, descriptor, path)
        let after = summary.stateAtHead?.filter { $0.domain == 0 }.map { Position($0) }.max() ?? .start
        segment = JournalSegment(number: number, after: after, last: summary.last.map { Position($0) } ?? after, bytes: Int(summary.validBytes))
    }

    private static func scan(_ descriptor: Int32, _ path: String, _ scanner: inout JournalScanner) throws(JournalProblem) -> JournalFault? {
        var offset = 0
        while true {
            let chunk = try DiskFile.read(descriptor, path, from: offset, count: chunkBytes)
            if chunk.isEmpty { return nil }
            offset += chunk.count
            var moved = scanner
            defer { scanner = moved }
            do throws(JournalFault) {
                try chunk.withUnsafeBytes { bytes in Result { () throws(JournalFault) in try moved.scan(bytes) } }.get()
            } catch {
                return error
            }
        }
    }

    private static func end(
        _ scanner: JournalScanner, _ fault: JournalFault?, _ descriptor: Int32, _ path: String
    ) throws(JournalProblem) -> End {
        let at = Int(fault?.offset ?? scanner.offset)
        let open = scanner.summary.openGroup
        let hasRest = try holdsMoreThanZeros(descriptor, path, from: at)
        if !hasRest, open == nil { return .whole }
        let why = hasRest ? "\(fault?.error ?? .truncated)" : open.map { "transaction \($0) is not whole" } ?? ""
        return try BinlogFileReader.soundEvent(in: path, from: at) == nil ? .torn(at: at, why) : .damaged(at: at, why)
    }

    private static func holdsMoreThanZeros(_ descriptor: Int32, _ path: String, from start: Int) throws(JournalProblem) -> Bool {
        var offset = start
        while true {
            let chunk = try DiskFile.read(descriptor, path, from: offset, count: chunkBytes)
            if chunk.isEmpty { return false }
            if chunk.contains(where: { $0 != 0 }) { return true }
            offset += chunk.count
        }
    }
}

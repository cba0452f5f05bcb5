import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Glibc
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

@Suite(.serialized)
struct JournalFilesTests {
    /// A little more than a file's head: each transaction has a file of its own.
    private static let oneEach = 320
    private static let recording = Task { try await Recording.make(12) }

    private let recording: Recording
    private let folder: TestDirectory
    private let directory: String

    init() async throws {
        recording = try await Self.recording.value
        folder = try TestDirectory()
        directory = folder.path + "/journal"
    }

    private func open(segmentBytes: Int = 1 << 20) throws -> (files: JournalFiles, index: JournalIndex) {
        try JournalFiles.open(directory: directory, segmentBytes: segmentBytes)
    }

    /// A journal with the first `count` transactions, one command each.
    private func filled(_ count: Int, segmentBytes: Int = 1 << 20) throws -> JournalFiles {
        let files = try open(segmentBytes: segmentBytes).files
        for transaction in recording.transactions.prefix(count) {
            #expect(files.perform([.format(recording.format), transaction.append]) == nil)
        }
        return files
    }

    private func gtid(_ number: Int) -> Position { Position(recording.transactions[number - 1].gtid) }

    private func path(_ number: Int) -> String { directory + "/journal.00000\(number)" }

    /// Everything between the heads of the files, in order.
    private func events(_ index: JournalIndex) -> [UInt8] {
        index.segments.flatMap { segment -> [UInt8] in
            let bytes = File.read(directory + "/" + segment.fileName)
            var at = 4
            // The format description and the GTID list are each file's own.
            for _ in 0..<2 { at += bytes[at...].withUnsafeBytes { EventHeader($0)?.eventBytes ?? 0 } }
            return Array(bytes[at..<segment.bytes])
        }
    }

    @Test func `an empty journal holds nothing`() throws {
        let (files, index) = try open()
        #expect(index == .empty && files.index == .empty)
        #expect(try open().index == .empty)
    }

    @Test(arguments: [1 << 20, 1000, oneEach])
    func `what is appended is there again after a reopening, in files of the size asked for`(_ segmentBytes: Int) throws {
        let files = try filled(8, segmentBytes: segmentBytes)
        let index = files.index
        #expect(index.first == .start && index.last == gtid(8))
        #expect(segmentBytes == 1 << 20 ? index.segments.count == 1 : index.segments.count > 1)
        #expect(segmentBytes != Self.oneEach || index.segments.count == 8)
        #expect(events(index) == recording.transactions.prefix(8).flatMap(\.bytes))
        let again = try open(segmentBytes: segmentBytes)
        #expect(again.index == index)
        #expect(again.files.perform(recording.transactions[8...].map(\.append)) == nil)
        #expect(try open().index == again.files.index)
        #expect(events(again.files.index) == recording.transactions.flatMap(\.bytes))
    }

    @Test func `mariadb-binlog reads every file, and finds every checksum right`() throws {
        let index = try filled(12, segmentBytes: 1500).index
        #expect(index.segments.count > 2)
        var text = ""
        for segment in index.segments {
            let read = ProcessFacts.shell("mariadb-binlog --no-defaults --verify-binlog-checksum '\(directory)/\(segment.fileName)'")
            #expect(read.code == 0, "\(segment.fileName): \(read.output)")
            text += read.output
        }
        for transaction in recording.transactions { #expect(text.contains("GTID \(transaction.gtid)")) }
    }

    @Test func `a tail torn at any byte is cut to the last whole transaction, and written on from there`() throws {
        _ = try filled(3)
        let whole = File.read(path(1))
        let last = recording.transactions[2].bytes.count
        for cut in (whole.count - last)..<whole.count {
            File.write(whole[..<cut], to: path(1))
            let (files, index) = try open()
            #expect(index.last == gtid(2), "cut at \(cut)")
            #expect(index.totalBytes == whole.count - last)
            #expect(File.read(path(1)).count == whole.count - last)
            if cut % 50 == 0 {
                #expect(files.perform([recording.transactions[2].append]) == nil)
                #expect(File.read(path(1)) == whole)
            }
        }
    }

    @Test func `a tail of zeros, or a block of it that never came to the disk, is cut like a torn one`() throws {
        _ = try filled(3)
        let whole = File.read(path(1))
        let last = recording.transactions[2].bytes.count
        var damaged = whole
        for index in damaged.indices.suffix(last / 2) { damaged[index] = 0 }
        for bytes in [whole[..<(whole.count - last)] + [UInt8](repeating: 0, count: 4096), damaged[...]] {
            File.write(bytes, to: path(1))
            #expect(try open().index.last == gtid(2))
            #expect(File.read(path(1)) == Array(whole[..<(whole.count - last)]))
        }
    }

    @Test func `a newest file whose head is torn at any byte is removed, and made again`() throws {
        _ = try filled(2, segmentBytes: Self.oneEach)
        let head = File.read(path(2)).count - recording.transactions[1].bytes.count
        let whole = File.read(path(2))
        for cut in 0..<head {
            File.write(whole[..<cut], to: path(2))
            let (files, index) = try open(segmentBytes: Self.oneEach)
            #expect(index.segments.count == 1 && index.last == gtid(1), "cut at \(cut)")
            #expect(access(path(2), F_OK) != 0)
            if cut % 40 == 0 { #expect(files.perform([recording.transactions[1].append]) == nil && File.read(path(2)) == whole) }
        }
    }

    @Test func `an open transaction is dropped, and counts for nothing before`() throws {
        let files = try filled(2)
        let size = files.index.totalBytes
        let third = recording.transactions[2]
        let half = Array(third.bytes[..<60])
        #expect(files.perform([.append(half, through: nil, wholeBytes: 0)]) == nil)
        #expect(files.index.last == gtid(2) && files.index.totalBytes == size)
        #expect(File.read(path(1)).count == size + 60)
        #expect(files.perform([.dropOpenGroup]) == nil)
        #expect(File.read(path(1)).count == size)
        #expect(files.perform([.append(half, through: nil, wholeBytes: 0), .dropOpenGroup, .dropOpenGroup, third.append]) == nil)
        #expect(files.index.last == gtid(3))
        #expect(events(try open().index) == recording.transactions.prefix(3).flatMap(\.bytes))
    }

    @Test func `a transaction that comes in pieces counts once it is whole`() throws {
        let files = try filled(1)
        let (second, third) = (recording.transactions[1], recording.transactions[2])
        #expect(files.perform([.append(Array(second.bytes[..<70]), through: nil, wholeBytes: 0)]) == nil)
        #expect(files.index.last == gtid(1))
        let rest = Array(second.bytes[70...])
        #expect(files.perform([.append(rest + third.bytes[..<50], through: second.gtid, wholeBytes: rest.count)]) == nil)
        #expect(files.index.last == gtid(2))
        #expect(try open().index.last == gtid(2))
    }

    @Test func `a large transaction is not split over files`() throws {
        let files = try filled(1, segmentBytes: Self.oneEach)
        let second = recording.transactions[1]
        let pieces = [second.bytes[..<40], second.bytes[40..<90], second.bytes[90...]].map(Array.init)
        #expect(
            files.perform([
                .append(pieces[0], through: nil, wholeBytes: 0), .append(pieces[1], through: nil, wholeBytes: 0),
                .append(pieces[2], through: second.gtid, wholeBytes: pieces[2].count),
            ]) == nil)
        #expect(files.index.segments.count == 2)
        #expect(events(files.index) == recording.transactions.prefix(2).flatMap(\.bytes))
    }

    @Test func `purging removes the files that are applied, never the newest`() throws {
        let files = try filled(6, segmentBytes: Self.oneEach)
        files.purge(upTo: gtid(3))
        #expect(files.index.first == gtid(3) && files.index.segments.map(\.number) == [4, 5, 6])
        #expect(try open().index == files.index)
        files.purge(upTo: gtid(6))
        #expect(files.index.segments.map(\.number) == [6])
        files.purge(upTo: gtid(6))
        #expect(try open(segmentBytes: Self.oneEach).index.last == gtid(6))
        #expect(files.perform([recording.transactions[6].append]) == nil)
        #expect(try open().index.segments.map(\.number) == [6, 7])
    }

    @Test func `starting over leaves nothing, and begins after the position asked for`() throws {
        let files = try filled(6, segmentBytes: Self.oneEach)
        try files.startOver(after: gtid(8))
        #expect(files.index == .empty)
        #expect(try open().index == .empty)
        #expect(files.perform([.format(recording.format)] + recording.transactions[8...].map(\.append)) == nil)
        #expect(files.index.first == gtid(8))
        #expect(try open().index == files.index)
    }

    @Test func `the same format again begins no new file, another does`() throws {
        let files = try filled(1)
        let other = try otherFormat()
        #expect(files.perform([.format(recording.format), recording.transactions[1].append]) == nil)
        #expect(files.index.segments.count == 1)
        #expect(files.perform([.format(other), recording.transactions[2].append]) == nil)
        #expect(files.index.segments.count == 2 && files.index.last == gtid(3))
        #expect(try open().index == files.index)
    }

    private func otherFormat() throws -> FormatDescription {
        let event = recording.format.resumed(Digests.crc32)
        return try event.withUnsafeBytes { try FormatDescription(event: $0, checksum: Digests.crc32) }
    }

    // MARK: The disk

    @Test func `a write that fails leaves the journal as it was, and usable`() throws {
        let files = try filled(3)
        let index = files.index
        let bytes = File.read(path(1))
        let problem = try withFileSizeLimit(bytes.count + 30) { files.perform([recording.transactions[3].append]) }
        guard case .system(let file, let error)? = problem else { return #expect(Bool(false), "\(problem as Any)") }
        #expect(file == path(1) && error.code == EFBIG)
        #expect(files.index == index && File.read(path(1)) == bytes)
        #expect(files.perform([recording.transactions[3].append]) == nil)
        #expect(try open().index.last == gtid(4))
    }

    @Test func `a new file that can't be written leaves the journal as it was`() throws {
        let files = try filled(3, segmentBytes: Self.oneEach)
        let index = files.index
        #expect(try withFileSizeLimit(100) { files.perform([recording.transactions[3].append]) } != nil)
        #expect(files.index == index && access(path(4), F_OK) != 0)
        #expect(files.perform([recording.transactions[3].append]) == nil)
        #expect(try open().index.segments.count == 4)
    }

    @Test func `what was given before a failure is known is left out`() throws {
        let files = try filled(3)
        let bytes = File.read(path(1))
        #expect(try withFileSizeLimit(bytes.count + 30) { files.write([recording.transactions[3].append], failures: 0) } != nil)
        #expect(files.write([recording.transactions[4].append], failures: 0) == nil && files.makeDurable() == nil)
        #expect(files.state.index.last == gtid(3) && File.read(path(1)) == bytes)
        #expect(files.perform([recording.transactions[3].append]) == nil)
        #expect(try open().index.last == gtid(4))
    }

    /// What was whole before the failure is lost with it, unless it was made durable on the way.
    @Test func `of several transactions none is told of that a failure took back`() throws {
        let files = try filled(3)
        let bytes = File.read(path(1))
        let next = recording.transactions[3...5]
        let room = bytes.count + recording.transactions[3].bytes.count + recording.transactions[4].bytes.count + 10
        #expect(try withFileSizeLimit(room) { files.perform(next.map(\.append)) } != nil)
        #expect(files.index.last == gtid(3) && File.read(path(1)) == bytes)
        #expect(files.perform(next.map(\.append)) == nil)
        #expect(try open().index.last == gtid(6))
    }

    @Test(.enabled(if: geteuid() == 0, "only root may mount"))
    func `a full disk is reported in words, and the journal goes on when there is room`() throws {
        mkdir(directory, 0o700)
        try #require(ProcessFacts.shell("mount -t tmpfs -o size=256k none '\(directory)'").code == 0)
        defer { _ = ProcessFacts.shell("umount '\(directory)'") }
        let files = try filled(3)
        let bytes = File.read(path(1))
        let filler = [UInt8](repeating: 1, count: 256 << 10)
        File.write(filler, to: directory + "/filler")
        // The page that the file already has still takes a few.
        let large = JournalCommand.append(recording.transactions[3...].flatMap(\.bytes) + filler, through: nil, wholeBytes: 0)
        let problem = files.perform([large])
        #expect(problem?.description.hasPrefix("the disk is full: \(path(1)) could not be written (write: No space left on device); free") == true)
        #expect(File.read(path(1)) == bytes)
        unlink(directory + "/filler")
        #expect(files.perform(recording.transactions[3...].map(\.append)) == nil)
        #expect(try open().index.last == gtid(12))
    }
}

import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Failover
import Glibc
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

/// Bits flipped and tails cut, everywhere in every file of a journal: it is never silently shorter, and what is there is always what was written.
@Suite(.serialized)
struct JournalDamageTests {
    /// A little more than a file's head: each transaction has a file of its own.
    private static let oneEach = 320
    private static let recording = Task { try await Recording.make(8) }

    private let recording: Recording
    private let folder: TestDirectory
    private let directory: String

    init() async throws {
        recording = try await Self.recording.value
        folder = try TestDirectory()
        directory = folder.path + "/journal"
    }

    private func open(segmentBytes: Int = 1 << 20, isMarked: Bool = true) throws -> JournalFiles {
        try JournalFiles.open(directory: directory, segmentBytes: segmentBytes, isMarked: isMarked).0
    }

    /// A journal with the first `count` transactions, one command each.
    @discardableResult private func filled(_ count: Int = 8, segmentBytes: Int = 1 << 20) throws -> JournalFiles {
        let files = try open(segmentBytes: segmentBytes, isMarked: false)
        for transaction in recording.transactions.prefix(count) {
            #expect(files.perform([.format(recording.format), transaction.append]) == nil)
        }
        return files
    }

    private func gtid(_ number: Int) -> Position { number == 0 ? .start : Position(recording.transactions[number - 1].gtid) }
    private func path(_ number: Int) -> String { directory + "/journal.00000\(number)" }
    private var mark: String { directory + ".mark" }

    /// The folder as it was, to be damaged again otherwise.
    private func saved() -> String {
        let copy = folder.path + "/whole"
        _ = ProcessFacts.shell("rm -rf '\(copy)'; mkdir '\(copy)'; cp -a '\(directory)' '\(mark)' '\(copy)/'")
        return copy
    }

    private func restore(_ copy: String) {
        _ = ProcessFacts.shell("rm -rf '\(directory)' '\(folder.path)/cut-off'; cp -a '\(copy)'/* '\(folder.path)/'")
    }

    /// What a journal of so many acknowledged transactions may be after whatever happened to its files.
    private func check(_ files: JournalFiles, _ count: Int, _ what: String) throws {
        let state = files.state
        // A prefix of what was written, and the very bytes.
        let held = try #require((0...count).first { gtid($0) == state.written }, "\(what): \(state.written)")
        let events = state.index.segments.flatMap { segment -> [UInt8] in
            let bytes = File.read(directory + "/" + segment.fileName)
            var at = 4
            for _ in 0..<2 { at += bytes[at...].withUnsafeBytes { EventHeader($0)?.eventBytes ?? 0 } }
            return Array(bytes[at..<segment.bytes])
        }
        let first = try #require((0...count).first { gtid($0) == state.index.first ?? .start })
        #expect(events == recording.transactions[first..<max(first, held)].flatMap(\.bytes), "\(what)")
        guard held < count else { return }
        // It is known that more was acknowledged, and what was wrong is told.
        #expect(LogEnd(state.written) < state.promise.logEnd, "\(what): silently shorter")
        #expect(Standing(logEnd: LogEnd(state.written), acknowledged: state.promise.logEnd, configuration: .unknown, isElectable: true).isShort)
        // The next opening finds it in order, and still knows.
        let again = try open()
        #expect(again.state.written == state.written && again.state.promise == state.promise, "\(what)")
        #expect(again.findings.allSatisfy { $0.kind == .markLost }, "\(what)")
    }

    // MARK: The sweeps

    @Test(arguments: [1 << 20, oneEach]) func `a bit flipped anywhere is found, and what stays is what was written`(segmentBytes: Int) throws {
        try filled(segmentBytes: segmentBytes)
        let copy = saved()
        let files = segmentBytes == Self.oneEach ? [1, 4, 8] : [1]
        for number in files {
            let whole = File.read(path(number))
            for at in stride(from: 0, to: whole.count, by: 5) {
                restore(copy)
                var bytes = whole
                bytes[at] ^= 1 << (at % 8)
                File.write(bytes, to: path(number))
                let opened = try open(segmentBytes: segmentBytes)
                try check(opened, 8, "file \(number), byte \(at)")
                // The format description's in-use flag alone is summed by nobody, and means nothing here.
                if opened.state.written != gtid(8) || opened.findings.isEmpty, at != 21 {
                    #expect(!opened.findings.isEmpty, "file \(number), byte \(at)")
                }
            }
        }
    }

    @Test(arguments: [1 << 20, oneEach]) func `a tail cut anywhere is noticed, though nothing is wrong with what is left`(segmentBytes: Int) throws {
        try filled(segmentBytes: segmentBytes)
        let copy = saved()
        for number in segmentBytes == Self.oneEach ? [1, 4, 8] : [1] {
            let whole = File.read(path(number))
            for count in stride(from: 0, to: whole.count, by: 7) {
                restore(copy)
                File.write(whole[..<count], to: path(number))
                let opened = try open(segmentBytes: segmentBytes)
                try check(opened, 8, "file \(number) cut to \(count)")
                #expect(opened.state.written != gtid(8), "file \(number) cut to \(count)")
            }
        }
    }

    @Test(arguments: 1...8) func `a file that is gone is noticed, the newest one too`(missing: Int) throws {
        try filled(segmentBytes: Self.oneEach)
        unlink(path(missing))
        let files = try open(segmentBytes: Self.oneEach)
        // Without the first the rest follows on something that is not here; that is for the database to say.
        if missing > 1 { try check(files, 8, "file \(missing) gone") }
        #expect(files.state.written == (missing == 1 ? gtid(8) : gtid(missing - 1)))
        #expect(missing == 1 || missing == 8 || !files.findings.isEmpty)
    }

    @Test(arguments: [(1, 2), (3, 6), (7, 8)]) func `files in each other's places are noticed`(one: Int, other: Int) throws {
        try filled(segmentBytes: Self.oneEach)
        let (first, second) = (File.read(path(one)), File.read(path(other)))
        File.write(second, to: path(one))
        File.write(first, to: path(other))
        let files = try open(segmentBytes: Self.oneEach)
        try check(files, 8, "\(one) and \(other)")
        #expect(files.findings.first?.why.contains("and the file before it ends with") == true)
    }

    @Test func `a bit flipped anywhere in the mark, or its tail cut, leaves nobody in the belief that it is known`() throws {
        try filled()
        let whole = File.read(mark)
        #expect(whole.count == JournalMark.recordBytes)
        for at in whole.indices {
            for bytes in [Array(whole[..<at]), whole.enumerated().map { $0 == at ? $1 ^ 1 << (at % 8) : $1 }] {
                File.write(bytes, to: mark)
                let files = try open()
                #expect(files.state.promise == .unknown && files.findings.map(\.kind) == [.markLost], "byte \(at)")
                #expect(files.state.written == gtid(8))
            }
        }
        unlink(mark)
        #expect(try open().state.promise == .unknown)
        // That stays, until it was settled.
        let files = try open()
        #expect(files.perform([.dropOpenGroup]) == nil && files.state.promise == .unknown)
        try files.promise(only: gtid(8))
        #expect(try open().state.promise == .upTo(gtid(8)))
    }

    @Test func `a bit flipped anywhere in the start of an empty journal is found, and the database is asked`() throws {
        let files = try open(isMarked: false)
        try files.startOver(after: gtid(5))
        let start = directory + "/start"
        let whole = File.read(start)
        for at in whole.indices {
            for bytes in [Array(whole[..<at]), whole.enumerated().map { $0 == at ? $1 ^ 1 << (at % 8) : $1 }] {
                File.write(bytes, to: start)
                let opened = try open()
                #expect(opened.state.isNew && opened.findings.map(\.kind) == [.startLost] && opened.state.promise == .upTo(gtid(5)), "byte \(at)")
            }
        }
        File.write(Array("\(gtid(5))\n".utf8), to: start)
        #expect(try open().state.written == gtid(5), "an earlier version's")
    }

    // MARK: What is told, and what becomes of it

    @Test func `behind damage in the newest file nothing counts, and all of it is kept`() throws {
        try filled()
        let whole = File.read(path(1))
        var bytes = whole
        let begin = whole.count - recording.transactions[4...].reduce(0) { $0 + $1.bytes.count }
        bytes[begin + 60] ^= 1
        File.write(bytes, to: path(1))
        let files = try open()
        let finding = try #require(files.findings.first)
        #expect(files.state.written == gtid(4) && files.state.promise == .upTo(gtid(8)))
        #expect(finding.file == path(1) && finding.bytes == whole.count - begin && finding.why.contains("checksum is wrong"))
        #expect((begin..<begin + 60).contains(finding.offset))
        #expect(finding.kind == .damage(keptIn: folder.path + "/cut-off/damaged-1"))
        #expect(File.read(folder.path + "/cut-off/damaged-1/journal.000001") == bytes)
        // It is fetched again, and then all is well.
        #expect(files.perform(recording.transactions[4...6].map(\.append)) == nil)
        #expect(files.state.promise == .upTo(gtid(8)), "not yet")
        #expect(files.perform([recording.transactions[7].append]) == nil)
        #expect(LogEnd(files.state.written) == files.state.promise.logEnd && File.read(path(1)).prefix(whole.count) == whole[...])
        #expect(try open().findings.isEmpty)
    }

    @Test func `the newest three folders of damaged files stay`() throws {
        try filled()
        let copy = saved()
        for _ in 1...5 {
            _ = ProcessFacts.shell("rm -rf '\(directory)'; cp -a '\(copy)'/* '\(folder.path)/'")
            var bytes = File.read(path(1))
            bytes[400] ^= 1
            File.write(bytes, to: path(1))
            _ = try open()
        }
        #expect(try DiskFile.names(in: folder.path + "/cut-off").sorted() == ["damaged-3", "damaged-4", "damaged-5"])
    }

    @Test func `a torn end is cut, and told with file, place and length`() throws {
        try filled(7)
        let whole = File.read(path(1))
        File.write(whole + recording.transactions[7].bytes.prefix(50), to: path(1))
        let files = try open()
        #expect(
            files.findings == [
                JournalFinding(kind: .tornEnd, file: path(1), offset: whole.count + 42, bytes: 50, why: "a binlog event is cut short")
            ])
        #expect(files.state.written == gtid(7) && files.state.promise == .upTo(gtid(7)))
        File.write(whole + [UInt8](repeating: 0, count: 4096), to: path(1))
        #expect(try open().findings.isEmpty, "the zeros that a file is kept longer by are nothing to tell of")
    }

    /// Blocks come to the disk in any order, so the machine's end may leave holes in what was never acknowledged.
    @Test func `a hole that the machine's end left behind what was acknowledged is a torn end`() throws {
        let files = try filled(5)
        let size = files.index.totalBytes
        #expect(files.write(recording.transactions[5...].map(\.append)) == nil)
        var bytes = File.read(path(1))
        for index in size..<(size + 100) { bytes[index] = 0 }
        File.write(bytes, to: path(1))
        let copy = saved()
        // The same machine's start: a kill leaves no hole.
        #expect(try open().findings.first?.kind == .damage(keptIn: folder.path + "/cut-off/damaged-1"))
        restore(copy)
        let words = "acknowledged \(gtid(5)) another-start"
        let line = words + " " + CheckedText.checksum(words)
        File.write(Array((line + String(repeating: " ", count: JournalMark.recordBytes - 1 - line.utf8.count) + "\n").utf8), to: mark)
        let opened = try open()
        #expect(opened.findings.map(\.kind) == [.tornEnd] && opened.state.written == gtid(5) && opened.state.promise == .upTo(gtid(5)))
        // What was acknowledged is no such thing.
        restore(copy)
        var early = File.read(path(1))
        early[400] ^= 1
        File.write(early, to: path(1))
        File.write(Array((line + String(repeating: " ", count: JournalMark.recordBytes - 1 - line.utf8.count) + "\n").utf8), to: mark)
        #expect(try open().findings.first?.kind == .damage(keptIn: folder.path + "/cut-off/damaged-1"))
    }

    @Test func `an earlier version's journal has no mark, and gets one`() throws {
        try filled()
        unlink(mark)
        let files = try open(isMarked: false)
        #expect(files.state.promise == .upTo(gtid(8)) && files.findings.isEmpty)
        // A damaged one: nobody knows what it acknowledged.
        unlink(mark)
        var bytes = File.read(path(1))
        bytes[400] ^= 1
        File.write(bytes, to: path(1))
        #expect(try open(isMarked: false).state.promise == .unknown)
    }

    @Test func `what a leader has cut is not missed, and what is missing is not forgotten by a cut`() throws {
        let files = try filled()
        _ = try files.cut(to: gtid(6), savingTo: nil)
        #expect(files.state.promise == .upTo(gtid(6)))
        let whole = File.read(path(1))
        File.write(whole[..<(whole.count - 1)], to: path(1))
        let short = try open()
        #expect(short.state.written == gtid(5) && short.state.promise == .upTo(gtid(6)))
        _ = try short.cut(to: gtid(4), savingTo: nil)
        #expect(short.state.promise == .upTo(gtid(6)))
    }

    @Test func `a journal that begins anew before what was acknowledged is short`() throws {
        let files = try filled()
        try files.startOver(after: gtid(3))
        #expect(files.state.promise == .upTo(gtid(8)))
        try files.startOver(after: gtid(8))
        #expect(try open().state.promise == .upTo(gtid(8)))
    }

    @Test func `damage that comes while the journal is open is found by who reads it, and mended`() throws {
        let files = try filled()
        let reader = JournalReader(directory: directory, after: .start)
        var bytes = File.read(path(1))
        bytes[bytes.count - 6] ^= 1
        File.write(bytes, to: path(1))
        let problem = #expect(throws: JournalReadProblem.self) { try reader.read(files.index) }
        #expect(problem?.description == "journal.000001: a binlog event's checksum is wrong: its bytes were damaged")
        try files.lookThrough()
        #expect(files.state.written == gtid(7) && files.state.promise == .upTo(gtid(8)))
        #expect(files.perform([recording.transactions[7].append]) == nil)
        #expect(try open().state.written == gtid(8))
    }

    @Test func `a saved tail that was damaged does not pass for whole`() throws {
        let files = try filled()
        let tail = folder.path + "/cut-off/after.binlog"
        _ = try files.cut(to: gtid(3), savingTo: tail)
        let whole = File.read(tail)
        for at in stride(from: 0, to: whole.count, by: 3) where at != 21 {
            var bytes = whole
            bytes[at] ^= 1 << (at % 8)
            File.write(bytes, to: tail)
            let isWhole = (try? Made.scan(tail)).map { $0.validBytes == UInt64(whole.count) } ?? false
            #expect(!isWhole, "byte \(at)")
        }
    }
}

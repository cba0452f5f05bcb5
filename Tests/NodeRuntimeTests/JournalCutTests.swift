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

@Suite(.serialized)
struct JournalCutTests {
    private static let recording = Task { try await Recording.make(2) }

    private let format: FormatDescription
    private let made: [Recording.Transaction]
    private let folder: TestDirectory
    private let directory: String
    private let saved: String

    init() async throws {
        format = try await Self.recording.value.format
        made = try Made.history()
        folder = try TestDirectory()
        directory = folder.path + "/journal"
        saved = folder.path + "/cut-off/tail.binlog"
    }

    private func open(segmentBytes: Int = 320) throws -> JournalFiles {
        try JournalFiles.open(directory: directory, segmentBytes: segmentBytes).0
    }

    private func filled(segmentBytes: Int = 320) throws -> JournalFiles {
        let files = try open(segmentBytes: segmentBytes)
        for transaction in made { #expect(files.perform([.format(format), transaction.append]) == nil) }
        return files
    }

    /// Behind the first `count` transactions.
    private func at(_ count: Int) -> Position { count == 0 ? .start : Position(made[count - 1].gtid) }

    private func history(_ count: Int) -> LogHistory {
        var history = LogHistory(isComplete: true)
        for transaction in made.prefix(count) { history.append(transaction.gtid) }
        return history
    }

    @Test(arguments: [1 << 20, 700, 320], 0..<8)
    func `behind the place nothing is left, and all that was is saved`(_ segmentBytes: Int, _ count: Int) throws {
        let files = try filled(segmentBytes: segmentBytes)
        let cut = try files.cut(to: at(count), savingTo: saved)
        let gone = made[count...]
        let expected = JournalCut(
            transactions: gone.count, first: gone.first?.gtid, last: gone.last?.gtid, bytes: gone.reduce(0) { $0 + $1.bytes.count }, savedTo: saved)
        #expect(cut == expected)
        #expect(files.state.written == at(count) && files.state.durable == at(count) && files.history == history(count))
        let tail = try Made.scan(saved)
        #expect(tail.stateAtHead == history(count).state && tail.first == gone.first?.gtid && tail.last == gone.last?.gtid)
        let again = try open(segmentBytes: segmentBytes)
        #expect(again.state == files.state)
        // It goes on with another master's.
        let other = try Made.transaction(6, 2, UInt64(count) + 1)
        #expect(files.perform([.format(format), other.append]) == nil)
        #expect(try open(segmentBytes: segmentBytes).state == files.state)
        #expect(try Made.gtids(files.index.segments.map { "\(directory)/\($0.fileName)" }) == made.prefix(count).map(\.gtid) + [other.gtid])
    }

    @Test(arguments: [1 << 20, 320]) func `mariadb-binlog reads what was saved`(_ segmentBytes: Int) throws {
        let cut = try filled(segmentBytes: segmentBytes).cut(to: at(4), savingTo: saved)
        #expect(cut.savedTo == saved)
        #expect(try Made.gtids([saved]) == made[4...].map(\.gtid))
    }

    @Test func `a tail of several formats is saved with each`() throws {
        let files = try filled()
        let resumed = format.resumed(Digests.crc32)
        let other = try resumed.withUnsafeBytes { try FormatDescription(event: $0, checksum: Digests.crc32) }
        let last = try Made.transaction(5, 3, 9)
        #expect(files.perform([.format(other), last.append]) == nil)
        _ = try files.cut(to: at(7), savingTo: saved)
        #expect(try Made.gtids([saved]) == [made[7].gtid, last.gtid])
        #expect(File.read(saved).contains(other.served))
    }

    @Test func `the end is a place like any other, and needs no file`() throws {
        let files = try filled()
        #expect(try files.cut(to: at(8), savingTo: saved) == JournalCut())
        #expect(files.state.written == at(8) && access(saved, F_OK) != 0)
        try files.startOver(after: at(3))
        #expect(try files.cut(to: at(3), savingTo: saved) == JournalCut())
    }

    @Test func `nothing is saved where nobody asks for it`() throws {
        let files = try filled()
        #expect(try files.cut(to: at(2), savingTo: nil).transactions == 6)
        #expect(try open().state.written == at(2))
    }

    @Test func `a place that it does not hold is refused, and nothing is changed`() throws {
        let files = try filled()
        files.purge(upTo: at(2))
        let state = files.state
        for text in ["0-1-1", "0-258-2", "0-1-4", "0-258-6", "0-1027-9", "0-1027-5"] {
            let problem = #expect(throws: JournalProblem.self) { try files.cut(to: Position(GTID(text)), savingTo: saved) }
            #expect(problem?.description == "the journal can't be cut behind \(text): it holds what comes after 0-1-2 up to 0-1027-8, and not that")
        }
        #expect(throws: JournalProblem.self) { try files.cut(to: .start, savingTo: saved) }
        #expect(files.state == state && access(saved, F_OK) != 0)
        #expect(try open().index == state.index)
        #expect(try files.cut(to: at(2), savingTo: nil).transactions == 6)
    }

    @Test func `where the tail can't be saved nothing is cut`() throws {
        let files = try filled()
        let state = files.state
        #expect(throws: JournalProblem.self) { try files.cut(to: at(2), savingTo: "/proc/none/tail.binlog") }
        let problem = try withFileSizeLimit(300) { #expect(throws: JournalProblem.self) { try files.cut(to: at(2), savingTo: saved) } }
        #expect(problem?.description.hasPrefix("\(saved).new: write: ") == true)
        #expect(files.state == state && access(saved, F_OK) != 0 && access(saved + ".new", F_OK) != 0)
        #expect(try open().state == state)
        #expect(files.perform([try Made.transaction(5, 3, 9).append]) == nil)
    }

    @Test func `the transaction under way goes with the tail`() throws {
        let files = try filled()
        #expect(files.perform([.append(Array(made[7].bytes[..<50]), through: nil, wholeBytes: 0)]) == nil)
        #expect(try files.cut(to: at(8), savingTo: saved) == JournalCut())
        let newest = try #require(files.index.segments.last)
        #expect(File.read("\(directory)/\(newest.fileName)").count == newest.bytes)
    }

    @Test func `a crash between two files leaves a journal that opens, and is cut again without loss of what was saved`() throws {
        for removed in 0...5 {
            _ = ProcessFacts.shell("rm -rf '\(directory)' '\(folder.path)/cut-off'")
            var files = try filled()
            let first = try files.cut(to: at(2), savingTo: saved)
            let whole = File.read(saved)
            // The files as a crash left them after so many were gone: built anew, since the cut itself goes to its end.
            _ = ProcessFacts.shell("rm -rf '\(directory)'")
            _ = try filled()
            for number in 0..<removed { unlink("\(directory)/journal.00000\(8 - number)") }
            files = try open()
            #expect(files.state.written == at(8 - removed) && files.history == history(8 - removed))
            let second = try files.cut(to: at(2), savingTo: saved)
            #expect(second.transactions == 6 - removed && second.savedTo == folder.path + "/cut-off/tail.2.binlog")
            #expect(try open().state.written == at(2))
            #expect(first.savedTo == saved && File.read(saved) == whole)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may mount"))
    func `a file that can't be removed ends the cut there, and the journal is whole up to it`() throws {
        let files = try filled()
        let stuck = directory + "/journal.000007"
        try #require(ProcessFacts.shell("mount --bind '\(stuck)' '\(stuck)'").code == 0)
        let problem = #expect(throws: JournalProblem.self) { try files.cut(to: at(2), savingTo: saved) }
        #expect(ProcessFacts.shell("umount -l '\(stuck)'").code == 0)
        #expect(problem?.description.hasPrefix("\(stuck): unlink: ") == true)
        #expect(files.state.written == at(7) && files.state.durable == at(7) && files.history == history(7))
        #expect(try open().state == files.state)
        #expect(files.perform([made[7].append]) == nil)
        #expect(try files.cut(to: at(2), savingTo: saved).transactions == 6)
        #expect(try open().state.written == at(2))
    }

    @Test func `the newest ten tails stay`() throws {
        let files = try filled()
        var made = 0
        for number in 1...12 {
            let path = "\(folder.path)/cut-off/after-\(number).binlog"
            made += try files.cut(to: at(7), savingTo: path).transactions
            // Their times are what tells their age.
            var times = [timespec(tv_sec: 1_000_000 + number, tv_nsec: 0), timespec(tv_sec: 1_000_000 + number, tv_nsec: 0)]
            if number < 12 { utimensat(AT_FDCWD, path, &times, 0) }
            #expect(files.perform([self.made[7].append]) == nil)
        }
        File.write([1], to: folder.path + "/cut-off/notes.txt")
        let names = try DiskFile.names(in: folder.path + "/cut-off")
        #expect(made == 12)
        #expect(Set(names) == Set((3...12).map { "after-\($0).binlog" } + ["notes.txt"]))
    }

    // MARK: The loop's side

    @Test func `all that the journal tells is right after a cut, and it can be written on`() async throws {
        let directory = directory
        let opened: Result<Journal, JournalProblem> = try await answer { loop, done in
            Journal.open(loop, directory: directory, segmentBytes: 320) { done($0) }
        }
        let journal = try opened.get()
        let (format, made, saved) = (format, made, saved)
        #expect(await journal.isEmptyAndNew)
        let position = at(4)
        let result: Result<JournalCut, JournalProblem> = try await answer { _, done in
            journal.add(.format(format))
            for transaction in made { journal.add(transaction.append) }
            journal.cut(to: position, savingTo: saved) { done($0) }
        }
        #expect(try result.get().transactions == 4)
        let state = await journal.state
        #expect(state.durable == position && state.written == position && state.index.last == position)
        #expect(state.history == history(4) && !state.isNew)
        let refused: Result<JournalCut, JournalProblem> = try await answer { _, done in
            journal.cut(to: Position(made[5].gtid), savingTo: nil) { done($0) }
        }
        #expect(throws: JournalProblem.self) { try refused.get() }
        let next = try Made.transaction(6, 2, 5)
        try await onLoop { _ in journal.add(next.append) }
        try await until("the next") { journal.received == Position(next.gtid) }
        #expect(await journal.history.end == Position(next.gtid))
        #expect(try open().state.written == Position(next.gtid))
    }

    @Test func `a journal begun anew tells the history that it was given`() async throws {
        let directory = directory
        let opened: Result<Journal, JournalProblem> = try await answer { loop, done in
            Journal.open(loop, directory: directory, segmentBytes: 320) { done($0) }
        }
        let journal = try opened.get()
        let (position, history) = (at(6), history(6))
        let problem: JournalProblem? = try await answer { _, done in
            journal.startOver(after: position, history: history) { done($0) }
        }
        #expect(problem == nil)
        #expect(await journal.history == history)
        #expect(await journal.written == position)
        #expect(await !journal.isEmptyAndNew)
    }
}

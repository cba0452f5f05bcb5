import ClusterModel
import EventLoop
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

/// The loop's side of the journal.
@Suite(.serialized)
struct JournalTests {
    private static let recording = Task { try await Recording.make(8) }

    private let recording: Recording
    private let folder: TestDirectory

    init() async throws {
        recording = try await Self.recording.value
        folder = try TestDirectory()
    }

    private func open(_ directory: String? = nil, segmentBytes: Int = 320) async throws -> Journal {
        let directory = directory ?? folder.path + "/journal"
        let result: Result<Journal, JournalProblem> = try await answer("the journal") { loop, done in
            Journal.open(loop, directory: directory, segmentBytes: segmentBytes) { done($0) }
        }
        return try result.get()
    }

    @Test func `nothing counts as received before it can be read from the disk`() async throws {
        let journal = try await open()
        let directory = folder.path + "/journal"
        let recording = recording
        let told = Told()
        try await onLoop { _ in
            journal.grew = {
                told.received.append(journal.received)
                // Another reader of the files finds it there already.
                guard let found = try? JournalFiles.open(directory: directory, segmentBytes: 320) else { return }
                if found.1.last.map({ $0 < journal.received }) ?? true { told.early += 1 }
            }
            journal.add(.format(recording.format))
            for transaction in recording.transactions { journal.add(transaction.append) }
            #expect(journal.received == .start && !journal.isSettled)
        }
        try await until("the last transaction") { journal.received == Position(recording.transactions.last?.gtid) }
        #expect(await told.early == 0)
        #expect(await told.received == told.received.sorted())
        #expect(await journal.pendingBytes == 0)
        #expect(try await open().index == journal.index)
    }

    @LoopActor private final class Told {
        var received: [Position] = []
        var early = 0
        var problems: [JournalProblem] = []
        var settled = 0
        nonisolated init() {}
    }

    @Test func `settled waits for what was added before`() async throws {
        let journal = try await open()
        let recording = recording
        let told = Told()
        try await onLoop { _ in
            journal.settled { told.settled += 1 }
            #expect(told.settled == 1)
            journal.add(.format(recording.format))
            for transaction in recording.transactions { journal.add(transaction.append) }
            journal.settled {
                told.settled += 1
                told.received.append(journal.written)
            }
            #expect(told.settled == 1)
        }
        try await until("the second") { told.settled == 2 }
        #expect(await told.received == [Position(recording.transactions.last?.gtid)])
    }

    @Test func `what is written can be read before it is durable, and is acknowledged only then`() async throws {
        let journal = try await open()
        let recording = recording
        let told = Told()
        try await onLoop { _ in
            journal.grew = { if journal.received < journal.written { told.early += 1 } }
            journal.add(.format(recording.format))
            journal.add(recording.transactions[0].append)
        }
        try await until("the first") { journal.received == Position(recording.transactions[0].gtid) }
        #expect(await told.early > 0)
        #expect(await journal.written == journal.received)
    }

    @Test func `after a failed write what came behind it is given up, and may be sent again`() async throws {
        let journal = try await open()
        let recording = recording
        let told = Told()
        try await onLoop { _ in
            journal.failed = { told.problems.append($0) }
            // Events before any format have no file to go to.
            for transaction in recording.transactions { journal.add(transaction.append) }
        }
        try await until("the failure") { !told.problems.isEmpty && journal.isSettled }
        #expect(await journal.received == .start)
        #expect(await journal.pendingBytes == 0)
        try await onLoop { _ in
            journal.add(.format(recording.format))
            for transaction in recording.transactions { journal.add(transaction.append) }
        }
        try await until("the last transaction") { journal.received == Position(recording.transactions.last?.gtid) }
        #expect(await told.problems.count == 1)
    }

    /// A journal that waits for transactions and has had some, on a disk that was fast.
    private func awaited(_ transactions: ArraySlice<Recording.Transaction>) async throws -> Journal {
        let journal = try await open(segmentBytes: 1 << 20)
        let (recording, last) = (recording, Position(transactions.last?.gtid))
        try await onLoop { _ in
            journal.isAwaited = true
            journal.add(.format(recording.format))
            for transaction in transactions { journal.add(transaction.append) }
        }
        try await until("what came before") { journal.received == last && journal.isSettled }
        try await onLoop { _ in for _ in 0..<SyncPace.neededInARow { journal.pace.synced(in: 1) } }
        return journal
    }

    @Test func `on a fast disk all that a turn brings is durable at its end`() async throws {
        let transactions = recording.transactions
        let journal = try await awaited(transactions[..<1])
        let told = Told()
        try await onLoop { _ in
            journal.becameDurable = { told.received.append(journal.received) }
            for transaction in transactions[1...] { journal.add(transaction.append) }
            #expect(told.received.isEmpty)
            journal.settled { told.settled += 1 }
        }
        try await onLoop { _ in
            #expect(told.received == [Position(transactions.last?.gtid)] && told.settled == 1)
        }
    }

    /// Whether what was added in a turn is written at its end. What the queue does is told later than this is asked.
    private func isDoneAtTurnEnd(_ journal: Journal, _ commands: [JournalCommand]) async throws -> Bool {
        try await answer { loop, done in
            for _ in 0..<SyncPace.neededInARow { journal.pace.synced(in: 1) }
            for command in commands { journal.add(command) }
            loop.post { done(journal.isSettled) }
        }
    }

    @Test func `a long sync, and one that begins a file, are the queue's`() async throws {
        let transactions = recording.transactions
        let journal = try await awaited(transactions[..<1])
        #expect(try await isDoneAtTurnEnd(journal, [.format(recording.format), transactions[1].append]))
        let large = JournalCommand.append([UInt8](repeating: 0, count: 300 << 10), through: nil, wholeBytes: 0)
        #expect(try await !isDoneAtTurnEnd(journal, [large, .dropOpenGroup]))
        let small = try await open(folder.path + "/small")
        try await onLoop { _ in small.isAwaited = true }
        #expect(try await !isDoneAtTurnEnd(small, [.format(recording.format), transactions[0].append]))
        try await until("the first") { small.received == Position(transactions[0].gtid) && small.isSettled }
        #expect(try await !isDoneAtTurnEnd(small, transactions[1...].map(\.append)))
        try await until("the last") { small.received == Position(transactions.last?.gtid) && journal.isSettled }
    }

    @Test func `what is not synced says nothing of the disk`() async throws {
        let transactions = recording.transactions
        let journal = try await awaited(transactions[..<1])
        try await onLoop { _ in
            journal.pace.synced(in: .max)
            for _ in 0..<SyncPace.neededInARow { journal.add(.append([0], through: nil, wholeBytes: 0)) }
        }
        try await until("the writes") { journal.isSettled }
        try await onLoop { _ in
            #expect(journal.pace.inARow == 0)
            journal.add(.dropOpenGroup)
        }
    }

    @Test func `what the queue found before is not told after what the loop did`() async throws {
        let (recording, transactions) = (recording, recording.transactions)
        let first = try await open()
        try await onLoop { _ in
            first.add(.format(recording.format))
            for transaction in transactions.dropLast() { first.add(transaction.append) }
        }
        try await until("all but one") { first.received == Position(transactions[6].gtid) && first.isSettled }
        // Of many files, and with room in the last.
        let journal = try await open(segmentBytes: 1 << 20)
        let purged = Position(transactions[3].gtid)
        try await onLoop { _ in
            journal.isAwaited = true
            for _ in 0..<SyncPace.neededInARow { journal.pace.synced(in: 1) }
            journal.add(transactions[7].append)
            journal.purge(upTo: purged)
        }
        try await until("both") { journal.index.first == purged && journal.isSettled }
        #expect(await journal.received == Position(transactions.last?.gtid))
    }

    @Test func `the loop waits for no disk that was slow once, until it was fast many times`() {
        var pace = SyncPace()
        #expect(!pace.isFast)
        for _ in 0..<SyncPace.neededInARow { pace.synced(in: SyncPace.fastNs) }
        #expect(pace.isFast)
        pace.synced(in: SyncPace.fastNs + 1)
        for _ in 1..<SyncPace.neededInARow { pace.synced(in: 1) }
        #expect(!pace.isFast)
        pace.synced(in: 1)
        #expect(pace.isFast)
    }

    @Test func `purging and starting over are seen in the index`() async throws {
        let journal = try await open()
        let recording = recording
        try await onLoop { _ in
            journal.add(.format(recording.format))
            for transaction in recording.transactions { journal.add(transaction.append) }
        }
        try await until("the last transaction") { journal.received == Position(recording.transactions.last?.gtid) }
        try await onLoop { _ in journal.purge(upTo: Position(recording.transactions[3].gtid)) }
        try await until("the purge") { journal.index.first == Position(recording.transactions[3].gtid) }
        let position = Position(GTID(domain: 0, server: 9, sequence: 77))
        let problem: JournalProblem? = try await answer { _, done in journal.startOver(after: position) { done($0) } }
        #expect(problem == nil)
        #expect(await journal.received == position)
        #expect(await journal.index == .empty)
        #expect(try await open().index == .empty)
    }

    @Test func `a folder that can't be made is reported`() async throws {
        let problem = await #expect(throws: JournalProblem.self) { _ = try await open("/proc/journal") }
        #expect(problem?.description.hasPrefix("/proc/journal: mkdir: ") == true)
    }
}

import BinlogFormat
import ClusterModel
import Dispatch
import EventLoop
import Replication

/// A slave's durable copy of the master's events: the loop's side of it. A queue of its own does the waiting for the disk.
@LoopActor final class Journal {
    private static let queue = DispatchQueue(label: "ddbnode.journal")
    /// Commits of the master wait for this journal, so each batch is synced at once.
    var isAwaited = false
    /// Nobody waits for an asynchronous slave's acknowledgements, so one sync covers what came in this time: the disk is often shared.
    private static let syncEveryMs = 100

    private let loop: EventLoop
    let directory: String
    private let files: JournalFiles
    /// What is written, and so can be read.
    private(set) var index: JournalIndex
    private var start: Position
    /// The last transaction that is durable here: all that may be acknowledged.
    private(set) var received: Position
    private var failures = 0
    private var isSyncing = false
    private var lastSyncMs = 0
    private var pending: [JournalCommand] = []
    private(set) var pendingBytes = 0
    private var isWriting = false
    private var whenSettled: [@LoopActor () -> Void] = []

    /// More of the journal can be read.
    var grew: (@LoopActor () -> Void)?
    /// More of it is durable.
    var becameDurable: (@LoopActor () -> Void)?
    /// There is room again: something was written, be it only a part of a transaction, or purged.
    var drained: (@LoopActor () -> Void)?
    /// A write failed: what was not durable is gone from the journal and must be sent again.
    var failed: (@LoopActor (JournalProblem) -> Void)?

    private init(_ loop: EventLoop, _ directory: String, _ files: JournalFiles, _ index: JournalIndex) {
        self.loop = loop
        self.directory = directory
        self.files = files
        self.index = index
        start = index.last ?? .start
        received = start
    }

    static func open(
        _ loop: EventLoop, directory: String, segmentBytes: Int, done: @escaping @LoopActor @Sendable (Result<Journal, JournalProblem>) -> Void
    ) {
        queue.async {
            let result: Result<(JournalFiles, JournalIndex), JournalProblem>
            do throws(JournalProblem) {
                result = .success(try JournalFiles.open(directory: directory, segmentBytes: segmentBytes))
            } catch {
                result = .failure(error)
            }
            loop.post { done(result.map { Journal(loop, directory, $0.0, $0.1) }) }
        }
    }

    /// The last transaction that can be read.
    var written: Position { index.last ?? start }

    /// Whether nothing waits to be written.
    var isSettled: Bool { !isWriting && pending.isEmpty }

    func add(_ command: JournalCommand) {
        pending.append(command)
        pendingBytes += command.bytes
        writeNext()
    }

    /// Calls `body` once nothing waits to be written any more.
    func settled(_ body: @escaping @LoopActor () -> Void) {
        if isSettled { return body() }
        whenSettled.append(body)
    }

    private func writeNext() {
        guard !isWriting else { return }
        guard !pending.isEmpty else {
            // One at a time: a body may begin something that the next must wait for.
            while isSettled, !whenSettled.isEmpty { whenSettled.removeFirst()() }
            return
        }
        isWriting = true
        let commands = pending
        let bytes = pendingBytes
        pending = []
        let (files, loop, failures, isAwaited) = (files, loop, failures, isAwaited)
        Self.queue.async {
            var problem = files.write(commands, failures: failures)
            if isAwaited, problem == nil { problem = files.makeDurable() }
            let (index, durable) = (files.writtenIndex, files.durablePosition)
            loop.post { self.wrote(problem, index, durable, bytes) }
        }
    }

    private func wrote(_ problem: JournalProblem?, _ written: JournalIndex, _ durable: Position, _ bytes: Int) {
        isWriting = false
        pendingBytes -= bytes
        changed(problem, written, durable)
        syncLater()
        writeNext()
        drained?()
    }

    private func changed(_ problem: JournalProblem?, _ written: JournalIndex, _ durable: Position) {
        if durable != received {
            received = durable
            becameDurable?()
        }
        if written != index {
            index = written
            grew?()
        }
        guard let problem else { return }
        failures += 1
        // What came after the lost part makes no sense without it.
        pending = []
        pendingBytes = 0
        failed?(problem)
    }

    private func syncLater() {
        guard !isSyncing, received < written else { return }
        isSyncing = true
        loop.after(milliseconds: max(0, lastSyncMs + Self.syncEveryMs - EventLoop.nowMs())) { [self] in
            lastSyncMs = EventLoop.nowMs()
            let (files, loop) = (files, loop)
            Self.queue.async {
                let problem = files.makeDurable()
                let (index, durable) = (files.writtenIndex, files.durablePosition)
                loop.post {
                    self.isSyncing = false
                    self.changed(problem, index, durable)
                    self.syncLater()
                }
            }
        }
    }

    /// Removes the files that hold nothing past `position`.
    func purge(upTo position: Position) {
        guard index.canPurge(upTo: position) else { return }
        let (files, loop) = (files, loop)
        Self.queue.async {
            files.purge(upTo: position)
            let index = files.writtenIndex
            loop.post {
                self.index = index
                self.drained?()
            }
        }
    }

    /// Forgets everything and begins anew after `position`.
    func startOver(after position: Position, done: @escaping @LoopActor @Sendable (JournalProblem?) -> Void) {
        settled { [self] in
            let (files, loop) = (files, loop)
            isWriting = true
            Self.queue.async {
                var problem: JournalProblem?
                do throws(JournalProblem) { try files.startOver(after: position) } catch { problem = error }
                let found = problem
                loop.post {
                    self.isWriting = false
                    if found == nil {
                        self.index = .empty
                        self.start = position
                        self.received = position
                    }
                    done(found)
                    self.writeNext()
                }
            }
        }
    }
}

import BinlogFormat
import ClusterModel
import Dispatch
import EventLoop
import Replication

/// A slave's durable copy of the master's events: the loop's side of it. A queue of its own does the waiting for the disk.
@LoopActor final class Journal {
    private static let queue = DispatchQueue(label: "ddbnode.journal")

    private let loop: EventLoop
    let directory: String
    private let files: JournalFiles
    private(set) var index: JournalIndex
    private var start: Position
    private var pending: [JournalCommand] = []
    private(set) var pendingBytes = 0
    private var isWriting = false
    private var whenSettled: [@LoopActor () -> Void] = []

    /// More of the journal is durable.
    var grew: (@LoopActor () -> Void)?
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

    /// The last transaction that is durable here.
    var received: Position { index.last ?? start }

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
        let (files, loop) = (files, loop)
        Self.queue.async {
            let result = files.perform(commands)
            let index = files.durableIndex
            loop.post { self.wrote(result, index, bytes) }
        }
    }

    private func wrote(_ problem: JournalProblem?, _ durable: JournalIndex, _ bytes: Int) {
        isWriting = false
        pendingBytes -= bytes
        if durable != index {
            index = durable
            grew?()
        }
        if let problem {
            // What came after the lost part makes no sense without it.
            pending = []
            pendingBytes = 0
            failed?(problem)
        }
        writeNext()
        drained?()
    }

    /// Removes the files that hold nothing past `position`.
    func purge(upTo position: Position) {
        guard index.canPurge(upTo: position) else { return }
        let (files, loop) = (files, loop)
        Self.queue.async {
            files.purge(upTo: position)
            let index = files.durableIndex
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
                    }
                    done(found)
                    self.writeNext()
                }
            }
        }
    }
}

import BinlogFormat
import ClusterModel
import Dispatch
import EventLoop
import Failover
import Replication

/// A slave's durable copy of the master's events: the loop's side of it. A queue of its own does the waiting for the disk, but for short waits on a
/// disk that is known to be fast: see `SyncPace`.
@LoopActor final class Journal: TurnEndWork {
    private static let queue = DispatchQueue(label: "ddbnode.journal")
    private static let markQueue = DispatchQueue(label: "ddbnode.journal-mark")
    /// Commits of the master wait for this journal, so each batch is synced at once.
    var isAwaited = false
    /// Nobody waits for an asynchronous slave's acknowledgements, so one sync covers what came in this time: the disk is often shared.
    private static let syncEveryMs = 100
    /// How long the mark of what was acknowledged may be behind on the disk, should the machine go down. No commit waits for that.
    private static let syncMarkEveryMs = 1000

    private let loop: EventLoop
    let directory: String
    private let files: JournalFiles
    private(set) var state: JournalState
    private var failures = 0
    private var isSyncing = false
    private var isSyncingMark = false
    private var lastSyncMs = 0
    private var pending: [JournalCommand] = []
    private(set) var pendingBytes = 0
    private var isWriting = false
    /// How many works the queue has, or has done without this being told.
    private var jobs = 0
    var pace = SyncPace()
    private var whenSettled: [@LoopActor () -> Void] = []

    /// More of the journal can be read.
    var grew: (@LoopActor () -> Void)?
    /// More of it is durable.
    var becameDurable: (@LoopActor () -> Void)?
    /// There is room again: something was written, be it only a part of a transaction, or purged.
    var drained: (@LoopActor () -> Void)?
    /// A write failed: what was not durable is gone from the journal and must be sent again.
    var failed: (@LoopActor (JournalProblem) -> Void)?

    private init(_ loop: EventLoop, _ directory: String, _ files: JournalFiles) {
        self.loop = loop
        self.directory = directory
        self.files = files
        state = files.state
    }

    static func open(
        _ loop: EventLoop, directory: String, segmentBytes: Int, isMarked: Bool = false,
        done: @escaping @LoopActor @Sendable (Result<Journal, JournalProblem>) -> Void
    ) {
        queue.async {
            let result: Result<JournalFiles, JournalProblem>
            do throws(JournalProblem) {
                result = .success(try JournalFiles.open(directory: directory, segmentBytes: segmentBytes, isMarked: isMarked).0)
            } catch {
                result = .failure(error)
            }
            loop.post { done(result.map { Journal(loop, directory, $0) }) }
        }
    }

    /// What is written, and so can be read.
    var index: JournalIndex { state.index }
    /// The last transaction that can be read.
    var written: Position { state.written }
    /// The last transaction that is durable here: all that may be acknowledged.
    var received: Position { state.durable }
    /// Who wrote what is written, and what came before it.
    var history: LogHistory { state.history }
    /// Nothing ever was in it, nor was it told where to begin: a node that never had anything.
    var isEmptyAndNew: Bool { state.isNew }

    /// What the node once acknowledged to hold. Where that is more than its log has, its disk lost some.
    var promise: JournalMark.Promise { state.promise }
    /// What was wrong with the files when they were opened.
    var findings: [JournalFinding] { state.findings }

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
        // All that this turn brings is written, and synced, at once.
        if isAwaited, jobs == 0, pace.isFast { return loop.atTurnEnd(self) }
        let write = takePending()
        onQueue(write) { [self] in wrote($0) }
    }

    /// Where nothing is to be waited for but a short sync of a fast disk, that takes less than to change threads twice.
    func turnEnded() {
        guard isWriting else { return }
        let (commands, write, files) = (pending, takePending(), files)
        // What the queue got in this turn must not be told after what is found here.
        guard jobs == 0, Self.queue.sync(execute: { files.isShort(commands) }) else { return onQueue(write) { [self] in wrote($0) } }
        wrote(Self.queue.sync { write(files) })
    }

    private struct Written: Sendable {
        let problem: JournalProblem?
        let state: JournalState
        let bytes: Int
        /// How long it took to make it durable; nil where nothing was.
        let syncNs: UInt64?
    }

    private func takePending() -> @Sendable (JournalFiles) -> Written {
        let (commands, bytes, failures, isAwaited) = (pending, pendingBytes, failures, isAwaited)
        pending = []
        return { files in
            let start = EventLoop.now()
            var problem = files.write(commands, failures: failures, isAwaited: isAwaited)
            // A part of a transaction is not synced before the rest is here.
            let syncs = isAwaited && problem == nil && files.isBehind
            if syncs { problem = files.makeDurable() }
            return Written(problem: problem, state: files.state, bytes: bytes, syncNs: syncs ? EventLoop.now() - start : nil)
        }
    }

    /// What this node acknowledged beyond `position` is not the cluster's, so it need not have it.
    func promise(only position: Position, done: @escaping @LoopActor @Sendable (JournalProblem?) -> Void) {
        alone { files throws(JournalProblem) in
            try files.promise(only: position)
        } done: { result in
            if case .failure(let problem) = result { done(problem) } else { done(nil) }
        }
    }

    /// How far this node acknowledged is known to nobody.
    func forgetPromise(done: @escaping @LoopActor @Sendable (JournalProblem?) -> Void) {
        alone { files throws(JournalProblem) in
            try files.forgetPromise()
        } done: { result in
            if case .failure(let problem) = result { done(problem) } else { done(nil) }
        }
    }

    /// Has the queue do it; `done` runs on the loop.
    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable (JournalFiles) -> Value, done: @escaping @LoopActor @Sendable (Value) -> Void) {
        let (files, loop) = (files, loop)
        jobs += 1
        Self.queue.async {
            let value = body(files)
            loop.post {
                self.jobs -= 1
                done(value)
            }
        }
    }

    private func wrote(_ written: Written) {
        isWriting = false
        // A sync that failed meanwhile has forgotten what waited.
        pendingBytes = max(0, pendingBytes - written.bytes)
        if let took = written.syncNs { pace.synced(in: took) }
        changed(written.problem, written.state)
        syncLater()
        writeNext()
        drained?()
    }

    private func changed(_ problem: JournalProblem?, _ new: JournalState) {
        let old = state
        state = new
        if new.promise != old.promise { syncMarkLater() }
        if new.durable != old.durable { becameDurable?() }
        if new.index != old.index { grew?() }
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
            onQueue({ (problem: $0.makeDurable(), state: $0.state) }) { [self] in
                isSyncing = false
                changed($0.problem, $0.state)
                syncLater()
            }
        }
    }

    private func syncMarkLater() {
        guard !isSyncingMark else { return }
        isSyncingMark = true
        loop.after(milliseconds: Self.syncMarkEveryMs) { [self] in
            let (files, loop) = (files, loop)
            // What is acknowledged from here on asks for the next.
            isSyncingMark = false
            Self.markQueue.async {
                do throws(JournalProblem) { try files.syncMark() } catch {
                    loop.post { self.failed?(error) }
                }
            }
        }
    }

    /// Removes the files that hold nothing past `position`.
    func purge(upTo position: Position) {
        guard index.canPurge(upTo: position) else { return }
        onQueue { files in
            files.purge(upTo: position)
            return files.state
        } done: { [self] in
            state = $0
            drained?()
        }
    }

    /// Forgets everything and begins anew after `position`; `history` is that of what comes before, without it `position` alone is known.
    func startOver(
        after position: Position, history: LogHistory? = nil, done: @escaping @LoopActor @Sendable (JournalProblem?) -> Void
    ) {
        alone { files throws(JournalProblem) in
            try files.startOver(after: position, history: history)
        } done: { result in
            switch result {
            case .success: done(nil)
            case .failure(let problem): done(problem)
            }
        }
    }

    /// Cuts off, durably, what comes behind the transaction `position`: one of it, or what it begins after. What goes is saved first as a binlog file
    /// at `path`, or at one named like it where that is taken; the newest ten `.binlog` files stay in its directory.
    ///
    /// No link may write to it before it is done, nor go on with what it sent before: a transaction under way is gone.
    func cut(to position: Position, savingTo path: String?, done: @escaping @LoopActor @Sendable (Result<JournalCut, JournalProblem>) -> Void) {
        alone({ files throws(JournalProblem) in try files.cut(to: position, savingTo: path) }, done: done)
    }

    /// Forgets everything and begins anew with the binlog of a former master's database, which is down, from where its recovery begins. To be done again
    /// after an error or a crash.
    func importBinlog(
        from databaseDirectory: String, mayHaveHoles: Bool = false,
        done: @escaping @LoopActor @Sendable (Result<BinlogImport.Outcome, JournalProblem>) -> Void
    ) {
        alone({ files throws(JournalProblem) in try BinlogImport.run(from: databaseDirectory, into: files, mayHaveHoles: mayHaveHoles) }, done: done)
    }

    /// Looks through all files as at an opening, and makes them sound: `findings` tells. No link may go on with what it sent before.
    func lookThrough(done: @escaping @LoopActor @Sendable (JournalProblem?) -> Void) {
        alone { files throws(JournalProblem) in
            try files.lookThrough()
        } done: { result in
            if case .failure(let problem) = result { done(problem) } else { done(nil) }
        }
    }

    /// Does something to the files once nothing waits to be written; nothing is written meanwhile.
    private func alone<Value: Sendable>(
        _ body: @escaping @Sendable (JournalFiles) throws(JournalProblem) -> Value,
        done: @escaping @LoopActor @Sendable (Result<Value, JournalProblem>) -> Void
    ) {
        settled { [self] in
            isWriting = true
            onQueue { files in
                (Result { () throws(JournalProblem) in try body(files) }, files.state, files.failures)
            } done: { [self] result, state, failures in
                isWriting = false
                self.failures = failures
                self.state = state
                done(result)
                writeNext()
            }
        }
    }
}

import ClusterModel
import Dispatch
import EventLoop
import LineProtocol
import MariaDBConnector
import MariaDBServer
import NodeConfig
import Replication

/// A slave's way to a copy of another node's database: whether it needs one, attempts until one is whole, and the change from the old files to the new.
///
///     idle ──need──► taking ──whole──► replacing ──started──► idle
///                      ▲  └─broken─► the next node, or pausing ─┘
///                                               └─does not start─► the old files again
@LoopActor final class SlaveSnapshot {
    private enum State {
        case idle
        case taking(SnapshotTaking)
        /// The last attempt broke off.
        case pausing(why: String)
        /// The new files are put in place, or the server starts on them.
        case replacing(Position)
    }

    /// A copy in place of a database whose log goes on: the journal keeps all that this node acknowledged, and receives meanwhile.
    struct Rebuild {
        /// A copy of less is of no use.
        let floor: Position
        /// The last transaction before the one that can't be applied; nil: an operator insists.
        let after: Position?
    }

    private static let retryFirstMs = 2000
    private static let retryLastMs = 60_000
    /// Where nobody has one to give, or a copy did not start: not sooner than this.
    private static let declinedMs = 60_000
    private static let queue = DispatchQueue(label: "ddbnode.snapshot")

    private unowned let slave: SlaveLife
    private lazy var external = ExternalFilling(node)
    /// Whom to ask, the next one first.
    private var givers: ArraySlice<NodeStatus> = []
    /// Where the last copy of a slave's database began: the master is asked where that was of no use.
    private var givenBySlave: Position?
    /// Why the database can't stay as it is.
    private var forced: String?
    /// Of a copy that is taken to get past a transaction, or because an operator insists.
    private var rebuild: Rebuild?
    /// A rebuild ended; whether the database runs on the copy.
    var rebuilt: (@LoopActor (_ rebuild: Rebuild, _ isInUse: Bool) -> Void)?
    private var state = State.idle
    private var retryMs = SlaveSnapshot.retryFirstMs
    private var retry: TimerID?
    private var notBeforeMs = 0
    private var isStopped = false
    /// Once only: whatever is wrong then is not the snapshot's fault.
    private var hasPutBack = false
    /// Why there was none, or can't be one.
    private(set) var trouble: String?

    init(_ slave: SlaveLife) { self.slave = slave }

    private var node: Node { slave.node }

    // MARK: Telling

    /// A copy is on its way: the link for events has to wait.
    var isUnderWay: Bool { if case .idle = state { false } else { true } }

    /// How far the copy is, as a part of a sentence; nil where there is none under way.
    var words: String? {
        switch state {
        case .idle: nil
        case .taking(let taking): taking.words
        case .pausing(let why): "trying again soon: \(why)"
        case .replacing(let position) where isExternal: "loading the snapshot of \(position) into the database"
        case .replacing(let position): "starting the database on the snapshot of \(position)"
        }
    }

    /// What clients are told who can't be served because of it.
    var notReady: ReplyError? {
        words.map { ReplyError(.notReady, "this slave takes a snapshot of the cluster's data: \($0); try again later") }
    }

    var statusRows: [[String?]] {
        var rows: [[String?]] = [["snapshot", words ?? trouble.map { "none: \($0)" } ?? "none"]]
        if case .taking(let taking) = state { rows.append(["snapshot.bytes", "\(taking.bytes)"]) }
        return rows
    }

    // MARK: Deciding

    /// The database can't stay as it is, whatever the master's binlog holds.
    func isNeeded(_ why: String) { forced = why }
    var isForced: Bool { forced != nil }

    /// The master is there, and the database can't stay as it is.
    func beginForced() {
        guard let forced, case .idle = state, !isStopped else { return }
        begin(forced)
    }

    /// Takes a copy of a node that has at least `rebuild.floor`; true when it has begun, or is about to.
    func begin(_ rebuild: Rebuild, why: String) -> Bool {
        guard case .idle = state, !isStopped, EventLoop.nowMs() >= notBeforeMs else { return false }
        self.rebuild = rebuild
        begin(why)
        return true
    }

    /// What was in the database's way is gone by itself.
    func isNeededNoMore() {
        guard rebuild?.after != nil else { return }
        switch state {
        case .taking(let taking): taking.stop()
        case .pausing: node.loop.cancel(retry)
        case .idle, .replacing: return
        }
        node.log.notice("the database applies again, so no snapshot is taken")
        (rebuild, state) = (nil, .idle)
        slave.resumeLink()
    }

    /// An operator insists: what was put off is done now.
    func insist() { notBeforeMs = 0 }

    /// The master, which is there, told how far it is, or that it can't send what comes next.
    func consider(_ facts: SnapshotRule.Facts) {
        guard case .idle = state, !isStopped else { return }
        switch SnapshotRule(replaysMax: node.settings.replication.snapshotAfterTransactions).need(facts) {
        case .replay: if EventLoop.nowMs() >= notBeforeMs { trouble = nil }
        case .byHand(let why): trouble = "a snapshot would lose what only this node has: \(why)"
        case .snapshot(let why): begin(why)
        }
    }

    private var isExternal: Bool { node.settings.database.mode == .external }

    private func begin(_ why: String) {
        guard EventLoop.nowMs() >= notBeforeMs else { return }
        guard isExternal else { return start(why) }
        external.whyNotReplaceable { [weak self] problem in
            guard let self, case .idle = self.state, !self.isStopped else { return }
            guard let problem else { return self.start(why) }
            if self.trouble != problem { self.node.log.error("no snapshot is taken", ["why": problem]) }
            self.trouble = problem
            self.rebuild = nil
            self.notBeforeMs = EventLoop.nowMs() + Self.retryFirstMs
        }
    }

    private func start(_ why: String) {
        node.log.notice("taking a snapshot", ["why": why])
        // Where the log is known, it goes on: what this node acknowledges counts all the while.
        if rebuild == nil || !slave.replica.isLogKnown { slave.suspendLink() }
        take()
    }

    private func take() {
        // Much may have changed since the last attempt.
        let nodes = slave.link.lastBeat?.nodes ?? []
        // Where nobody knows how far this node acknowledged, the master alone is sure to have that.
        let (promise, isUnknown) = rebuild != nil || isForced ? (.start, false) : slave.journal.promise.floor
        givers = SnapshotGivers.inOrder(nodes, own: node.id, floor: max(floor, promise), sparesMaster: sparesMaster && !isUnknown)[...]
        trouble = nil
        askNext()
    }

    /// What is here may have been acknowledged: a copy of less would take that away.
    ///
    /// Of a node whose log parted from the cluster's, its own end says nothing; its master alone is sure to have all that it ever answered for.
    private var floor: Position { rebuild?.floor ?? (isForced ? .start : max(slave.journal.written, node.applied.value)) }
    private var sparesMaster: Bool { rebuild != nil || givenBySlave != floor && !isForced }

    private func askNext() {
        guard let giver = givers.popFirst() else { return pause("no master is known, which must tell who has what") }
        // The master may be reached under another address than it tells.
        let known = giver.role == .master ? slave.link.address : nil
        guard let address = known ?? NodeAddress(giver.address) else { return over(.failed("its address can't be read"), giver) }
        state = .taking(SnapshotTaking(slave, from: giver, at: address, floor: floor) { [weak self] in self?.over($0, giver) })
    }

    private func over(_ end: SnapshotTaking.End, _ giver: NodeStatus) {
        switch end {
        case .ready(let position):
            givenBySlave = giver.role == .slave ? position : nil
            replace(position)
        case .failed(let why):
            if !skips(giver, why) { pause("\(giver.wordsAsGiver): \(why)") }
        case .refused(let why):
            if !skips(giver, why) { giveUp("\(giver.wordsAsGiver): \(why)") }
        }
    }

    /// Asks the next node, where there is one.
    private func skips(_ giver: NodeStatus, _ why: String) -> Bool {
        guard !givers.isEmpty else { return false }
        node.log.warning("there is no snapshot of that node; the next one is asked", ["from": giver.wordsAsGiver, "why": why])
        askNext()
        return true
    }

    private func pause(_ why: String) {
        node.log.warning("the snapshot broke off; it is begun anew", ["why": why, "retry_ms": "\(retryMs)"])
        state = .pausing(why: why)
        retry = node.loop.after(milliseconds: retryMs) { [weak self] in self?.take() }
        retryMs = min(retryMs * 2, Self.retryLastMs)
    }

    /// Back to the binlog, as far as that reaches.
    private func giveUp(_ why: String) {
        node.log.error("there is no snapshot to be had", ["why": why])
        trouble = why
        notBeforeMs = EventLoop.nowMs() + Self.declinedMs
        state = .idle
        rebuild = nil
        slave.resumeLink()
    }

    // MARK: Replacing

    private func replace(_ position: Position) {
        state = .replacing(position)
        retryMs = Self.retryFirstMs
        let isForced = forced != nil
        forced = nil
        do throws(SystemError) { try node.directory.keep(unsettled: nil) } catch { return giveUp("\(error)") }
        if isExternal { return loadLater(position) }
        node.log.notice("the database starts anew on the snapshot", ["position": "\(position)"])
        let (directory, log) = (node.directory.path, node.log)
        let name = "replaced-\(WallClock.milliseconds())"
        node.replaceDatabase {
            if isForced {
                let kept = try SavedBinlog.keep(of: directory + "/mariadb", in: directory + "/cut-off", as: name)
                log.warning("the binlog of the database that is replaced is kept for a look", ["folder": kept])
            }
            try SnapshotFiles(directory: directory).swap()
        } done: { [weak self] problem in
            guard let self else { return }
            guard let problem else { return self.slave.snapshotReplaced() }
            self.giveUp("the snapshot could not be put in place: \(problem)")
        }
    }

    /// The server takes connections: where it runs on a snapshot that it does not know the position of, it is told. `done` hears what is wrong.
    func settle(_ done: @escaping @LoopActor (String?) -> Void) {
        if isExternal { return settleExternal(done) }
        do {
            guard let position = try SnapshotFiles(directory: node.directory.path).pending(), let gtid = position.gtid else { return done(nil) }
            state = .replacing(position)
            // With a position that is behind the tables, what follows on it would be applied twice.
            node.control.query("SELECT @@GLOBAL.gtid_slave_pos AS slave") { [weak self] result in
                guard let self else { return }
                let told: SmallResult
                do { told = try result.get() } catch { return done("the snapshot's position could not be read: \(error)") }
                let found = Position(list: told["slave"] ?? "") ?? .start
                guard found > position else { return self.teach(position, gtid, done) }
                let problem = "it holds \(found) and was said to be at \(position)"
                if !self.databaseFailed(problem) { done(problem) }
            }
        } catch {
            done("\(error)")
        }
    }

    // MARK: An external database

    /// What is whole in the spool goes into the database when that is next connected to.
    private func loadLater(_ position: Position) {
        do { try external.willLoad(position) } catch { return giveUp("\(error)") }
        node.reconnectDatabase("a snapshot is loaded into it")
    }

    private func settleExternal(_ done: @escaping @LoopActor (String?) -> Void) {
        do {
            guard let position = try external.pending() else { return external.lookAround(done) }
            state = .replacing(position)
            external.load(position) { [weak self] problem in
                guard let self else { return }
                if let problem { return done("the snapshot could not be loaded: \(problem)") }
                guard let gtid = position.gtid else { return done("the snapshot has no position") }
                self.teach(position, gtid, done)
            }
        } catch {
            done("\(error)")
        }
    }

    private func teach(_ position: Position, _ gtid: GTID, _ done: @escaping @LoopActor (String?) -> Void) {
        // Before the mark is gone, what the server was told must be on disk: a slave's database does not sync each commit.
        // The binlog's state first: with a commit before it that is not on disk yet, it waits for the server's next flush, for up to a second.
        let statements = [
            "STOP SLAVE", "RESET MASTER", "SET GLOBAL gtid_binlog_state='\(gtid)'", "SET GLOBAL gtid_slave_pos='\(gtid)'",
            "FLUSH LOCAL BINARY LOGS", "FLUSH LOCAL ENGINE LOGS",
        ]
        node.control.queries(statements) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success: self.accept(position, done)
            case .failure(let error): done("the snapshot's position could not be set: \(error)")
            }
        }
    }

    private func accept(_ position: Position, _ done: @escaping @LoopActor (String?) -> Void) {
        do {
            try node.directory.keep(doubtAfter: nil)
            if isExternal {
                try external.accept()
                return inUse(position, done)
            }
            let files = try SnapshotFiles(directory: node.directory.path)
            try files.accept()
            let log = node.log
            Self.queue.async {
                do { try files.removeReplaced() } catch { log.warning("the replaced database could not be removed", ["error": "\(error)"]) }
            }
        } catch {
            return done("\(error)")
        }
        inUse(position, done)
    }

    private func inUse(_ position: Position, _ done: @escaping @LoopActor (String?) -> Void) {
        hasPutBack = false
        node.log.notice("the snapshot is in use", ["position": "\(position)"])
        state = .idle
        trouble = nil
        endRebuild(isInUse: true)
        done(nil)
    }

    private func endRebuild(isInUse: Bool) {
        guard let rebuild else { return }
        self.rebuild = nil
        rebuilt?(rebuild, isInUse)
    }

    func databaseIsDown() { external.databaseIsDown() }

    /// The link goes on from where the database is.
    func isFollowing() { if isExternal { external.isFollowing() } }

    /// The server will not start by itself. True where it ran on a snapshot: then what was there before it is put back.
    func databaseFailed(_ why: String) -> Bool {
        let directory = node.directory.path
        let isPending = (try? SnapshotFiles(directory: directory).pending()) ?? nil
        guard !isExternal, isPending != nil, !hasPutBack else { return false }
        hasPutBack = true
        endRebuild(isInUse: false)
        node.log.error("the database does not start on the snapshot; the old files are put back", ["why": why])
        node.replaceDatabase {
            try SnapshotFiles(directory: directory).undo()
        } done: { [weak self] problem in
            self?.giveUp(problem.map { "\($0)" } ?? "the database does not start on it: \(why.prefix(300))")
        }
        return true
    }

    // MARK: Time

    func tick() { if case .taking(let taking) = state { taking.tick() } }

    func stop() {
        isStopped = true
        node.loop.cancel(retry)
        external.databaseIsDown()
        if case .taking(let taking) = state { taking.stop() }
    }
}

import ClusterModel
import EventLoop
import Failover
import MariaDBConnector
import NodeConfig
import Replication

/// This node's database as a replica of its own journal: when it starts, from where it applies, and how far it may.
@LoopActor final class Replica {
    private static let flushes = ["FLUSH LOCAL BINARY LOGS", "FLUSH LOCAL ENGINE LOGS"]

    /// What a master's database needs, and a slave's can do without.
    static let durability = ["SET GLOBAL sync_binlog=1", "SET GLOBAL innodb_flush_log_at_trx_commit=1"]

    unowned let node: Node
    let journal: Journal
    private let relay: RelayEndpoint
    private let applier: Applier
    private let poll: PositionPoll
    let applyHold: ApplyHold
    private(set) var isDatabaseUp = false
    /// The database was seen, so the journal is known to fit it.
    private(set) var isReconciled = false
    private var isPurging = false
    private var isStarted = false
    private var isClosed = false
    /// The database is not to be started before a snapshot is in its place.
    var isGivenUp = false
    /// What the database must become before it is made a replica: a snapshot's position, for one.
    var settle: @LoopActor (_ done: @escaping @LoopActor (String?) -> Void) -> Void = { $0(nil) }
    /// The database applies; `done` is for whoever serves clients.
    var applies: @LoopActor (_ done: @escaping @LoopActor (String?) -> Void) -> Void = { $0(nil) }
    /// The database got further.
    var moved: (@LoopActor () -> Void)?
    /// The database's replica threads were looked at: why it does not apply; nil: it does.
    var looked: (@LoopActor (ApplyTrouble?) -> Void)? {
        get { applier.looked }
        set { applier.looked = newValue }
    }
    /// The journal begins anew: what a link would go on with does not follow.
    var journalReplaced: (@LoopActor () -> Void)?
    /// The database has what the cluster's log has not: it is to be built anew. Why.
    var diverged: (@LoopActor (String) -> Void)?
    /// How much of the journal enough nodes hold; nothing is known before the master tells.
    private(set) var commitment = Commitment.upTo(.start)

    init(_ node: Node, _ journal: Journal) throws {
        self.node = node
        self.journal = journal
        relay = try RelayEndpoint(node.loop, node.log, journal)
        applier = Applier(node.loop, node.control, node.applied, node.log)
        applyHold = ApplyHold(node.loop, relay, journal)
        poll = PositionPoll(
            node.loop, node.positions, node.applied, variable: "gtid_slave_pos", idleMs: min(500, node.settings.replication.heartbeatMs))
        poll.goal = { [weak self] in self?.mayApply ?? .start }
        poll.moved = { [weak self] in self?.moved?() }
        relay.notReaching = { [weak self] in self?.journalDoesNotReach($0) }
        relay.damaged = { [weak self] in self?.journalIsDamaged() }
    }

    /// Hears of journal and database itself, as before another life did.
    func takesOverAgain() {
        journal.grew = { [weak self] in self?.journalGrew() }
        poll.listen()
    }

    /// Of the rebuilds that it went through.
    var rebuildRule = RebuildRule()

    var applierState: Applier.State { applier.state }
    /// Why the database does not apply what is here; nil: it does, or does not run.
    var trouble: ApplyTrouble? { if case .failed(let trouble) = applier.state { trouble } else { nil } }

    /// A copy of the database is made.
    var isCopied: Bool {
        get { applier.isCopied }
        set { applier.isCopied = newValue }
    }

    /// Whether the node's log is known to its end: the journal's, unless that holds nothing and the database was not seen.
    var isLogKnown: Bool { isReconciled || !journal.isEmptyAndNew }

    /// The end of the node's log.
    var logEnd: Position { max(journal.written, isReconciled ? node.applied.value : .start) }

    // MARK: Starting

    /// Starts the database, once it is known what is to become of what it wrote as master.
    func startDatabaseIfSettled() {
        guard !isStarted, !isClosed, !isGivenUp else { return }
        guard let unsettled = node.directory.state.unsettled else { return startDatabase(rollsBack: false) }
        guard journal.history.holds(unsettled) else {
            node.log.notice("the database starts without what it wrote last as master, which the cluster does not have", ["upto": "\(unsettled)"])
            return startDatabase(rollsBack: true)
        }
        let isCommitted = if case .upTo(let position) = commitment { unsettled <= position } else { true }
        if isCommitted { startDatabase(rollsBack: false) }
    }

    private func startDatabase(rollsBack: Bool) {
        isStarted = true
        node.startDatabase(NodeDatabase.ServerStart(role: .slave, serverID: WriterID.idle(node.id), rollsBack: rollsBack))
    }

    /// What a client is told while the database is not started.
    var isWaitingForVerdict: Bool { !isStarted }

    // MARK: The database

    /// Makes the database apply the journal; `done` hears what is wrong, or nil.
    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void) {
        isDatabaseUp = true
        isStarted = true
        settle { [weak self] problem in
            if let problem { return done(problem) }
            self?.findPositions(done)
        }
    }

    private func findPositions(_ done: @escaping @LoopActor (String?) -> Void) {
        var statements = ["SET GLOBAL read_only=1", "SET GLOBAL server_id=\(WriterID.idle(node.id))"]
        // Of the recovery that took something back; towards the journal nothing of it is wanted.
        if node.settings.database.mode == .private { statements.append("SET GLOBAL rpl_semi_sync_slave_enabled=OFF") }
        node.control.queries(statements) { [weak self] result in
            guard let self else { return }
            if case .failure(let error) = result { return done("the database could not be made a slave's: \(error)") }
            self.applier.positions(own: [self.node.id, .unnamed]) { [weak self] result in
                switch result {
                case .failure(let error): done("the database's position could not be read: \(error)")
                case .success(let positions): self?.reconcile(positions, done)
                }
            }
        }
    }

    /// Makes journal and database fit, then has the database apply.
    private func reconcile(_ positions: Applier.Positions, _ done: @escaping @LoopActor (String?) -> Void) {
        // Without syncing each commit, the machine's end may have taken rows that the binlog still names.
        let isDoubtful = node.directory.machineRestarted && positions.slave < positions.binlog && node.directory.state.unsettled == nil
        guard isDoubtful || positions.hasOwnTail else { return join(positions, done) }
        // The tables decide, the journal fills in. With the binlog as it is, strict GTIDs would refuse the master's next transactions.
        node.log.warning("the database's binlog says other than its tables; the journal replays what they lack", ["after": "\(positions.slave)"])
        // A DDL statement that is whole but for its bookkeeping counts as applied, where the machine did not go down.
        let applied = isDoubtful ? positions.slave : max(positions.slave, positions.binlog)
        // Before the binlog that tells of it is gone.
        if positions.hasOwnTail {
            do throws(SystemError) { try node.directory.keep(doubtAfter: applied) } catch { return done("\(error)") }
        }
        // An empty binlog would say that nothing came before it.
        let state = applied.gtid.map { ["SET GLOBAL gtid_binlog_state='\($0)'"] } ?? []
        node.control.queries(["STOP SLAVE", "RESET MASTER"] + state) { [weak self] result in
            if case .failure(let error) = result { return done("the database's binlog could not be reset: \(error)") }
            self?.join(Applier.Positions(slave: positions.slave, binlog: applied, hasOwnTail: positions.hasOwnTail), done)
        }
    }

    /// The database's tables are what its positions say.
    private func join(_ positions: Applier.Positions, _ done: @escaping @LoopActor (String?) -> Void) {
        let repaired = positions.slave < positions.binlog ? positions.binlog : nil
        let applied = max(positions.slave, positions.binlog)
        // What was given up with an earlier master, another transaction may have the number of by now.
        if journal.history.contradicts(applied) || node.directory.state.unsettled != nil && !journal.history.holds(applied) {
            let why = "its database is at \(applied), which the cluster's log does not hold"
            diverged?(why)
            return done(why)
        }
        do throws(SystemError) {
            try node.directory.keepBoot()
            try node.directory.keep(unsettled: nil)
            if node.directory.state.doubtAfter ?? applied != applied { try node.directory.keep(doubtAfter: nil) }
        } catch {
            return done("\(error)")
        }
        if let repaired { node.log.notice("the database's binlog was ahead of its position table", ["position": "\(repaired)"]) }
        node.applied.advanced(to: applied)
        if commitment != .all { committed(.upTo(applied)) }
        let reaches = (journal.index.first ?? journal.written) <= applied && applied <= journal.written
        if reaches || (journal.index.segments.isEmpty && journal.written == applied) { return startApplying(repaired, done) }
        node.log.notice("the journal begins anew", ["journal": "\(journal.written)", "database": "\(applied)"])
        // What is not in the journal must be durable in the database.
        node.control.queries(Self.flushes) { [weak self] result in
            if case .failure(let error) = result { return done("the database could not be flushed: \(error)") }
            // Now, not before: a link made meanwhile would go on behind what the journal ended with.
            self?.journalReplaced?()
            self?.journal.startOver(after: applied) { [weak self] problem in
                if let problem { return done("the journal could not begin anew: \(problem)") }
                self?.startApplying(repaired, done)
            }
        }
    }

    /// The database asked for what the journal does not hold, so the two are brought together again.
    private func journalDoesNotReach(_ position: Position) {
        guard isDatabaseUp, isReconciled, !isClosed else { return }
        isReconciled = false
        node.snapshots.close("the giving node's database is brought in line with its journal")
        let done: @LoopActor (String?) -> Void = { [weak self] problem in
            guard let self, let problem else { return }
            self.node.log.error("journal and database do not fit", ["error": problem])
            // The database asks again, and so does this.
            self.isReconciled = true
        }
        applier.positions(own: [node.id, .unnamed]) { [weak self] result in
            switch result {
            case .success(let positions): self?.reconcile(positions, done)
            case .failure(let error): done("\(error)")
            }
        }
    }

    /// The files are looked through as at a start; what the database lacks then, it asks for.
    private func journalIsDamaged() {
        guard !isClosed else { return }
        journalReplaced?()
        journal.lookThrough { [weak self] problem in
            guard let self else { return }
            if let problem { return self.node.log.error("the damaged journal can't be brought in order", ["error": "\(problem)"]) }
            self.journal.tellFindings(self.node.log)
        }
    }

    private func startApplying(_ repaired: Position?, _ done: @escaping @LoopActor (String?) -> Void) {
        applier.start(port: relay.port, login: relay.login, repaired: repaired, doubtfulAfter: node.directory.state.doubtAfter) {
            [weak self] problem in
            guard let self, !self.isClosed else { return }
            if let problem { return done(problem) }
            self.isReconciled = true
            self.poll.start()
            self.applies(done)
            self.moved?()
        }
    }

    func databaseIsDown() {
        isDatabaseUp = false
        isReconciled = false
        poll.stop()
        applier.databaseIsDown()
    }

    // MARK: How far

    /// What may be applied of what is here.
    var mayApply: Position {
        switch commitment {
        case .all: journal.written
        case .upTo(let position): min(position, journal.received)
        }
    }

    /// So much is committed. It is never less than before, whatever a master says that does not know yet.
    func committed(_ new: Commitment) {
        switch (commitment, new) {
        case (.upTo(let old), .upTo(let position)) where position <= old: return
        case (.all, .upTo(let position)): commitment = .upTo(max(position, node.applied.value))
        default: commitment = new
        }
        journal.isAwaited = commitment != .all
        limitRelay()
        poll.goalMoved()
        startDatabaseIfSettled()
    }

    /// Not past what is durable here: a database that is ahead of its journal leaves a gap in it.
    private func limitRelay() {
        switch commitment {
        case .all: relay.limit = .max
        case .upTo: relay.limit = max(mayApply, node.applied.value).sequence
        }
    }

    /// More of the journal is durable.
    func becameDurable() {
        limitRelay()
        poll.goalMoved()
    }

    func journalGrew() {
        relay.journalGrew()
        poll.goalMoved()
    }

    /// Forgets what the database has, once the database's own files have it durably: it runs without syncing each commit.
    func purge() {
        let applied = node.applied.value
        guard isDatabaseUp, isReconciled, !isPurging, journal.index.canPurge(upTo: applied) else { return }
        isPurging = true
        node.control.queries(Self.flushes) { [weak self] result in
            guard let self, !self.isClosed else { return }
            self.isPurging = false
            switch result {
            case .success: self.journal.purge(upTo: applied)
            case .failure(let error): self.node.log.warning("the database could not be flushed, so the journal is kept", ["error": "\(error)"])
            }
        }
    }

    // MARK: The end

    /// The database is its master's no more, but its own, with all of the journal; `done` hears what is wrong.
    func release(_ done: @escaping @LoopActor (String?) -> Void) {
        applier.databaseIsDown()
        poll.stop()
        let statements =
            ["STOP SLAVE", "RESET SLAVE ALL"] + Self.durability + Self.flushes
        node.control.queries(statements) { result in
            if case .failure(let error) = result { done("the database could not be made a master's: \(error)") } else { done(nil) }
        }
    }

    func close() {
        isClosed = true
        poll.stop()
        applier.databaseIsDown()
        relay.close()
        (journal.grew, journal.becameDurable, journal.drained, journal.failed) = (nil, nil, nil, nil)
    }
}

import ClusterModel
import Digests
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// What a node does as slave: receives the master's events into its journal, and has its database apply them from there.
@LoopActor final class SlaveLife: RoleLife {
    private static let tickMs = 500
    private static let flushes = ["FLUSH LOCAL BINARY LOGS", "FLUSH LOCAL ENGINE LOGS"]

    unowned let node: Node
    private let journal: Journal
    private let relay: RelayEndpoint
    private let applier: Applier
    private let poll: PositionPoll
    private lazy var snapshot = SlaveSnapshot(self, master: masterAddress)
    private lazy var master = MasterConnection(self, journal, master: masterAddress)
    private let masterAddress: NodeAddress
    private var timer: TimerID?
    /// Nobody reads it yet; a slave that became master would need it for the others.
    private lazy var binlog = BinlogPurge(node) { [unowned self] in
        master.lastBeat?.nodes.filter { $0.id != node.id }.map(\.received).min() ?? .start
    }
    private var isPurging = false
    private var isDatabaseUp = false
    /// The database was seen, so the journal is known to fit it.
    private var isReconciled = false
    private var isLinkStarted = false
    private var whenCaughtUp: (@LoopActor () -> Void)?
    /// How much of the journal enough nodes hold; nothing is known before the master tells.
    private var commitment = Commitment.upTo(.start)
    private var freshness = Freshness()
    let writeRefusal: ReplyError? = nil
    private(set) lazy var applyHold: ApplyHold? = ApplyHold(node.loop, relay, journal)

    init(_ node: Node, _ journal: Journal, master: NodeAddress) throws {
        self.node = node
        self.journal = journal
        masterAddress = master
        relay = try RelayEndpoint(node.loop, node.log, journal)
        applier = Applier(node.loop, node.control, node.applied, node.log)
        poll = PositionPoll(
            node.loop, node.control, node.applied, variable: "gtid_slave_pos", idleMs: min(500, node.settings.replication.heartbeatMs))
        poll.goal = { [unowned self] in mayApply }
        poll.moved = { [weak self] in
            guard let self else { return }
            self.freshness.applied(self.node.applied.value)
            self.master.tell()
        }
        journal.grew = { [weak self] in self?.journalGrew() }
        journal.becameDurable = { [weak self] in self?.master.tell() }
        journal.drained = { [weak self] in self?.master.journalMoved() }
        journal.failed = { [weak self] in self?.master.journalFailed($0) }
        relay.notReaching = { [weak self] in self?.journalDoesNotReach($0) }
        tickLater()
    }

    // MARK: The database

    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void) {
        isDatabaseUp = true
        snapshot.settle { [self] problem in
            if let problem { return done(problem) }
            findPositions(done)
        }
    }

    private func findPositions(_ done: @escaping @LoopActor (String?) -> Void) {
        node.control.queries(["SET GLOBAL read_only=1", "SET GLOBAL server_id=\(node.serverID)"]) { [self] result in
            if case .failure(let error) = result { return done("the database could not be made a slave's: \(error)") }
            applier.positions(own: [node.id, .unnamed]) { [self] result in
                switch result {
                case .failure(let error): done("the database's position could not be read: \(error)")
                case .success(let positions): reconcile(positions, done)
                }
            }
        }
    }

    /// Makes journal and database fit, then has the database apply.
    private func reconcile(_ positions: Applier.Positions, _ done: @escaping @LoopActor (String?) -> Void) {
        // Without syncing each commit, the machine's end may have taken rows that the binlog still names.
        let isDoubtful = node.directory.machineRestarted && positions.slave < positions.binlog
        guard isDoubtful || positions.hasOwnTail else { return join(positions, done) }
        // The tables decide, the journal fills in. With the binlog as it is, strict GTIDs would refuse the master's next transactions.
        node.log.warning("the database's binlog says other than its tables; the journal replays what they lack", ["after": "\(positions.slave)"])
        // A DDL statement that is whole but for its bookkeeping counts as applied, where the machine did not go down.
        let applied = isDoubtful ? positions.slave : max(positions.slave, positions.binlog)
        // Before the binlog that tells of it is gone.
        if positions.hasOwnTail {
            do throws(SystemError) { try node.directory.keep(doubtAfter: applied) } catch { return done("\(error)") }
        }
        node.control.queries(["STOP SLAVE", "RESET MASTER"]) { [self] result in
            if case .failure(let error) = result { return done("the database's binlog could not be reset: \(error)") }
            join(Applier.Positions(slave: positions.slave, binlog: applied, hasOwnTail: positions.hasOwnTail), done)
        }
    }

    /// The database's tables are what its positions say.
    private func join(_ positions: Applier.Positions, _ done: @escaping @LoopActor (String?) -> Void) {
        let repaired = positions.slave < positions.binlog ? positions.binlog : nil
        let applied = max(positions.slave, positions.binlog)
        do throws(SystemError) {
            try node.directory.keepBoot()
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
        master.journalReplaced()
        // What is not in the journal must be durable in the database.
        node.control.queries(Self.flushes) { [self] result in
            if case .failure(let error) = result { return done("the database could not be flushed: \(error)") }
            journal.startOver(after: applied) { [self] problem in
                if let problem { return done("the journal could not begin anew: \(problem)") }
                startApplying(repaired, done)
            }
        }
    }

    /// The database asked for what the journal does not hold, so the two are brought together again.
    private func journalDoesNotReach(_ position: Position) {
        guard isDatabaseUp, isReconciled else { return }
        isReconciled = false
        let done: @LoopActor (String?) -> Void = { [weak self] problem in
            guard let self, let problem else { return }
            self.node.log.error("journal and database do not fit", ["error": problem])
            // The database asks again, and so does this.
            self.isReconciled = true
        }
        applier.positions(own: [node.id, .unnamed]) { [self] result in
            switch result {
            case .success(let positions): reconcile(positions, done)
            case .failure(let error): done("\(error)")
            }
        }
    }

    private func startApplying(_ repaired: Position?, _ done: @escaping @LoopActor (String?) -> Void) {
        applier.start(port: relay.port, login: relay.login, repaired: repaired, doubtfulAfter: node.directory.state.doubtAfter) { [self] problem in
            if let problem { return done(problem) }
            isReconciled = true
            poll.start()
            if !isLinkStarted {
                isLinkStarted = true
                master.start()
            }
            if !snapshot.isUnderWay { master.resume() }
            // A slave that has nothing yet would answer that there is nothing: it serves once it has what its master has.
            guard node.applied.value == .start else { return done(nil) }
            let earlier = whenCaughtUp
            whenCaughtUp = {
                earlier?()
                done(nil)
            }
        }
    }

    func databaseFailed(_ why: String) -> Bool { snapshot.databaseFailed(why) }
    var notReady: ReplyError? { snapshot.notReady }

    func databaseIsDown() {
        isDatabaseUp = false
        isReconciled = false
        whenCaughtUp = nil
        poll.stop()
        applier.databaseIsDown()
    }

    // MARK: The link

    func joined(_ id: NodeID, master: NodeID, epoch: Epoch, _ done: @escaping @LoopActor () -> Void) {
        node.epoch = epoch
        guard node.directory.state.id != id else { return done() }
        do {
            try node.directory.keep(id: id)
        } catch {
            node.log.error("the id given by the master could not be stored", ["error": "\(error)"])
            return
        }
        node.log.notice("joined the cluster", ["id": "\(id)"])
        node.control.query("SET GLOBAL server_id=\(node.serverID)") { _ in done() }
    }

    func linkChanged() { master.tell() }

    /// Who this node is, for a new link; its proof is not made yet.
    func hello() throws -> Frame.Hello {
        Frame.Hello(
            cluster: node.settings.cluster.name, uuid: node.directory.state.uuid,
            id: node.directory.state.id?.rawValue ?? node.settings.id?.rawValue ?? 0, address: node.address, nonce: try Digests.random(32), proof: [])
    }

    var ack: Frame.Ack { Frame.Ack(received: journal.received, applied: node.applied.value, state: stateWord, beat: master.heardBeat) }

    // MARK: Snapshots

    /// The master told how far it is, or that it can't send what comes next.
    func considerSnapshot() {
        guard isReconciled, let beat = master.lastBeat, master.isHeard else { return }
        let gone: String? = if case .gone(let why) = master.state { why } else { nil }
        snapshot.consider(SnapshotRule.Facts(written: journal.written, applied: node.applied.value, master: beat.position, gone: gone))
    }

    func suspendLink() { master.suspend() }
    func resumeLink() { master.resume() }
    func heardOverSnapshot(_ beat: Frame.Beat) { master.heardElsewhere(beat) }

    /// The master told how far it is, or the database got further.
    func checkCaughtUp() {
        if let beat = master.lastBeat { freshness.heard(beat.position, nowMs: master.lastBeatMs) }
        freshness.applied(node.applied.value)
        guard let ready = whenCaughtUp, let goal = master.lastBeat?.position, goal <= node.applied.value else { return }
        whenCaughtUp = nil
        ready()
    }

    // MARK: How far

    /// What may be applied of what is here.
    private var mayApply: Position {
        switch commitment {
        case .all: journal.written
        case .upTo(let position): min(position, journal.written)
        }
    }

    /// The master says how much is committed. It is never less than before, whatever a master says that does not know yet.
    func committed(_ new: Commitment) {
        switch (commitment, new) {
        case (.upTo(let old), .upTo(let position)) where position <= old: return
        case (.all, .upTo(let position)): commitment = .upTo(max(position, node.applied.value))
        default: commitment = new
        }
        switch commitment {
        case .all: (relay.limit, journal.isAwaited) = (.max, false)
        case .upTo(let position): (relay.limit, journal.isAwaited) = (position.sequence, true)
        }
        poll.goalMoved()
    }

    private func journalGrew() {
        relay.journalGrew()
        poll.goalMoved()
    }

    // MARK: Time

    private func tickLater() {
        timer = node.loop.after(milliseconds: Self.tickMs) { [weak self] in self?.tick() }
    }

    private func tick() {
        master.tick()
        snapshot.tick()
        master.tell()
        checkCaughtUp()
        purge()
        if isDatabaseUp { binlog.tick() }
        tickLater()
    }

    /// Forgets what the database has, once the database's own files have it durably: it runs without syncing each commit.
    private func purge() {
        let applied = node.applied.value
        guard isDatabaseUp, !isPurging, journal.index.canPurge(upTo: applied) else { return }
        isPurging = true
        node.control.queries(Self.flushes) { [weak self] result in
            guard let self else { return }
            self.isPurging = false
            switch result {
            case .success: self.journal.purge(upTo: applied)
            case .failure(let error): self.node.log.warning("the database could not be flushed, so the journal is kept", ["error": "\(error)"])
            }
        }
    }

    // MARK: Telling

    func linkArrived(_ channel: Channel, rest: [UInt8]) {
        let refusal = LinkRefusal(.notMaster, "node \(node.id) at \(node.address) is a slave; its master is at \(masterAddress)")
        let frame = Frame.refused(refusal)
        channel.write { frame.encode(into: &$0) }
        channel.closeWhenSent()
    }

    func passed(_ position: Position) {}

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) { master.ask(done) }
    var stalenessMs: Int? { freshness.stalenessMs(nowMs: EventLoop.nowMs()) }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        throw ReplyError(.notMaster, "only the master removes nodes; it is at \(masterAddress)")
    }

    var stateWord: String {
        if case .failed = applier.state { return "apply-failed" }
        if snapshot.isUnderWay { return "taking-snapshot" }
        guard isDatabaseUp else { return "database-down" }
        guard case .receiving = master.state else { return master.state.word }
        let behind = node.applied.value < mayApply || journal.written < (master.lastBeat?.position ?? .start)
        return behind ? "catching-up" : "streaming"
    }

    func nodes() -> [NodeStatus] {
        let now = EventLoop.nowMs()
        var all = master.lastBeat?.nodes ?? []
        let age = master.lastBeat == nil ? 0 : now - master.lastBeatMs
        // The master told how long ago it had heard each, itself just then.
        for index in all.indices {
            all[index].lastSeenMs = all[index].lastSeenMs.map { $0 + age }
            if all[index].role == .master, !master.isHeard { all[index].state = "away" }
        }
        let told = all.first { $0.id == node.id }
        let own = NodeStatus(
            id: node.id, role: .slave, address: node.address, state: stateWord, received: journal.received, applied: node.applied.value,
            lagMs: told?.lagMs, lastSeenMs: 0)
        all.removeAll { $0.id == node.id }
        return (all + [own]).sorted { $0.id < $1.id }
    }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [
            ["received", "\(journal.received)"], ["committed", commitmentWords], ["applied", "\(node.applied.value)"],
            ["link", linkWords], ["link.received_bytes", "\(master.receivedBytes)"], ["applier", applierWords],
            ["journal.files", "\(journal.index.segments.count)"], ["journal.bytes", "\(journal.index.totalBytes)"],
        ]
        rows += snapshot.statusRows
        if let beat = master.lastBeat {
            rows.append(["master.position", "\(beat.position)"])
            rows.append(["master.last_heard_ms", "\(EventLoop.nowMs() - master.lastBeatMs)"])
        }
        if let lag = nodes().first(where: { $0.id == node.id })?.lagMs { rows.append(["lag_ms", "\(lag)"]) }
        return rows + binlog.statusRows
    }

    private var commitmentWords: String {
        switch commitment {
        case .all: "\(journal.received)"
        case .upTo(let position): "\(position)"
        }
    }

    private var linkWords: String {
        if let words = snapshot.words { return "taking-snapshot: \(words)" }
        return switch master.state {
        case .connecting: "connecting to \(masterAddress)"
        case .receiving: "receiving from \(masterAddress)"
        case .away(let why), .refused(let why), .journalFailed(let why): "\(master.state.word): \(why)"
        case .gone(let why): "needs-snapshot: \(snapshot.trouble ?? why)"
        }
    }

    private var applierWords: String {
        switch applier.state {
        case .stopped: "stopped"
        case .running: "running"
        case .failed(let why): "failed: \(why)"
        }
    }

    var health: String {
        if case .failed(let why) = applier.state { return "This slave's database does not apply what it receives: \(why)" }
        if let words = snapshot.words { return "This slave takes a snapshot of its master's database: \(words)." }
        guard isDatabaseUp else { return "This slave's database is down; the node starts it again." }
        switch master.state {
        case .receiving:
            let behind = node.applied.value < (master.lastBeat?.position ?? .start)
            return behind ? "This slave follows its master and is catching up." : "All is well: this slave has what its master has."
        case .connecting, .away: return "This slave does not reach its master at \(masterAddress); it serves what it has and tries again."
        case .gone(let why):
            return "This slave needs a snapshot: its master's binlog does not hold what comes next (\(why))."
                + (snapshot.trouble.map { " There is none: \($0)." } ?? "")
        case .refused(let why): return "This slave is not let in by its master: \(why)"
        case .journalFailed(let why): return "This slave can't write its journal: \(why)"
        }
    }

    func stop() {
        node.loop.cancel(timer)
        poll.stop()
        master.stop()
        snapshot.stop()
        relay.close()
    }
}

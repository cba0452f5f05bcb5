import BinlogFormat
import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// What a node does that follows a master, or looks for one: receives the master's events into its journal, and has its database apply them from there.
@LoopActor final class SlaveLife: RoleLife {
    private static let tickMs = 500
    /// A frame's text holds 1 KiB.
    private static let causeBytesMax = 900

    unowned let node: Node
    let role = Role.slave
    let replica: Replica
    private(set) lazy var snapshot = SlaveSnapshot(self)
    private(set) lazy var rebuilding = Rebuilding(self)
    private(set) lazy var shortLog = ShortLog(self)
    private lazy var master = MasterConnection(self, journal)
    private var timer: TimerID?
    /// Nobody reads it yet; a slave that became master would need it for the others.
    private lazy var binlog = BinlogPurge(node) { [unowned self] in
        link.lastBeat?.nodes.filter { $0.id != node.id && $0.role != .witness }.map(\.received).min() ?? .start
    }
    private var whenCaughtUp: (@LoopActor () -> Void)?
    private var freshness = Freshness()
    let writeRefusal: ReplyError? = nil
    var link: LeaderLink { master.link }
    var leaderLink: LeaderLink? { link }
    var applyHold: ApplyHold? { replica.applyHold }
    var journal: Journal { replica.journal }
    private var isDatabaseUp: Bool { replica.isDatabaseUp }

    /// - Parameter master: where to look for the master first; nil: it will say so itself.
    init(_ node: Node, _ replica: Replica, master: NodeAddress?) {
        self.node = node
        self.replica = replica
        replica.takesOverAgain()
        replica.settle = { [weak self] done in if let self { self.snapshot.settle(done) } else { done(nil) } }
        replica.applies = { [weak self] done in if let self { self.applies(done) } else { done(nil) } }
        replica.moved = { [weak self] in
            guard let self else { return }
            self.freshness.applied(self.node.applied.value)
            self.link.tell()
        }
        replica.journalReplaced = { [weak self] in self?.master.journalReplaced() }
        replica.diverged = { [weak self] in self?.diverged($0) }
        replica.looked = { [weak self] in
            self?.rebuilding.looked($0)
            // The master must not choose it as the next one.
            if $0 != nil { self?.link.tell() }
        }
        snapshot.rebuilt = { [weak self] in self?.rebuilding.ended($0, isInUse: $1) }
        journal.becameDurable = { [weak self] in
            // First of all the master: a commit waits for that.
            self?.master.journalBecameDurable()
            self?.replica.becameDurable()
        }
        journal.drained = { [weak self] in self?.master.journalMoved() }
        journal.failed = { [weak self] in self?.master.journalFailed($0) }
        if let master { link.follow(master) }
        tickLater()
    }

    /// Looks for its master, and starts the database as soon as that may run.
    func begin() {
        replica.startDatabaseIfSettled()
        // Without a database's word an empty journal does not know where it ends.
        if replica.isLogKnown || replica.isGivenUp { link.begin() }
    }

    // MARK: The database

    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void) {
        rebuilding.databaseIsUp()
        replica.databaseIsUp(done)
    }

    private func applies(_ done: @escaping @LoopActor (String?) -> Void) {
        link.begin()
        if !snapshot.isUnderWay { master.resume() }
        // A slave that has nothing yet would answer that there is nothing: it serves once it has what its master has.
        guard node.applied.value == .start else { return done(nil) }
        let earlier = whenCaughtUp
        whenCaughtUp = {
            earlier?()
            done(nil)
        }
    }

    func databaseFailed(_ why: String) -> Bool {
        if snapshot.databaseFailed(why) { return true }
        if node.directory.state.unsettled != nil {
            diverged("its database can't give up what only it has: \(why.prefix(300))")
            return true
        }
        // Of a cluster that knows it, a node votes and keeps the log without a database, too.
        guard node.membership.configuration.voters.contains(node.id), node.settings.database.mode == .private else { return false }
        rebuilding.databaseFailed(why)
        return true
    }

    /// The database has what the cluster has not, so it is built anew.
    func diverged(_ why: String) {
        node.log.error("this node's database parted from the cluster; it is built anew from a snapshot", ["why": why])
        snapshot.isNeeded(why)
        considerSnapshot()
    }

    var notReady: ReplyError? {
        if let error = snapshot.notReady { return error }
        if let words = rebuilding.databaseWords { return ReplyError(.databaseDown, words) }
        guard replica.isWaitingForVerdict else { return nil }
        return ReplyError(.notReady, "this node was master, and finds out what became of its last writes before it serves; try again shortly")
    }

    func databaseIsDown() {
        whenCaughtUp = nil
        snapshot.databaseIsDown()
        replica.databaseIsDown()
    }

    // MARK: The link

    /// This node has another number.
    func named(_ id: NodeID, _ done: @escaping @LoopActor () -> Void) {
        guard isDatabaseUp else { return done() }
        node.control.query("SET GLOBAL server_id=\(WriterID.idle(id))") { _ in done() }
    }

    /// Who this node is, to whoever gives a snapshot.
    func hello() throws -> Frame.Hello { try node.hello() }

    var ack: Frame.Ack {
        Frame.Ack(
            received: journal.received, applied: node.applied.value, state: ackState, beat: link.heardBeat,
            members: "\(node.membership.configuration.stamp)")
    }

    /// The word, and after a blank why it can't apply, where that is so.
    private var ackState: String {
        guard let trouble = replica.trouble else { return stateWord }
        return String(decoding: "\(stateWord) \(trouble.description)".replacing("\n", with: " ").utf8.prefix(Self.causeBytesMax), as: UTF8.self)
    }

    // MARK: Snapshots

    /// The master told how far it is, or that it can't send what comes next.
    func considerSnapshot() {
        // Over a link whose logs don't fit no beat comes.
        if snapshot.isForced, link.isJoined { return snapshot.beginForced() }
        guard replica.isReconciled, let beat = link.lastBeat, link.isHeard else { return }
        let gone: String? = if case .gone(let why) = link.state { why } else { nil }
        snapshot.consider(
            SnapshotRule.Facts(written: journal.written, applied: node.applied.value, master: beat.position, gone: gone))
    }

    var isTakingSnapshot: Bool { snapshot.isUnderWay }
    func suspendLink() { master.suspend() }
    func resumeLink() { master.resume() }

    /// Why no snapshot of its database can be given; nil: it can.
    var snapshotRefusal: String? {
        if snapshot.isUnderWay { return "it takes a snapshot itself" }
        guard isDatabaseUp, replica.isReconciled, replica.applierState == .running else { return "its database does not apply now" }
        return node.applied.value == .start ? "it has nothing yet" : nil
    }
    /// The snapshot is in place of files on which no database was started.
    func snapshotReplaced() {
        replica.isGivenUp = false
        replica.startDatabaseIfSettled()
    }

    /// The master told how far it is, or the database got further.
    func checkCaughtUp() {
        if let beat = link.lastBeat { freshness.heard(beat.position, nowMs: link.lastBeatMs) }
        freshness.applied(node.applied.value)
        shortLog.look()
        guard let ready = whenCaughtUp, let goal = link.lastBeat?.position, goal <= node.applied.value else { return }
        whenCaughtUp = nil
        ready()
    }

    func committed(_ new: Commitment) { replica.committed(new) }

    // MARK: Time

    private func tickLater() {
        timer = node.loop.after(milliseconds: Self.tickMs) { [weak self] in self?.tick() }
    }

    private func tick() {
        link.tick()
        snapshot.tick()
        node.snapshots.tick()
        link.tell()
        checkCaughtUp()
        replica.purge()
        if case .receiving = link.state, replica.isReconciled { snapshot.isFollowing() }
        if isDatabaseUp { binlog.tick() }
        tickLater()
    }

    // MARK: Telling

    func linkArrived(_ channel: Channel, rest: [UInt8]) {
        node.refuseLink(channel, of: "slave")
    }

    func passed(_ position: Position) {}

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) { master.ask(done) }
    var stalenessMs: Int? { freshness.stalenessMs(nowMs: EventLoop.nowMs()) }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        throw ReplyError(.notMaster, "only the master removes nodes; it is at \(node.masterWords)")
    }

    var stateWord: String {
        if replica.trouble != nil { return "apply-failed" }
        if snapshot.isUnderWay { return "taking-snapshot" }
        if replica.isWaitingForVerdict { return "rejoining" }
        guard isDatabaseUp else { return rebuilding.databaseWords == nil ? "database-down" : "database-failed" }
        if let trouble = node.probe.trouble { return trouble.stateWord }
        guard case .receiving = link.state else { return link.state.word }
        let behind = node.applied.value < replica.mayApply || journal.written < (link.lastBeat?.position ?? .start)
        return behind ? "catching-up" : "streaming"
    }

    func nodes() -> [NodeStatus] {
        let all = link.lastBeat?.nodes ?? []
        let told = all.first { $0.id == node.id }
        let own = NodeStatus(
            id: node.id, role: .slave, address: node.address, state: stateWord, received: journal.received, applied: node.applied.value,
            lagMs: told?.lagMs, lastSeenMs: 0)
        return all.heard(
            msAgo: link.lastBeat == nil ? 0 : EventLoop.nowMs() - link.lastBeatMs, isMasterHeard: link.isHeard, own: own)
    }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [
            ["received", "\(journal.received)"], ["committed", commitmentWords], ["applied", "\(node.applied.value)"],
            ["link", linkWords], ["link.received_bytes", "\(link.receivedBytes)"], ["applier", applierWords],
            ["journal.files", "\(journal.index.segments.count)"], ["journal.bytes", "\(journal.index.totalBytes)"],
        ]
        rows += shortLog.statusRows + snapshot.statusRows + rebuilding.statusRows
        if let beat = link.lastBeat {
            rows.append(["master.position", "\(beat.position)"])
            rows.append(["master.last_heard_ms", "\(EventLoop.nowMs() - link.lastBeatMs)"])
        }
        if let lag = nodes().first(where: { $0.id == node.id })?.lagMs { rows.append(["lag_ms", "\(lag)"]) }
        return rows + node.snapshots.statusRows + binlog.statusRows
    }

    private var commitmentWords: String {
        switch replica.commitment {
        case .all: "\(journal.received)"
        case .upTo(let position): "\(position)"
        }
    }

    private var masterWords: String { link.address?.description ?? "a master that is not known yet" }

    private var linkWords: String {
        if let words = snapshot.words { return "taking-snapshot: \(words)" }
        return switch link.state {
        case .connecting: "connecting to \(masterWords)"
        case .receiving: "receiving from \(masterWords)"
        case .away(let why), .refused(let why), .journalFailed(let why): "\(link.state.word): \(why)"
        case .gone(let why): "needs-snapshot: \(snapshot.trouble ?? why)"
        }
    }

    private var applierWords: String {
        switch replica.applierState {
        case .stopped: "stopped"
        case .running: "running"
        case .failed(let trouble): "failed: \(trouble.description)"
        }
    }

    var health: String {
        guard let lost = shortLog.health else { return healthOfLink }
        // The rest may say that all is well.
        if case .receiving = link.state, snapshot.words == nil, replica.trouble == nil { return lost }
        return lost + " " + healthOfLink
    }

    private var healthOfLink: String {
        if let trouble = replica.trouble {
            return "This slave's database does not apply what it receives: \(trouble.description). \(rebuilding.remedy(trouble))"
        }
        if let words = snapshot.words { return "This slave takes a snapshot of the cluster's data: \(words)." }
        if replica.isWaitingForVerdict {
            return "This node was master; it starts its database once the cluster has told it what became of its last writes."
        }
        guard isDatabaseUp else {
            return rebuilding.databaseWords.map { "This slave's \($0)." } ?? "This slave's database is down; the node starts it again."
        }
        switch link.state {
        case .receiving:
            let behind = node.applied.value < (link.lastBeat?.position ?? .start)
            return behind ? "This slave follows its master and is catching up." : "All is well: this slave has what its master has."
        case .connecting, .away: return "This slave does not reach its master at \(masterWords); it serves what it has and tries again."
        case .gone(let why):
            return "This slave needs a snapshot: its master's binlog does not hold what comes next (\(why))."
                + (snapshot.trouble.map { " There is none: \($0)." } ?? "")
        case .refused(let why): return "This slave is not let in by its master: \(why)"
        case .journalFailed(let why): return "This slave can't write its journal: \(why)"
        }
    }

    func stop() {
        node.loop.cancel(timer)
        master.stop()
        snapshot.stop()
        node.snapshots.close("the node that gave it is a slave no longer")
    }
}

import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// What a node does that leads: admits slaves, ships its log to them, keeps everybody told; serves clients once its database has all of the log.
@LoopActor final class MasterLife: RoleLife {
    private static let linksMax = 256
    private static let roundsMax = 256

    unowned let node: Node
    let epoch: Epoch
    private(set) var slaves: [SlaveConnection] = []
    let broadcast: Broadcast
    let gate: CommitGate
    let roster: Roster
    let rounds: ReadRounds
    private(set) lazy var inSync = InSyncDesk(self)
    private var takeover: TakingOver?
    /// The log while the database does not have it all.
    var journal: Journal? { takeover?.replica.journal }
    /// It is read by slaves that are slow.
    private var oldJournal: Journal?
    /// Who wrote this master's log; nil before that is known.
    private(set) var history: LogHistory?
    private lazy var news = CommitmentNews(node.loop) { [unowned self] in tellCommitment() }
    /// When each member whose link is gone was last heard, by the loop's clock.
    private var lastHeardMs: [NodeID: Int] = [:]
    private var lag = LagTracker()
    private let poll: PositionPoll
    private var timer: TimerID?
    private var isStopped = false
    /// When the last beats were sent.
    private var sentMs: [UInt64: Int] = [:]
    private var lastBeatPosition = Position.start
    /// What each member was last known to have.
    private var received: [NodeID: Position] = [:]
    private lazy var purge = BinlogPurge(node) { [unowned self] in dataNodes.map { received[$0.id] ?? .start }.min() ?? .start }

    /// - Parameter replica: the database as it was until now, where this node was elected; nil: it is this node's own.
    ///
    /// Nil when no further epoch can be named.
    init?(_ node: Node, epoch: Epoch, takingOver replica: Replica?) {
        self.node = node
        self.epoch = epoch
        broadcast = Broadcast(node)
        let begun = replica.flatMap { Takeover.begun(epoch, own: node.id, logEnd: $0.logEnd) }
        if replica != nil, begun == nil { return nil }
        gate = CommitGate(node, broadcast, marker: begun?.0.marker)
        roster = Roster(node, gate)
        rounds = ReadRounds(node.loop) { [unowned node] in node.settings.replication.ackTimeoutMs }
        poll = PositionPoll(
            node.loop, node.positions, node.applied, variable: "gtid_binlog_pos", idleMs: min(500, node.settings.replication.heartbeatMs))
        if let replica, let (machine, actions) = begun {
            takeover = TakingOver(self, machine, actions, replica)
            history = replica.journal.history.led(by: machine.marker.server)
        }
        gate.moved = { [weak self] in self?.commitmentMoved() }
        gate.counted = { [weak self] in self?.takeover?.watermarkMoved() }
        roster.changed = { [weak self] in self?.membersChanged() }
        rounds.position = { [unowned self] in max(gate.watermark, node.applied.value) }
        rounds.answered = { [unowned self] in answeredRound }
        rounds.sendBeat = { [unowned self] in sendBeats() }
    }

    /// To be called once the node knows of this life.
    func begin() {
        // In the same turn in which this node began to lead: no link comes between.
        do throws(Roster.Problem) {
            try roster.begin(marker: takeover.map { Position($0.marker) } ?? .start)
        } catch {
            return node.cannotLead(self, error)
        }
        if let takeover { inSync.begin(marker: takeover.marker) }
        configureGate()
        takeover?.begin()
        beat()
    }

    var role: Role { takeover == nil ? .master : .slave }

    /// What this node's database was until it was elected, and still is.
    var untouchedReplica: Replica? { takeover.flatMap { $0.isUntouched ? $0.replica : nil } }
    /// The one that it had begun to make its own.
    var touchedReplica: Replica? { takeover.flatMap { $0.isUntouched ? nil : $0.replica } }

    /// The others that hold the log, or are about to.
    private var dataNodes: [Member] { roster.others.filter { $0.kind != .witness } }

    func configureGate() {
        if let counted = inSync.counted { return gate.configure(voters: Set(counted), copies: counted.count, always: true) }
        let holders = Set(roster.configuration.holders).union([node.id])
        gate.configure(voters: holders, copies: node.settings.replication.acks.copies(voters: holders.count))
    }

    private func membersChanged() {
        inSync.membersChanged()
        configureGate()
        let frame = Frame.members(node.membership.text)
        for slave in slaves { slave.tell(frame) }
    }

    // MARK: Taking over

    func journalGrew() { for slave in slaves { slave.feed?.journalGrew() } }

    /// The database is open: the log is its binlog from now on.
    func tookOver() {
        oldJournal = takeover?.replica.journal
        takeover = nil
        poll.start()
        for slave in slaves { slave.feed?.journalIsWhole() }
        node.becameMaster()
        node.outcomes.serve()
        commitmentMoved()
    }

    /// Once nobody reads it any more, the journal's files go.
    private func retireJournal() {
        guard let journal = oldJournal, !slaves.contains(where: { $0.feed?.isInJournal ?? false }) else { return }
        oldJournal = nil
        journal.startOver(after: journal.written, history: journal.history) { [node] problem in
            if let problem { node.log.warning("the journal's old files could not be removed", ["error": "\(problem)"]) }
        }
    }

    // MARK: RoleLife

    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void) {
        if let takeover { return takeover.replica.databaseIsUp(done) }
        do throws(SystemError) { try node.directory.keepWrote() } catch { return done("\(error)") }
        node.control.query("SELECT @@GLOBAL.gtid_binlog_pos AS binlog, @@GLOBAL.gtid_binlog_state AS state") { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let found): self.databaseIsUp(at: Position(list: found["binlog"] ?? "") ?? .start, found["state"] ?? "", done)
            case .failure(let error): done("the database's position could not be read: \(error)")
            }
        }
    }

    private func databaseIsUp(at position: Position, _ state: String, _ done: @escaping @LoopActor (String?) -> Void) {
        let ends = state.split(separator: ",").compactMap { GTID($0) }.filter { $0.server < WriterID.idleFirst }
        history = LogHistory(state: ends).led(by: node.serverID)
        var statements = ["SET GLOBAL read_only=0", "SET GLOBAL server_id=\(node.serverID)"]
        // It may have been started as a slave's.
        if node.settings.database.mode == .private { statements += Replica.durability }
        node.control.queries(statements) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                self.poll.start()
                self.gate.written(position)
                self.configureGate()
                self.gate.databaseIsUp(binlog: position) { [node] problem in
                    if let problem { return done(problem) }
                    node.outcomes.readTime { problem in
                        if problem == nil { node.outcomes.serve() }
                        done(problem)
                    }
                }
            case .failure(let error): done("the database could not be made a master's: \(error)")
            }
        }
    }

    func databaseIsDown() {
        poll.stop()
        node.outcomes.rest()
        gate.databaseIsDown()
        takeover?.replica.databaseIsDown()
        // Where others can take over, they do; a recovery here takes longer.
        if let takeover, !takeover.isUntouched { takeover.databaseFailed() } else if node.electsByItself { node.electorate.resign(.databaseFailed) }
    }

    func databaseFailed(_ why: String) -> Bool {
        guard node.electsByItself else { return false }
        node.log.error("the database does not start", ["why": why])
        takeover?.databaseFailed()
        return true
    }
    var notReady: ReplyError? { nil }

    func linkArrived(_ channel: Channel, rest: [UInt8]) {
        guard slaves.count(where: { $0.member != nil }) < Self.linksMax else { return channel.close() }
        guard history != nil, roster.hasBegun else {
            let frame = Frame.refused(LinkRefusal(.notYet, "the master's database is starting"))
            channel.write { frame.encode(into: &$0) }
            return channel.closeWhenSent()
        }
        do {
            let slave = try SlaveConnection(self, channel)
            slaves.append(slave)
            node.unproven.enter(slave, placesMax: Node.unprovenMax) { [weak slave] _ in slave?.close("it did not prove what it is in time") }
            channel.handOver(to: slave)
            slave.begin(rest: rest)
        } catch {
            node.log.error("a slave could not be answered", ["error": "\(error)"])
            channel.close()
        }
    }

    func admit(_ hello: Frame.Hello) throws(Roster.Problem) -> Member {
        let member = try roster.admit(hello)
        // A node that comes again has left its old link behind.
        for old in slaves where old.member?.uuid == hello.uuid { old.close("the slave has come again over another link") }
        return member
    }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        let found = try roster.remove(id)
        node.log.notice("a node was removed from the cluster", ["node": "\(id)", "address": "\(found.address)"])
        for slave in slaves where slave.member?.id == id {
            slave.refuse("node \(id) was removed from this cluster; to join anew it needs an empty data folder")
        }
        received[id] = nil
        return [.number("removed", UInt64(id.rawValue)), .text("address", found.address.description)]
    }

    func ended(_ slave: SlaveConnection) {
        node.unproven.leave(slave)
        slaves.removeAll { $0 === slave }
        let now = EventLoop.nowMs()
        if let member = slave.member { lastHeardMs[member.id] = max(lastHeardMs[member.id] ?? .min, now - slave.lastSeenMs(nowMs: now)) }
    }

    // MARK: Beats

    private func beatLater() {
        // Often enough that followers don't miss their leader for one that was late.
        let milliseconds = min(node.settings.replication.heartbeatMs, node.settings.failover.electionTimeoutMs / 5)
        timer = node.loop.after(milliseconds: milliseconds) { [weak self] in self?.beat() }
    }

    private func beat() {
        // One that leads no more must not say so.
        guard !isStopped else { return }
        // Writes that did not come through this node are seen by the poll alone.
        lag.passed(position, nowMs: EventLoop.nowMs())
        lag.applied(byAll: slaves.filter { !$0.isWitness }.map(\.ack.applied).min() ?? position)
        countReachable()
        inSync.review()
        sendBeats()
        for member in roster.others where !slaves.contains(where: { $0.member?.id == member.id }) { node.electorate.announce(to: member.id) }
        node.snapshots.tick()
        if role == .master { purge.tick() }
        retireJournal()
        beatLater()
    }

    private func sendBeats() {
        rounds.began()
        sentMs[rounds.round] = EventLoop.nowMs()
        sentMs[rounds.round &- UInt64(Self.roundsMax)] = nil
        let beat = currentBeat
        lastBeatPosition = beat.position
        for slave in slaves { slave.beat(beat) }
    }

    /// The newest beat that a majority of the nodes has heard, this one counted.
    private var answeredRound: UInt64 {
        let voters = roster.configuration.voters.filter { $0 != node.id }
        let others = voters.map { voter in slaves.first { $0.member?.id == voter }?.ack.beat ?? 0 }
        return ([rounds.round] + others).sorted { $1 < $0 }[(others.count + 1) / 2]
    }

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) {
        // What earlier masters acknowledged is known once the epoch's own first entry is committed and here.
        guard takeover == nil else { return done(.failure(ReplyError(.masterUnreachable, "the new master takes over; try again shortly"))) }
        rounds.confirm(done)
    }

    var stalenessMs: Int? { takeover == nil ? 0 : nil }

    /// A slave has told how far it is; `before`: what it told last.
    func progressed(_ slave: SlaveConnection, since before: Frame.Ack) {
        guard let member = slave.member, node.membership.list.holds(member) else { return }
        // Who takes a snapshot follows this master as well.
        if slave.ack.beat != before.beat {
            if let sent = sentMs[slave.ack.beat] { node.electorate.heard(from: member.id, sentMs: sent) }
            rounds.check()
        }
        if slave.ack.members != before.members {
            roster.installed(by: member.id, slave.ack.members)
            inSync.membersChanged()
        }
        if slave.isMatched { matched(slave, member.id) }
    }

    private func countReachable() {
        gate.look(reachable: inSync.mayShrink ? Set(roster.configuration.holders) : Set(slaves.filter(\.isMatched).compactMap { $0.member?.id }))
    }

    /// A slave's log is known to be this one's, up to where it says.
    func matched(_ slave: SlaveConnection, _ id: NodeID) {
        received[id] = slave.ack.received
        // It may be the one that was missing: no client is refused until the next beat for that.
        if gate.isQuorumLost { countReachable() }
        gate.acked(by: id, to: slave.ack.received)
        roster.promote(id, keepsUp: slave.ack.received >= lastBeatPosition)
    }

    private func commitmentMoved() { news.moved(to: gate.commitment) }

    private func tellCommitment() {
        let frame = Frame.committed(gate.commitment)
        for slave in slaves where !slave.isWitness { slave.tell(frame) }
    }

    var writeRefusal: ReplyError? { gate.lossError }
    let applyHold: ApplyHold? = nil

    var currentBeat: Frame.Beat {
        Frame.Beat(position: position, committed: gate.commitment, number: rounds.round, clockMs: WallClock.milliseconds(), nodes: nodes())
    }

    func passed(_ position: Position) { lag.passed(position, nowMs: EventLoop.nowMs()) }

    // MARK: Telling

    /// Up to where the log goes that slaves are to have.
    var position: Position { takeover.map { Position($0.marker) } ?? node.applied.value }
    /// Nothing waits for other nodes, and nothing is written that is not known here.
    var isAllKnown: Bool { !gate.isWanted || gate.trackedWatermark >= logEnd }
    /// Its own log's end, for who wants to lead in its place.
    var logEnd: Position { max(gate.ownDurable, position) }

    func nodes() -> [NodeStatus] {
        let own = NodeStatus(
            id: node.id, role: .master, address: node.address, state: takeover != nil ? "taking-over" : node.notReady == nil ? "serving" : "starting",
            received: position, applied: node.applied.value,
            lagMs: 0, lastSeenMs: 0)
        let connected = slaves.compactMap { $0.status(master: position, lag: &lag) }
        let now = EventLoop.nowMs()
        let away = roster.others.filter { member in !connected.contains { $0.id == member.id } }.map {
            NodeStatus(
                id: $0.id, role: $0.kind == .witness ? .witness : .slave, address: $0.address.description, state: "away", received: .start,
                applied: .start, lagMs: nil,
                lastSeenMs: lastHeardMs[$0.id].map { now - $0 })
        }
        return ([own] + connected + away).sorted { $0.id < $1.id }
    }

    func statusRows() -> [[String?]] {
        let all = nodes()
        var rows: [[String?]] = [
            ["received", "\(position)"], ["committed", "\(position)"], ["applied", "\(position)"],
            ["replication.acks", acksWords], ["commits", gate.words],
            ["in_sync", inSync.words], ["slaves.connected", "\(slaves.count { !$0.isWitness })"],
        ]
        for slave in all where slave.role == .slave {
            rows.append([
                "slave.\(slave.id)",
                "state=\(slave.state) received=\(slave.received) applied=\(slave.applied) lag_ms=\(slave.lagMs.map(String.init) ?? "-") address=\(slave.address)",
            ])
        }
        rows += purge.statusRows
        let left = dataNodes.filter { (received[$0.id] ?? .start) < purge.first ?? .start }
        if !left.isEmpty { rows.append(["binlog.too_short_for", left.map { "\($0.id)" }.joined(separator: ",")]) }
        return rows + node.snapshots.statusRows
    }

    private var acksWords: String {
        let voters = max(1, roster.configuration.holders.count)
        if inSync.counted != nil { return "all in sync: the witness knows who that is" }
        return gate.isWanted ? "\(gate.copies - 1), with the master \(gate.copies) of \(voters) nodes" : "0"
    }

    var health: String {
        if takeover != nil { return "This node was elected and takes over: enough nodes must hold what it has, then its database serves." }
        if let words = gate.waitingWords { return words }
        let all = nodes().filter { $0.role == .slave }
        if gate.isQuorumLost { return "This master refuses writes: they must be on \(gate.copies) nodes, and too few are within reach." }
        let broken = all.filter { !["streaming", "catching-up", "joining"].contains($0.state) }
        if all.isEmpty { return "This master serves alone: no slave has joined yet, so nothing protects its data." }
        if let witness = nodes().first(where: { $0.role == .witness && $0.state == "away" }) {
            return "This master serves, but its witness, node \(witness.id) at \(witness.address), is away: a slave that goes now is waited for."
        }
        if broken.isEmpty { return "All is well: \(all.count) slave\(all.count == 1 ? "" : "s") follow this master." }
        let list = broken.map { "node \($0.id) at \($0.address) is \($0.state)" + applyTroubleWords($0.id) }.joined(separator: "; ")
        return "This master serves, but \(list)."
    }

    func stop() {
        isStopped = true
        roster.end()
        node.loop.cancel(timer)
        poll.stop()
        rounds.close()
        takeover?.end()
        gate.close()
        node.outcomes.rest()
        node.snapshots.close("the node that gave it is no longer master")
        for slave in slaves { slave.close("this node is stopping") }
        broadcast.close()
    }
}

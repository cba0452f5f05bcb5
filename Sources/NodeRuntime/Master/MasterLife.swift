import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// What a node does as master: admits slaves, ships its binlog to them, keeps everybody told.
@LoopActor final class MasterLife: RoleLife, TurnEndWork {
    private static let linksMax = 256

    unowned let node: Node
    private var members: Members
    private var slaves: [SlaveConnection] = []
    let broadcast: Broadcast
    let gate: CommitGate
    let rounds: ReadRounds
    private var isTellingCommitment = false
    let snapshots: SnapshotDesk
    /// When each member whose link is gone was last heard, by the loop's clock.
    private var lastHeardMs: [NodeID: Int] = [:]
    private var lag = LagTracker()
    private let poll: PositionPoll
    private var timer: TimerID?
    /// What each member was last known to have.
    private var received: [NodeID: Position] = [:]
    private lazy var purge = BinlogPurge(node) { [unowned self] in
        members.all.filter { $0.id != node.id }.map { received[$0.id] ?? .start }.min() ?? .start
    }

    init(_ node: Node) throws(SystemError) {
        self.node = node
        broadcast = Broadcast(node)
        gate = CommitGate(node, broadcast)
        rounds = ReadRounds(node.loop) { [unowned node] in node.settings.replication.ackTimeoutMs }
        snapshots = SnapshotDesk(node)
        members = try Members(path: node.directory.path + "/members")
        poll = PositionPoll(
            node.loop, node.control, node.applied, variable: "gtid_binlog_pos", idleMs: min(500, node.settings.replication.heartbeatMs))
        gate.moved = { [weak self] in self?.tellCommitmentLater() }
        configureGate()
        rounds.position = { [unowned self] in max(gate.watermark, node.applied.value) }
        rounds.answered = { [unowned self] in answeredRound }
        rounds.sendBeat = { [unowned self] in sendBeats() }
        beatLater()
    }

    /// Every member has a vote.
    private func configureGate() {
        let voters = Set(members.all.map(\.id)).union([node.id])
        gate.configure(voters: voters, copies: node.settings.replication.acks.copies(voters: voters.count))
    }

    // MARK: RoleLife

    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void) {
        node.control.queries(["SET GLOBAL read_only=0", "SET GLOBAL server_id=\(node.serverID)"]) { [self] result in
            switch result {
            case .success:
                poll.start()
                node.control.query("SELECT @@GLOBAL.gtid_binlog_pos AS binlog") { [self] result in
                    switch result {
                    case .success(let found): gate.databaseIsUp(binlog: Position(list: found["binlog"] ?? "") ?? .start, done: done)
                    case .failure(let error): done("the database's position could not be read: \(error)")
                    }
                }
            case .failure(let error): done("the database could not be made a master's: \(error)")
            }
        }
    }

    func databaseIsDown() {
        poll.stop()
        gate.databaseIsDown()
    }
    func databaseFailed(_ why: String) -> Bool { false }
    var notReady: ReplyError? { nil }

    func linkArrived(_ channel: Channel, rest: [UInt8]) {
        guard slaves.count < Self.linksMax else { return channel.close() }
        do {
            let slave = try SlaveConnection(self, channel)
            slaves.append(slave)
            channel.handOver(to: slave)
            slave.begin(rest: rest)
        } catch {
            node.log.error("a slave could not be answered", ["error": "\(error)"])
            channel.close()
        }
    }

    func admit(_ hello: Frame.Hello) throws(Members.Refusal) -> Members.Member {
        let id = try members.admit(uuid: hello.uuid, wanted: NodeID(rawValue: hello.id), address: hello.address, master: node.id)
        configureGate()
        // A node that comes again has left its old link behind.
        for old in slaves where old.member?.uuid == hello.uuid { old.close("the slave has come again over another link") }
        return Members.Member(uuid: hello.uuid, id: id, address: hello.address)
    }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        let found: Members.Member?
        do throws(Members.Refusal) { found = try members.remove(id) } catch {
            throw ReplyError(.notReady, "the list of members could not be stored (\(error)), so nothing was changed")
        }
        guard let found else { throw ReplyError(.unknownNode, "no node \(id) that could be removed; .nodes lists the slaves") }
        node.log.notice("a node was removed from the cluster", ["node": "\(id)", "address": found.address])
        for slave in slaves where slave.member?.id == id {
            slave.refuse("node \(id) was removed from this cluster; to join anew it needs an empty data folder")
        }
        received[id] = nil
        configureGate()
        return [.number("removed", UInt64(id.rawValue)), .text("address", found.address)]
    }

    func ended(_ slave: SlaveConnection) {
        slaves.removeAll { $0 === slave }
        let now = EventLoop.nowMs()
        if let member = slave.member { lastHeardMs[member.id] = max(lastHeardMs[member.id] ?? .min, now - slave.lastSeenMs(nowMs: now)) }
    }

    // MARK: Beats

    private func beatLater() {
        timer = node.loop.after(milliseconds: node.settings.replication.heartbeatMs) { [weak self] in self?.beat() }
    }

    private func beat() {
        // Writes that did not come through this node are seen by the poll alone.
        lag.passed(position, nowMs: EventLoop.nowMs())
        lag.applied(byAll: slaves.map(\.ack.applied).min() ?? position)
        gate.look(reachable: Set(slaves.filter(\.isMatched).compactMap { $0.member?.id }))
        sendBeats()
        snapshots.tick()
        purge.tick()
        beatLater()
    }

    private func sendBeats() {
        rounds.began()
        let beat = currentBeat
        for slave in slaves { slave.beat(beat) }
    }

    /// The newest beat that a majority of the nodes has heard, this one counted.
    private var answeredRound: UInt64 {
        let others = members.all.filter { $0.id != node.id }.map { member in slaves.first { $0.member?.id == member.id }?.ack.beat ?? 0 }
        return ([rounds.round] + others).sorted { $1 < $0 }[(others.count + 1) / 2]
    }

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) { rounds.confirm(done) }
    var stalenessMs: Int? { 0 }

    /// A slave has told how far it is.
    func progressed(_ slave: SlaveConnection) {
        guard slave.isMatched, let member = slave.member else { return }
        received[member.id] = slave.ack.received
        rounds.check()
        gate.acked(by: member.id, to: slave.ack.received)
    }

    private func tellCommitmentLater() {
        guard !isTellingCommitment else { return }
        isTellingCommitment = true
        node.loop.atTurnEnd(self)
    }

    func turnEnded() {
        isTellingCommitment = false
        let frame = Frame.committed(gate.commitment)
        for slave in slaves { slave.tell(frame) }
    }

    var writeRefusal: ReplyError? { gate.lossError }
    let applyHold: ApplyHold? = nil

    var currentBeat: Frame.Beat {
        Frame.Beat(position: node.applied.value, committed: gate.commitment, number: rounds.round, clockMs: WallClock.milliseconds(), nodes: nodes())
    }

    func passed(_ position: Position) { lag.passed(position, nowMs: EventLoop.nowMs()) }

    // MARK: Telling

    var position: Position { node.applied.value }

    func nodes() -> [NodeStatus] {
        let own = NodeStatus(
            id: node.id, role: .master, address: node.address, state: node.notReady == nil ? "serving" : "starting", received: position,
            applied: position,
            lagMs: 0, lastSeenMs: 0)
        let connected = slaves.compactMap { $0.status(master: position, lag: &lag) }
        let now = EventLoop.nowMs()
        let away = members.all.filter { member in member.id != node.id && !connected.contains { $0.id == member.id } }.map {
            NodeStatus(
                id: $0.id, role: .slave, address: $0.address, state: "away", received: .start, applied: .start, lagMs: nil,
                lastSeenMs: lastHeardMs[$0.id].map { now - $0 })
        }
        return ([own] + connected + away).sorted { $0.id < $1.id }
    }

    func statusRows() -> [[String?]] {
        let all = nodes()
        var rows: [[String?]] = [
            ["received", "\(position)"], ["committed", "\(position)"], ["applied", "\(position)"],
            ["replication.acks", acksWords], ["commits", gate.words],
            ["slaves.connected", "\(slaves.count)"],
        ]
        for slave in all where slave.role == .slave {
            rows.append([
                "slave.\(slave.id)",
                "state=\(slave.state) received=\(slave.received) applied=\(slave.applied) lag_ms=\(slave.lagMs.map(String.init) ?? "-") address=\(slave.address)",
            ])
        }
        rows += purge.statusRows
        let left = members.all.filter { $0.id != node.id && (received[$0.id] ?? .start) < purge.first ?? .start }
        if !left.isEmpty { rows.append(["binlog.too_short_for", left.map { "\($0.id)" }.joined(separator: ",")]) }
        return rows + snapshots.statusRows
    }

    private var acksWords: String {
        let voters = members.all.filter { $0.id != node.id }.count + 1
        return gate.isWanted ? "\(gate.copies - 1), with the master \(gate.copies) of \(voters) nodes" : "0"
    }

    var health: String {
        if let words = gate.waitingWords { return words }
        let all = nodes().filter { $0.role == .slave }
        if gate.isQuorumLost { return "This master refuses writes: they must be on \(gate.copies) nodes, and too few are within reach." }
        let broken = all.filter { !["streaming", "catching-up", "joining"].contains($0.state) }
        if all.isEmpty { return "This master serves alone: no slave has joined yet, so nothing protects its data." }
        if broken.isEmpty { return "All is well: \(all.count) slave\(all.count == 1 ? "" : "s") follow this master." }
        let list = broken.map { "node \($0.id) at \($0.address) is \($0.state)" }.joined(separator: "; ")
        return "This master serves, but \(list)."
    }

    func stop() {
        node.loop.cancel(timer)
        poll.stop()
        for slave in slaves { slave.close("this node is stopping") }
        broadcast.close()
    }
}

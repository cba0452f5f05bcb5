import ClusterModel
import EventLoop
import Failover
import NodeConfig

/// This node's part in finding a leader: feeds the election, does what it says, talks to the others.
@LoopActor final class Electorate {
    private unowned let node: Node
    private var election: Election
    private var lines: [NodeID: PeerLine] = [:]
    private var timer: TimerID?
    private var lastHeardMs = 0
    private var isStopped = false
    /// The disk holds what this node must remember. While it does not, nothing is promised to anybody.
    private var isStored: Bool { node.directory.state.hardState == election.hardState }

    init(_ node: Node, seed: UInt64) {
        self.node = node
        election = Election(
            own: node.id, hardState: node.directory.state.hardState, electionTimeoutMs: node.settings.failover.electionTimeoutMs, seed: seed,
            nowMs: EventLoop.nowMs())
    }

    var epoch: Epoch { election.epoch }
    var leader: NodeID? { election.leader }
    var isLeader: Bool { election.isLeader }
    var electionTimeoutMs: Int { election.electionTimeoutMs }

    func start() { schedule() }

    func stop() {
        isStopped = true
        node.loop.cancel(timer)
        for line in lines.values { line.close() }
        lines = [:]
    }

    /// The node was given its number: it is somebody now.
    func named() {
        election = Election(
            own: node.id, hardState: election.hardState, electionTimeoutMs: election.electionTimeoutMs, seed: .random(in: .min ... .max),
            nowMs: EventLoop.nowMs())
    }

    // MARK: Events

    /// Nobody elected it, and nobody need to.
    func leadUnelected() {
        election.leadUnelected(nowMs: EventLoop.nowMs())
        schedule()
    }

    /// Data came over the leader's link.
    func heardLeader(_ id: NodeID, epoch: Epoch) {
        let now = EventLoop.nowMs()
        // Each piece of a stream tells the same.
        guard now != lastHeardMs || election.leader != id || epoch != election.epoch else { return }
        lastHeardMs = now
        // That an election is due later is seen when the timer looks; here events pass.
        let actions = election.heardLeader(id, epoch: epoch, nowMs: now)
        if !actions.isEmpty { perform(actions) }
    }

    func leaderGone(_ id: NodeID) { perform(election.leaderGone(id, nowMs: EventLoop.nowMs())) }

    /// A follower answered the beat that was sent to it then.
    func heard(from id: NodeID, sentMs: Int) { election.heard(from: id, sentMs: sentMs) }

    func saw(_ epoch: Epoch) { perform(election.saw(epoch, nowMs: EventLoop.nowMs())) }
    func resign(_ why: StepDown) { perform(election.resign(why, nowMs: EventLoop.nowMs())) }
    func handOver(to id: NodeID) { perform(election.handOver(to: id)) }

    /// An operator wants this node to be master. False when it can't stand.
    func stand() -> Bool {
        guard let standing = node.standing else { return false }
        perform(election.stand(nowMs: EventLoop.nowMs(), standing: standing))
        return true
    }

    func leadByForce() { perform(election.leadByForce(nowMs: EventLoop.nowMs())) }

    private func tick() {
        guard !isStopped else { return }
        defer { schedule() }
        guard let standing = node.standing, mayPromise() else { return }
        // A leader that nobody would follow in office stays: reads and writes have their own conditions.
        if election.isLeader, !node.electsByItself { return }
        perform(election.ticked(nowMs: EventLoop.nowMs(), standing: standing))
    }

    private func schedule() {
        guard !isStopped else { return }
        node.loop.cancel(timer)
        // What is due can't be done without a standing, nor without a disk; it is looked at again now and then.
        let isIdle = election.isLeader || node.standing == nil || !isStored
        let rest = isIdle ? .max : election.dueMs - EventLoop.nowMs()
        timer = node.loop.after(milliseconds: max(1, min(rest, election.electionTimeoutMs / 8))) { [weak self] in self?.tick() }
    }

    // MARK: Actions

    private func perform(_ actions: [Election.Action]) {
        _ = perform(actions, answering: nil)
        schedule()
    }

    /// Does them in order; what is for `asker` is given back as the answer to what it asked.
    private func perform(_ actions: [Election.Action], answering asker: NodeID?) -> [[String?]] {
        var answer: [[String?]] = []
        var isOnDisk = true
        for action in actions {
            switch action {
            case .persist(let state):
                isOnDisk = keep(state)
                node.life?.leaderLink?.began(state.epoch)
            case .send(let message, let to):
                guard isOnDisk else { continue }
                if to == asker { answer.append(fields(message)) } else { send(message, to: to) }
            case .lead(let epoch): if isOnDisk { node.lead(epoch) } else { resign(.stopping) }
            case .follow(let leader, let epoch): node.follow(leader, epoch)
            case .stopLeading(let epoch, let why): node.stopLeading(epoch, why)
            }
        }
        return answer
    }

    private func keep(_ state: HardState) -> Bool {
        do throws(SystemError) {
            try node.directory.keep(state)
            return true
        } catch {
            node.log.error("the epoch or a vote can't be stored, so this node neither votes nor follows", ["error": "\(error)"])
            return false
        }
    }

    /// Stores what could not be stored before; false when that fails again.
    func mayPromise() -> Bool { isStored || keep(election.hardState) }

    private func fields(_ message: ElectionMessage) -> [String?] {
        switch message {
        case .voteReply(let reply): reply.fields
        case .configuration: ElectionAsk.members(node.membership.text).fields
        case .voteRequest(let request): ElectionAsk.vote(request).fields
        case .timeoutNow(let epoch): ElectionAsk.timeoutNow(epoch).fields
        }
    }

    private func send(_ message: ElectionMessage, to id: NodeID) {
        guard let ask = ElectionAsk(fields(message)) else { return }
        self.ask(id, ask) { [weak self] rows in
            guard let self, let rows else { return }
            self.answered(rows, by: id)
        }
    }

    private func answered(_ rows: [[String?]], by id: NodeID) {
        for row in rows {
            if let reply = VoteReply(row) {
                guard let standing = node.standing else { continue }
                perform(election.received(reply, from: id, nowMs: EventLoop.nowMs(), standing: standing))
            } else if case .members(let text)? = ElectionAsk(row) {
                node.install(members: text)
            }
        }
    }

    // MARK: Asking and answering

    /// Asks another member; `done` hears the rows of its answer, or nil.
    func ask(_ id: NodeID, _ ask: ElectionAsk, done: @escaping @LoopActor ([[String?]]?) -> Void) {
        guard let line = line(to: id) else { return done(nil) }
        line.ask(ask, milliseconds: election.electionTimeoutMs, done: done)
    }

    private func line(to id: NodeID) -> PeerLine? {
        guard let member = node.membership.configuration.member(id), id != node.id, !isStopped else { return nil }
        let address = member.address.description
        if let line = lines[id], line.address == address { return line }
        lines[id]?.close()
        let line = PeerLine(node, id, address)
        lines[id] = line
        return line
    }

    /// This node leads, and tells one that has no link to it.
    func announce(to id: NodeID) {
        ask(id, .leads(epoch)) { [weak self] rows in
            guard let text = rows?.first?.first ?? nil, let epoch = Epoch(told: text) else { return }
            self?.saw(epoch)
        }
    }

    /// What a peer is told that asks about leadership; nil when it asks about something else.
    func answer(_ fields: [String?], from id: NodeID, uuid: String) -> [[String?]]? {
        guard let ask = ElectionAsk(fields) else { return nil }
        defer { schedule() }
        // Another folder under a member's id, or under this node's, has no say.
        guard id != node.id, node.membership.configuration.member(id).map({ $0.uuid == uuid }) ?? !node.membership.configuration.isKnown else {
            return []
        }
        let now = EventLoop.nowMs()
        switch ask {
        case .vote(let request):
            guard let standing = node.standing, mayPromise() else { return [] }
            return perform(election.received(request, from: id, nowMs: now, standing: standing), answering: id)
        case .timeoutNow(let epoch):
            guard let standing = node.standing else { return [] }
            return perform(election.timeoutNow(epoch, from: id, nowMs: now, standing: standing), answering: id)
        case .leads(let epoch):
            if epoch >= election.epoch { perform(election.heardLeader(id, epoch: epoch, nowMs: now)) }
            return [["\(election.epoch)"]]
        case .members(let text):
            node.install(members: text)
            return []
        case .record(let record):
            // Of a leader of this epoch, or a later one that has not been heard of yet.
            perform(election.heardLeader(id, epoch: record.epoch, nowMs: now))
            guard record.epoch == election.epoch, let witness = node.life as? WitnessLife else { return [["\(election.epoch)"]] }
            return [["\(election.epoch)"], witness.keep(record).map { ElectionAsk.record($0).fields } ?? []]
        case .standing:
            return [PeerStanding(id: node.id, epoch: election.epoch, leads: election.isLeader, node.standing).fields]
        }
    }
}

import ClusterModel
import Failover

/// One node: what is on its disk, what is in its memory, and the driver that feeds the machines and does what they say.
final class SimulatedNode {
    unowned let cluster: SimulatedCluster
    let place: Int
    let id: NodeID

    // On disk.
    var hardState = HardState.initial
    /// On its way there.
    var hardStateToCome: HardState?
    var configuration: Configuration
    /// It was started as one: it votes by what it recorded, whatever it knows of the cluster.
    var isWitness = false
    var inSync: InSyncRecord?
    var log = EntryLog()
    /// How much its database shows.
    var applied = 0
    /// Of that, what a crash leaves for sure.
    var flushed = 0

    // In memory.
    var clock: Clock
    var election: Election
    /// Its disk is slow.
    let isLame: Bool
    var isUp = true
    /// Grows with each end of a life: what was under way then never comes.
    var life = 0
    var pauses = 0
    var isPaused = false
    var following: Following?
    var followedLink: Int?
    var leading: Leading?
    var isSyncing = false
    var isApplying = false
    private var dueUs = Int.max
    /// Waits for the hard state to be on disk.
    private var stepsToCome: [Step] = []
    private var inbox: [Event] = []

    /// What is done in order, and waits for the disk.
    enum Step {
        case election(Election.Action)
        case answerHello(NodeID, Epoch, link: Int)
    }

    init(_ cluster: SimulatedCluster, _ place: Int, _ configuration: Configuration, seed: UInt64) {
        self.cluster = cluster
        self.place = place
        self.configuration = configuration
        id = SimulatedCluster.nodeID(place)
        isWitness = configuration.witness == id
        isLame = Int((seed >> 16) % 100) < cluster.weather.lamePercent
        clock = Clock(baseUs: Int(seed % 1_000_000_000), permille: 800 + Int(seed >> 32) % 401)
        election = Election(own: id, hardState: hardState, electionTimeoutMs: SimulatedCluster.electionTimeoutMs, seed: seed, nowMs: 0)
    }

    var nowMs: Int { clock.nowMs(cluster.nowUs) }
    var standing: Standing {
        Standing(logEnd: LogEnd(log.end), configuration: configuration, isElectable: true, trusted: trusted)
    }
    private var trusted: [NodeID]? {
        guard isWitness else { return nil }
        return cluster.breaks(.witnessTrustsAll) ? configuration.holders : inSync?.members ?? []
    }
    var isServing: Bool { leading.map { $0.takeover.phase == .serving || cluster.breaks(.serveBeforeMarker) } ?? false }
    var words: String {
        "\(isUp ? "up" : "down") \(election.isLeader ? "leads" : "follows \(election.leader?.description ?? "nobody")") in \(election.epoch),"
            + " log \(log.end) durable \(log.durable) applied \(applied), \(configuration.stamp) \(configuration.voters)"
    }

    func tell(_ words: @autoclosure () -> String) { cluster.tell("node \(id): \(words())") }
    func put(_ event: OwnEvent, inUs: Int) { cluster.put(.own(event, node: place, life: life), inUs: inUs) }

    // MARK: Lives

    func start() {
        let seed = cluster.random.next()
        election = Election(
            own: id, hardState: hardState, electionTimeoutMs: SimulatedCluster.electionTimeoutMs, seed: seed, nowMs: nowMs)
        begin()
    }

    private func begin() {
        isUp = true
        dueUs = .max
        syncLog()
        scheduleDue()
    }

    func crash() {
        end()
        cluster.outcome.crashes += 1
        // What was not synced may be there or not, in whole or cut off somewhere.
        log.cut(to: cluster.random.number(in: log.durable..<log.count + 1))
        applied = cluster.random.number(in: flushed..<applied + 1)
        if let hardStateToCome, cluster.chance(50) { hardState = hardStateToCome }
        hardStateToCome = nil
        stepsToCome = []
        election = Election(own: id, hardState: hardState, electionTimeoutMs: SimulatedCluster.electionTimeoutMs, seed: 0, nowMs: 0)
        leading = nil
        tell("crashed, left with \(words)")
        cluster.put(.restarted(node: place, life: life), inUs: cluster.random.number(in: cluster.weather.downUs))
        restartsAsNew = true
    }

    private var restartsAsNew = false

    /// Rule 4: the tail of the binlog goes to the journal, the database starts again as a slave.
    func restartAsSlave() {
        end()
        log.synced(log.count)
        tell("its database restarts as a slave")
        restartsAsNew = false
        cluster.put(.restarted(node: place, life: life), inUs: cluster.random.number(in: cluster.weather.restartUs))
    }

    private func end() {
        isUp = false
        life += 1
        isPaused = false
        (following, followedLink, isSyncing, isApplying, inbox) = (nil, nil, false, false, [])
        cluster.breakLinks(of: place, noticeUs: 50_000)
    }

    func restarted() {
        guard !isUp else { return }
        tell("is back")
        if restartsAsNew { start() } else { begin() }
        if !stepsToCome.isEmpty || hardStateToCome != nil { persist(hardStateToCome ?? hardState) }
    }

    func pause(forUs: Int) {
        guard isUp, !isPaused else { return }
        tell("pauses for \(forUs / 1000) ms")
        isPaused = true
        pauses += 1
        cluster.put(.resumed(node: place, pause: pauses), inUs: forUs)
    }

    func resumed(_ pause: Int) {
        guard isPaused, pause == pauses else { return }
        tell("goes on")
        isPaused = false
        drain()
    }

    /// At the end of all faults.
    func recover() {
        resumed(pauses)
        clock.change(cluster.nowUs, permille: 1000, leapUs: 0)
        if !isUp { cluster.put(.restarted(node: place, life: life), inUs: 1000) }
    }

    func changeClock() {
        clock.change(cluster.nowUs, permille: 800 + cluster.random.number(in: 0..<401), leapUs: cluster.random.number(in: 0..<500_000))
    }

    // MARK: Events

    func take(_ event: Event, _ words: @autoclosure () -> String) {
        guard isUp else { return }
        if isPaused || hardStateToCome != nil, !isPersisted(event) {
            inbox.append(event)
        } else {
            handle(event)
            scheduleDue()
        }
    }

    private func isPersisted(_ event: Event) -> Bool {
        if case .own(.persisted, _, _) = event { !isPaused } else { false }
    }

    private func drain() {
        let waiting = inbox
        inbox = []
        for event in waiting { take(event, "") }
        scheduleDue()
    }

    private func handle(_ event: Event) {
        switch event {
        case .datagram(let message, let from, _): received(message, from: cluster.nodes[from].id)
        case .stream(let message, let link, let toLeader):
            guard cluster.links[link].isOpen else { return }
            if toLeader { leaderReceived(message, on: link) } else { followerReceived(message, on: link) }
        case .linkLost(let link, let atLeader): if atLeader { leaderLost(link) } else { followerLost(link) }
        case .own(let event, _, let life): if life == self.life { handle(event) }
        case .restarted, .resumed, .client, .fault, .healed, .crash: break
        }
    }

    private func handle(_ event: OwnEvent) {
        switch event {
        case .due: perform(election.ticked(nowMs: nowMs, standing: standing))
        case .beat: beat()
        case .persisted: persisted()
        case .synced(let count, let cuts): synced(count, cuts: cuts)
        case .applied(let count): appliedMore(to: count)
        case .opened(let epoch, let isOpen): opened(epoch, isOpen)
        case .handedOver(let epoch): handOverEnded(epoch)
        case .write(let value): write(value)
        case .read: read()
        }
    }

    private func scheduleDue() {
        guard isUp, !election.isLeader else { return }
        let wantedUs = clock.timeUs(ofMs: election.dueMs, nowUs: cluster.nowUs)
        // A timer that is set already and comes earlier does no harm; it asks again.
        guard wantedUs < dueUs || dueUs <= cluster.nowUs else { return }
        dueUs = wantedUs
        put(.due, inUs: max(1, wantedUs - cluster.nowUs))
    }

    // MARK: Elections

    private func received(_ message: ElectionMessage, from sender: NodeID) {
        switch message {
        case .voteRequest(let request):
            let real = standing
            let believed = Standing(logEnd: .start, configuration: real.configuration, isElectable: real.isElectable, trusted: real.trusted)
            perform(
                election.received(request, from: sender, nowMs: nowMs, standing: cluster.breaks(.voteWithoutLogCheck) ? believed : real))
        case .voteReply(let reply): perform(election.received(reply, from: sender, nowMs: nowMs, standing: standing))
        case .configuration(let new): if new.stamp > configuration.stamp, !election.isLeader { configuration = new }
        case .timeoutNow(let epoch): perform(election.timeoutNow(epoch, from: sender, nowMs: nowMs, standing: standing))
        }
    }

    func perform(_ actions: [Election.Action], then step: Step? = nil) {
        stepsToCome += actions.map { .election($0) }
        if let step { stepsToCome.append(step) }
        goOn()
    }

    private func goOn() {
        while hardStateToCome == nil, !stepsToCome.isEmpty {
            switch stepsToCome.removeFirst() {
            case .election(let action): perform(action)
            case .answerHello(let leader, let epoch, let link): answerHello(leader, epoch, link)
            }
        }
    }

    private func perform(_ action: Election.Action) {
        switch action {
        case .persist(let state):
            if !cluster.breaks(.voteNotPersisted) { persist(state) }
        case .send(let message, let to): cluster.sendDatagram(message, from: place, to: SimulatedCluster.place(to))
        case .lead(let epoch): lead(epoch)
        case .follow(let leader, let epoch):
            tell("follows \(leader?.description ?? "nobody") in epoch \(epoch)")
            if leader != following?.leader || epoch != following?.epoch { unfollow() }
        case .stopLeading(let epoch, let why): stopLeading(epoch, why)
        }
    }

    private func persist(_ state: HardState) {
        hardStateToCome = state
        put(.persisted, inUs: cluster.random.number(in: cluster.weather.persistUs))
    }

    private func persisted() {
        if let hardStateToCome { hardState = hardStateToCome }
        hardStateToCome = nil
        goOn()
        if hardStateToCome == nil, isUp { drain() }
    }
}

import ClusterModel
import Failover

extension SimulatedNode {
    func write(_ value: Int) {
        guard let leading, isServing, leading.successor == nil else { return }
        log.append(Entry(server: leading.takeover.marker.server, sequence: log.end.sequence + 1, value: value))
        ship()
        syncLog()
    }

    func read() {
        guard isServing else { return }
        leading?.reads.append(Leading.Read(arrivedMs: nowMs, floor: cluster.checker.told))
        if cluster.breaks(.readWithoutRound) { answerReads() }
    }

    func answerReads() {
        guard let leading else { return }
        let confirmedMs = cluster.breaks(.readWithoutRound) ? .max : election.confirmedMs(configuration)
        var waiting: [Leading.Read] = []
        for read in leading.reads {
            if leading.takeover.mayAnswerRead(arrivedMs: read.arrivedMs, confirmedMs: confirmedMs)
                || cluster.breaks(.serveBeforeMarker) && (confirmedMs ?? .min) > read.arrivedMs
            {
                cluster.checker.read(applied, floor: read.floor, by: id)
                cluster.outcome.reads += 1
            } else {
                waiting.append(read)
            }
        }
        self.leading?.reads = waiting
    }

    /// A planned switch: no new writes from now on; the one that holds most is asked to stand once it holds all.
    func handOver() {
        guard let leading, leading.takeover.phase == .serving, leading.successor == nil else { return }
        let others = configuration.holders.filter { $0 != id }
        let target = others.max { leading.quorum.position(of: $0) < leading.quorum.position(of: $1) }
        guard let target else { return }
        tell("hands over to \(target)")
        self.leading?.successor = target
        put(.handedOver(leading.epoch), inUs: SimulatedCluster.electionTimeoutMs * 1000)
        successorAcknowledged(target)
    }

    func successorAcknowledged(_ follower: NodeID) {
        guard let leading, leading.successor == follower, leading.quorum.position(of: follower) == log.end else { return }
        perform(election.handOver(to: follower))
    }

    /// The switch came to nothing: it goes on.
    func handOverEnded(_ epoch: Epoch) {
        if leading?.epoch == epoch { leading?.successor = nil }
    }

    /// A voter, a learner or a witness more or less.
    func reconfigure() {
        guard let leading, isUp, hardStateToCome == nil else { return }
        var members = configuration.members
        let place = cluster.random.number(in: 0..<cluster.nodes.count)
        guard place != self.place else { return }
        let id = SimulatedCluster.nodeID(place)
        switch configuration.member(id)?.kind {
        case nil where mayWitness(place):
            cluster.nodes[place].isWitness = true
            members.append(SimulatedCluster.member(place, .witness))
        // What was a witness and was removed is not let in again.
        case nil where cluster.nodes[place].isWitness: return
        case nil: members.append(SimulatedCluster.member(place, .learner))
        case .witness where cluster.chance(50): members.removeAll { $0.id == id }
        case .learner, .witness: members = members.map { $0.id == id ? $0.becoming(.voter) : $0 }
        case .voter:
            guard configuration.holders.count > 1 else { return }
            members = members.map { $0.id == id ? $0.becoming(.learner) : $0 }
            if cluster.chance(50) { members.removeAll { $0.id == id } }
        }
        change(to: members, leading)
    }

    /// A witness comes with an empty folder, or not at all.
    private func mayWitness(_ place: Int) -> Bool {
        let node = cluster.nodes[place]
        let isNew = !node.configuration.isKnown && node.log.count == 0
        return isNew && configuration.witness == nil && configuration.holders.count % 2 == 0 && cluster.chance(50)
    }

    private func change(to members: [Member], _ leading: Leading) {
        var machine = leading.reconfiguration
        if cluster.breaks(.reconfigureAtOnce) {
            let stamp = ConfigurationStamp(epoch: configuration.stamp.epoch, version: configuration.stamp.version + 1)
            let others = members.filter { $0.id != id }.shuffled(using: &cluster.random)
            let next = Configuration(stamp: stamp, members: [SimulatedCluster.member(place, .voter)] + others.prefix(2))
            return perform([Reconfiguration.Action.install(next), .send(next)])
        }
        guard let actions = try? machine.propose(members, quorum: leading.quorum, logEnd: log.end) else { return }
        cluster.outcome.configurations += 1
        tell("changes the configuration to \(machine.configuration.stamp) \(machine.configuration.voters)")
        self.leading?.reconfiguration = machine
        perform(actions)
        tenderMoment()
    }
}

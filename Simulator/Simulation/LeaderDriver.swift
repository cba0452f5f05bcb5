import ClusterModel
import Failover

extension SimulatedNode {
    func lead(_ epoch: Epoch) {
        cluster.checker.leads(id, epoch, log: log)
        cluster.outcome.elections += 1
        tell("leads epoch \(epoch) from \(log.end), applied \(applied)")
        unfollow()
        guard let (takeover, actions) = Takeover.begun(epoch, own: id, logEnd: log.end) else { return }
        let counts = !cluster.breaks(.commitOldEpochByCount)
        let quorum = QuorumTracker(
            own: id, voters: Set(configuration.holders), copies: configuration.holders.count, watermark: .start,
            epochStart: counts ? takeover.marker.sequence : 0)
        let (reconfiguration, steps) = Reconfiguration.begun(
            own: id, epoch: epoch, marker: Position(takeover.marker), configuration: configuration)
        leading = Leading(
            epoch: epoch, takeover: takeover, quorum: quorum, reconfiguration: reconfiguration,
            peers: Array(repeating: Leading.Peer(), count: cluster.nodes.count), markerCount: log.count + 1, answered: log.count + 1)
        if configuration.witness != nil {
            leading?.inSync = InSyncSet(own: id, epoch: epoch, begun: Position(takeover.marker), configuration: configuration)
        }
        perform(actions)
        perform(steps)
        beat()
        if cluster.chance(cluster.weather.leaderDiesPercent) {
            cluster.put(.crash(node: place, life: life), inUs: cluster.random.number(in: cluster.weather.leaderLivesUs))
        }
    }

    func perform(_ actions: [Takeover.Action]) {
        for action in actions {
            switch action {
            case .appendMarker(let marker):
                log.append(Entry(server: marker.server, sequence: marker.sequence, value: 0))
                syncLog()
            case .shipJournal: break
            case .apply(let position):
                leading?.applyLimit = log.count(upTo: position) ?? 0
                applyMore()
                leaderApplied()
            case .open:
                tell("opens its database")
                let isOpen = !cluster.chance(cluster.weather.openFailsPercent)
                put(.opened(election.epoch, isOpen: isOpen), inUs: cluster.random.number(in: cluster.weather.openUs))
            case .serve: serve()
            case .restartAsSlave:
                leading = nil
                restartAsSlave()
            case .resign(let why): perform(election.resign(why, nowMs: nowMs))
            }
        }
    }

    func perform(_ actions: [Reconfiguration.Action]) {
        for action in actions {
            switch action {
            case .install(let new):
                configuration = new
                leading?.reconfiguration.installed(by: id, new.stamp)
                witnessChanged()
                recount()
            case .send(let new):
                for peer in leading?.peers ?? [] { if let link = peer.link { cluster.send(.configuration(new), on: link, toLeader: false) } }
            }
        }
    }

    func stopLeading(_ epoch: Epoch, _ why: StepDown) {
        tell("leads epoch \(epoch) no more: \(why)")
        guard var leading, leading.epoch == epoch else { return }
        let actions = leading.takeover.leadershipLost()
        self.leading = nil
        for peer in leading.peers { if let link = peer.link { cluster.breakLink(link, noticeUs: 20_000) } }
        perform(actions)
    }

    func tenderMoment() {
        if cluster.chance(cluster.weather.spitePercent) { cluster.put(.crash(node: place, life: life), inUs: 0) }
    }

    // MARK: Links

    /// Also dials those it has no link to.
    func beat() {
        guard leading != nil else { return }
        perform(election.ticked(nowMs: nowMs, standing: standing))
        guard var leading, isUp else { return }
        for member in configuration.members where member.id != id {
            let place = SimulatedCluster.place(member.id)
            if let link = leading.peers[place].link {
                cluster.send(.beat(sentMs: nowMs, watermark: leading.quorum.watermark), on: link, toLeader: false)
            } else if let link = cluster.dial(from: self.place, to: place) {
                leading.peers[place] = Leading.Peer(link: link, heardMs: nowMs)
                cluster.send(.hello(leading.epoch), on: link, toLeader: false)
                cluster.send(.configuration(configuration), on: link, toLeader: false)
            }
        }
        self.leading = leading
        ship()
        reviewInSync()
        if cluster.chance(cluster.weather.churnPercent) { reconfigure() }
        put(.beat, inUs: SimulatedCluster.beatMs * 1000)
    }

    func leaderLost(_ link: Int) {
        guard let peer = leading?.peers.firstIndex(where: { $0.link == link }) else { return }
        leading?.peers[peer] = Leading.Peer()
    }

    func leaderReceived(_ message: StreamMessage, on link: Int) {
        let place = cluster.links[link].follower
        let follower = cluster.nodes[place].id
        guard let leading, leading.peers[place].link == link else { return }
        switch message {
        case .newer(let epoch): perform(election.saw(epoch, nowMs: nowMs))
        case .history(let history):
            let point = log.history.resumePoint(for: history)
            cluster.send(.resume(after: point), on: link, toLeader: false)
            guard let count = point.flatMap({ log.count(upTo: $0) }) else { return }
            self.leading?.peers[place].sent = count
            self.leading?.peers[place].isMatched = true
            ship()
        case .ack(let position):
            if self.leading?.quorum.acked(by: follower, to: position) == true { watermarkMoved() }
            successorAcknowledged(follower)
            if position < Position(leading.takeover.marker) { tenderMoment() }
        case .beatAnswer(let sentMs):
            election.heard(from: follower, sentMs: sentMs)
            self.leading?.peers[place].heardMs = nowMs
            answerReads()
        case .installed(let stamp):
            self.leading?.reconfiguration.installed(by: follower, stamp)
            witnessChanged()
        case .recorded(let record):
            let actions = self.leading?.inSync?.recorded(record) ?? []
            perform(actions)
        case .hello, .resume, .entries, .beat, .configuration, .record: break
        }
    }

    /// All that is written, be it synced here or not.
    func ship() {
        guard var leading else { return }
        let limit = log.count
        for place in leading.peers.indices {
            guard let link = leading.peers[place].link, leading.peers[place].isMatched else { continue }
            while leading.peers[place].sent < limit {
                let next = min(limit, leading.peers[place].sent + cluster.random.number(in: cluster.weather.batch))
                let batch = Array(log.entries[leading.peers[place].sent..<next])
                cluster.send(.entries(batch, watermark: leading.quorum.watermark), on: link, toLeader: false)
                leading.peers[place].sent = next
                if cluster.weather.isThrottled { break }
            }
        }
        self.leading = leading
    }

    func leaderSynced() {
        let moved = leading?.quorum.ownIsDurable(to: log.position(log.durable)) == true
        if log.durable == leading?.markerCount { tenderMoment() }
        ship()
        if moved { watermarkMoved() }
    }

    func recount() {
        guard let (voters, copies) = leading?.quorum(configuration) else { return }
        if leading?.quorum.configure(voters: Set(voters), copies: copies) == true { watermarkMoved() }
    }

    private func watermarkMoved() {
        guard var leading, let count = log.count(upTo: leading.quorum.watermark) else { return }
        let (voters, copies) = leading.quorum(configuration)
        let disks = voters.map { cluster.nodes[SimulatedCluster.place($0)].log }
        cluster.checker.watermarkMoved(id, leading.epoch, log, from: leading.watermarkCount, to: count, on: disks, copies: copies)
        leading.watermarkCount = count
        let actions = leading.takeover.watermarkMoved(to: leading.quorum.watermark)
        self.leading = leading
        perform(actions)
        commit()
    }

    // MARK: Database

    func leaderApplied() {
        guard var leading else { return }
        let actions = leading.takeover.applied(to: log.position(applied))
        self.leading = leading
        perform(actions)
    }

    func opened(_ epoch: Epoch, _ isOpen: Bool) {
        guard var leading, leading.epoch == epoch else { return }
        let actions = isOpen ? leading.takeover.opened() : leading.takeover.databaseFailed()
        self.leading = leading
        perform(actions)
    }

    private func serve() {
        tell("serves")
        commit()
    }

    /// The gate lets through what the watermark covers; then clients are answered.
    private func commit() {
        guard let leading, leading.takeover.phase == .serving else { return }
        if leading.watermarkCount > applied { show(leading.watermarkCount) }
        flushed = applied
        for number in leading.answered..<max(applied, leading.answered) {
            let entry = log.entries[number]
            cluster.checker.acknowledged(entry, at: number + 1, by: id)
            if cluster.isCalm, cluster.calmAcknowledged == 0 { cluster.calmAcknowledged = number + 1 }
        }
        self.leading?.answered = max(applied, leading.answered)
    }
}

import ClusterModel
import Failover

extension SimulatedNode {
    func followerReceived(_ message: StreamMessage, on link: Int) {
        let leader = cluster.nodes[cluster.links[link].leader].id
        if case .hello(let epoch) = message {
            guard epoch >= election.epoch else { return cluster.send(.newer(election.epoch), on: link, toLeader: true) }
            return perform(election.heardLeader(leader, epoch: epoch, nowMs: nowMs), then: .answerHello(leader, epoch, link: link))
        }
        guard let followed = following, followedLink == link else { return }
        guard followed.epoch == election.epoch else { return cluster.send(.newer(election.epoch), on: link, toLeader: true) }
        perform(election.heardLeader(leader, epoch: followed.epoch, nowMs: nowMs))
        switch message {
        case .resume(let position): resume(after: position, on: link)
        case .entries(let entries, let watermark): append(entries, watermark: watermark, on: link)
        case .beat(let sentMs, let watermark):
            following?.watermarkMoved(to: watermark)
            cluster.send(.beatAnswer(sentMs: sentMs), on: link, toLeader: true)
            applyMore()
        case .configuration(let new): install(new, on: link)
        case .record(let record):
            if record.isNewer(than: inSync) { inSync = record }
            cluster.send(.recorded(record), on: link, toLeader: true)
        case .hello, .newer, .history, .ack, .beatAnswer, .installed, .recorded: break
        }
    }

    func answerHello(_ leader: NodeID, _ epoch: Epoch, _ link: Int) {
        guard cluster.links[link].isOpen, election.epoch == epoch, election.leader == leader else { return }
        unfollow()
        following = Following(leader: leader, epoch: epoch)
        followedLink = link
        // A witness has no log to go on with.
        guard !isWitness else { return }
        cluster.send(.history(log.history(from: applied)), on: link, toLeader: true)
    }

    private func resume(after position: Position?, on link: Int) {
        guard let position else { return cluster.checker.report("\(id) has nothing in common with its leader") }
        for action in following?.resumed(after: position, logEnd: log.end, applied: log.position(applied)) ?? [] {
            switch action {
            case .cut(let common):
                guard let count = log.count(upTo: common) else { return cluster.checker.report("\(id) is to cut at \(common), which it lacks") }
                tell("cuts its journal from \(log.end) to \(common)")
                log.cut(to: count)
            case .diverged(let common, let applied): cluster.checker.report("\(id) diverged: \(common) in common, \(applied) applied")
            }
        }
        acknowledge()
        applyMore()
    }

    private func append(_ entries: [Entry], watermark: Position, on link: Int) {
        guard following?.isMatched == true else { return }
        for entry in entries { log.append(entry) }
        following?.watermarkMoved(to: watermark)
        if cluster.breaks(.ackBeforeFsync) { cluster.send(.ack(log.end), on: link, toLeader: true) }
        syncLog()
        applyMore()
    }

    private func install(_ new: Configuration, on link: Int) {
        if new.stamp > configuration.stamp { configuration = new }
        cluster.send(.installed(configuration.stamp), on: link, toLeader: true)
    }

    /// An acknowledgement is a promise that survives a crash: what is durable.
    private func acknowledge() {
        guard let followedLink, following?.isMatched == true, following?.epoch == election.epoch else { return }
        cluster.send(.ack(log.position(log.durable)), on: followedLink, toLeader: true)
    }

    func followerLost(_ link: Int) {
        guard followedLink == link, let leader = following?.leader else { return }
        unfollow()
        perform(election.leaderGone(leader, nowMs: nowMs))
    }

    func unfollow() {
        if let followedLink { cluster.breakLink(followedLink, noticeUs: 20_000) }
        following = nil
        followedLink = nil
    }

    // MARK: Disk and database

    func syncLog() {
        guard !isSyncing, log.durable < log.count else { return }
        isSyncing = true
        let syncUs = cluster.random.number(in: cluster.weather.syncUs) * (isLame ? cluster.weather.lameFactor : 1)
        put(.synced(count: log.count, cuts: log.cuts), inUs: syncUs)
    }

    func synced(_ count: Int, cuts: Int) {
        isSyncing = false
        if cuts == log.cuts { log.synced(count) }
        if leading != nil { leaderSynced() } else { acknowledge() }
        syncLog()
        applyMore()
    }

    /// How far its database may apply now.
    private var applyLimit: Int {
        if let leading { return leading.applyLimit }
        if cluster.breaks(.applyAboveWatermark) { return log.durable }
        guard let limit = following?.applyLimit(durable: log.position(log.durable)) else { return 0 }
        return log.count(upTo: limit) ?? 0
    }

    func applyMore() {
        let limit = applyLimit
        guard isUp, !isApplying, applied < limit else { return }
        isApplying = true
        let count = applied + 1 + cluster.random.number(in: 0..<limit - applied)
        put(.applied(count: count), inUs: cluster.random.number(in: cluster.weather.applyUs))
    }

    func appliedMore(to count: Int) {
        isApplying = false
        show(count)
        if cluster.chance(30) { flushed = applied }
        if leading != nil { leaderApplied() }
        applyMore()
    }

    /// The database shows what the log holds up to there.
    func show(_ count: Int) {
        cluster.checker.applied(id, log, from: applied, to: count)
        applied = max(applied, count)
    }
}

package import ClusterModel

extension Election {
    /// Somebody asks for this node's vote.
    package mutating func received(_ request: VoteRequest, from candidate: NodeID, nowMs: Int, standing: Standing) -> [Action] {
        var actions: [Action] = []
        let isHeard = request.kind == .handOver || !isSticky(nowMs)
        // A removed node's epoch disturbs nobody either: its configuration is an old one.
        let isKnown = standing.configuration.isKnown && request.stamp >= standing.configuration.stamp
        if request.kind != .preVote, isHeard, isKnown, request.epoch > epoch { actions = adopt(request.epoch, nowMs: nowMs) }
        // Rule 1: only for a candidate whose log is at least as up to date. Rule 7: a witness has none, and goes by its in-sync set.
        let isUpToDate = standing.trusted?.contains(candidate) ?? (request.logEnd >= standing.leastForVote)
        let isFit = isHeard && isKnown && isVoter(candidate, request, standing) && isUpToDate
        let isGranted = isFit && (request.kind == .preVote ? request.epoch > epoch : isFree(for: candidate, in: request.epoch))
        if isGranted, request.kind != .preVote { actions += give(candidate, nowMs: nowMs) }
        let reply = VoteReply(isPreVote: request.kind == .preVote, asked: request.epoch, epoch: epoch, isGranted: isGranted)
        actions.append(.send(.voteReply(reply), to: candidate))
        if request.stamp < standing.configuration.stamp { actions.append(.send(.configuration(standing.configuration), to: candidate)) }
        return actions
    }

    /// Somebody answered.
    package mutating func received(_ reply: VoteReply, from voter: NodeID, nowMs: Int, standing: Standing) -> [Action] {
        // The refuser may have the newer log, and not know that it is a voter.
        let told = reply.isGranted ? [] : [Action.send(.configuration(standing.configuration), to: voter)]
        guard reply.epoch <= epoch else { return adopt(reply.epoch, nowMs: nowMs) + told }
        guard reply.isGranted else { return told }
        switch stage {
        case .preCandidate(var round) where reply.isPreVote && reply.asked == epoch.next:
            round.votes.insert(voter)
            stage = .preCandidate(round)
            // It may have changed since it asked: what it stands with is what it stands with now.
            return round.isWon && standing.mayStand(own) ? campaign(.vote, nowMs: nowMs, standing: standing) : []
        case .candidate(var round) where !reply.isPreVote && reply.asked == epoch:
            round.votes.insert(voter)
            stage = .candidate(round)
            // Votes were counted by the configuration it asked with.
            return round.isWon && round.configuration == standing.configuration ? lead(nowMs: nowMs) : []
        case .preCandidate, .candidate, .follower, .leader: return []
        }
    }

    /// A leader is about, as far as this node knows: it helps nobody to disturb it. (Raft dissertation, 4.2.3)
    private func isSticky(_ nowMs: Int) -> Bool { isLeader || heardLeaderMs.map { nowMs - $0 < electionTimeoutMs } ?? false }

    /// Of the same configuration it must be a voter; of a later one than this node knows, it knows better.
    private func isVoter(_ candidate: NodeID, _ request: VoteRequest, _ standing: Standing) -> Bool {
        request.stamp > standing.configuration.stamp || standing.configuration.member(candidate)?.kind == .voter
    }

    /// Rule 1: one vote an epoch.
    private func isFree(for candidate: NodeID, in asked: Epoch) -> Bool {
        asked == epoch && (hardState.votedFor == nil || hardState.votedFor == candidate)
    }

    private mutating func give(_ candidate: NodeID, nowMs: Int) -> [Action] {
        wait(nowMs)
        guard hardState.votedFor != candidate else { return [] }
        hardState.votedFor = candidate
        stage = .follower(leader: nil)
        // Rule 1: on disk before it is given.
        return [.persist(hardState)]
    }

    mutating func campaign(_ kind: VoteRequest.Kind, nowMs: Int, standing: Standing) -> [Action] {
        var actions = forgetLeader()
        heardLeaderMs = nil
        dueMs = nowMs + electionTimeoutMs / 2 + random.number(in: 0..<electionTimeoutMs / 2)
        let round = Round(configuration: standing.configuration, votes: [own])
        if kind == .preVote {
            stage = .preCandidate(round)
        } else {
            hardState = HardState(epoch: epoch.next, votedFor: own)
            stage = .candidate(round)
            actions.append(.persist(hardState))
            if round.isWon { return actions + lead(nowMs: nowMs) }
        }
        let request = VoteRequest(
            kind: kind, epoch: kind == .preVote ? epoch.next : epoch, logEnd: standing.logEnd, stamp: standing.configuration.stamp)
        return actions + standing.configuration.voters.filter { $0 != own }.map { .send(.voteRequest(request), to: $0) }
    }

    mutating func lead(nowMs: Int) -> [Action] {
        stage = .leader(LeaderContact(own: own, sinceMs: nowMs))
        return [.lead(epoch)]
    }

    /// A later epoch is under way: this node is in it from now on, as a follower.
    mutating func adopt(_ later: Epoch, nowMs: Int) -> [Action] {
        var actions = isLeader ? stopLeading(.newerEpoch(later), nowMs: nowMs) : []
        hardState = HardState(epoch: later)
        stage = .follower(leader: nil)
        heardLeaderMs = nil
        wait(nowMs)
        actions += [.persist(hardState), .follow(leader: nil, later)]
        return actions
    }

    mutating func stopLeading(_ why: StepDown, nowMs: Int) -> [Action] {
        stage = .follower(leader: nil)
        heardLeaderMs = nil
        wait(nowMs)
        return [.stopLeading(epoch, why)]
    }

    mutating func forgetLeader() -> [Action] {
        let had = leader
        stage = .follower(leader: nil)
        return had == nil ? [] : [.follow(leader: nil, epoch)]
    }

    /// Randomly longer than the timeout, so that they don't all stand at once.
    mutating func wait(_ nowMs: Int) { dueMs = nowMs + random.number(in: electionTimeoutMs..<2 * electionTimeoutMs) }
}

extension Epoch {
    /// The one after it.
    package var next: Epoch { Epoch(rawValue: rawValue + 1) }
}

import ClusterModel
import Failover
import Testing

private let timeoutMs = 1000

/// A node of a cluster of three whose log ends at 1/10, and what is done to it.
private struct Voter {
    var election: Election
    var standing = Standing(logEnd: LogEnd(epoch: epoch(1), sequence: 10), configuration: configuration([1, 2, 3]), isElectable: true)

    init(_ number: UInt32 = 1, hard: HardState = .initial) {
        election = Election(own: node(number), hardState: hard, electionTimeoutMs: timeoutMs, seed: UInt64(number), nowMs: 0)
    }

    mutating func tick(_ nowMs: Int) -> [Election.Action] { election.ticked(nowMs: nowMs, standing: standing) }

    mutating func asked(
        _ kind: VoteRequest.Kind = .vote, by candidate: UInt32 = 2, in asked: UInt64 = 2, logEnd: (UInt64, UInt64) = (1, 10), version: UInt64 = 1,
        nowMs: Int = 0
    ) -> [Election.Action] {
        let request = VoteRequest(
            kind: kind, epoch: epoch(asked), logEnd: LogEnd(epoch: epoch(logEnd.0), sequence: logEnd.1),
            stamp: ConfigurationStamp(epoch: epoch(1), version: version))
        return election.received(request, from: node(candidate), nowMs: nowMs, standing: standing)
    }

    mutating func answered(by voter: UInt32, _ reply: VoteReply, nowMs: Int = 2000) -> [Election.Action] {
        election.received(reply, from: node(voter), nowMs: nowMs, standing: standing)
    }

    /// Through all stages, at 2000 ms.
    mutating func win() -> [Election.Action] {
        _ = tick(2000)
        _ = answered(by: 2, granted(2, isPreVote: true, own: 1))
        return answered(by: 2, granted(2))
    }
}

private func granted(_ asked: UInt64, isPreVote: Bool = false, own: UInt64? = nil) -> VoteReply {
    VoteReply(isPreVote: isPreVote, asked: epoch(asked), epoch: epoch(own ?? asked), isGranted: true)
}

private func reply(_ asked: UInt64, _ own: UInt64, _ isGranted: Bool, isPreVote: Bool = false, to candidate: UInt32 = 2) -> Election.Action {
    .send(.voteReply(VoteReply(isPreVote: isPreVote, asked: epoch(asked), epoch: epoch(own), isGranted: isGranted)), to: node(candidate))
}

private func requests(_ kind: VoteRequest.Kind, _ asked: UInt64, to others: [UInt32] = [2, 3]) -> [Election.Action] {
    let request = VoteRequest(
        kind: kind, epoch: epoch(asked), logEnd: LogEnd(epoch: epoch(1), sequence: 10), stamp: ConfigurationStamp(epoch: epoch(1), version: 1))
    return others.map { .send(.voteRequest(request), to: node($0)) }
}

@Suite struct VoteTests {
    @Test func `a vote is on disk before it is given, and given once an epoch`() {
        var voter = Voter()
        let voted = HardState(epoch: epoch(2), votedFor: node(2))
        #expect(voter.asked() == [.persist(HardState(epoch: epoch(2))), .follow(leader: nil, epoch(2)), .persist(voted), reply(2, 2, true)])
        #expect(voter.asked(by: 3) == [reply(2, 2, false, to: 3)])
        #expect(voter.asked() == [reply(2, 2, true)], "asked again, the same answer")
        var restarted = Voter(hard: voted)
        #expect(restarted.asked(by: 3) == [reply(2, 2, false, to: 3)], "a crash forgets no vote")
    }

    @Test func `a candidate with an older log gets no vote, but its epoch counts`() {
        var voter = Voter()
        let actions = voter.asked(logEnd: (1, 9))
        #expect(actions == [.persist(HardState(epoch: epoch(2))), .follow(leader: nil, epoch(2)), reply(2, 2, false)])
        #expect(voter.asked(by: 3).last == reply(2, 2, true, to: 3))
    }

    @Test func `the epoch of the last entry weighs more than its place`() {
        var voter = Voter()
        voter.standing = Standing(logEnd: LogEnd(epoch: epoch(3), sequence: 5), configuration: voter.standing.configuration, isElectable: true)
        #expect(voter.asked(in: 4, logEnd: (2, 900)).last == reply(4, 4, false))
        #expect(voter.asked(in: 4, logEnd: (3, 5)).last == reply(4, 4, true))
    }

    @Test func `a log that lost its end votes as the whole one would have, and is not elected`() {
        var voter = Voter()
        voter.standing = Standing(
            logEnd: LogEnd(epoch: epoch(1), sequence: 4), acknowledged: LogEnd(epoch: epoch(1), sequence: 10),
            configuration: voter.standing.configuration, isElectable: true)
        #expect(voter.asked(.preVote, logEnd: (1, 9)) == [reply(2, 1, false, isPreVote: true)])
        #expect(voter.asked(logEnd: (1, 9)).last == reply(2, 2, false))
        #expect(voter.asked(by: 3, logEnd: (1, 10)).last == reply(2, 2, true, to: 3))
        #expect(voter.tick(9000) == [])
        voter.standing = Standing(
            logEnd: LogEnd(epoch: epoch(1), sequence: 10), acknowledged: .unknown, configuration: voter.standing.configuration, isElectable: true)
        #expect(voter.asked(by: 3, in: 3, logEnd: (2, 99)).last == reply(3, 3, false, to: 3), "nobody knows what it acknowledged")
        #expect(voter.tick(19000) == [])
    }

    @Test func `an older configuration gets no vote and moves no epoch`() {
        var voter = Voter()
        voter.standing = Standing(logEnd: voter.standing.logEnd, configuration: configuration([1, 2, 3], 1, 2), isElectable: true)
        #expect(
            voter.asked() == [reply(2, 1, false), .send(.configuration(voter.standing.configuration), to: node(2))], "and it is told the later one")
        #expect(voter.asked(version: 2).last == reply(2, 2, true))
    }

    @Test func `one who is no voter of the same configuration gets no vote`() {
        var voter = Voter()
        #expect(voter.asked(by: 4).last == reply(2, 2, false, to: 4))
        #expect(voter.asked(by: 4, version: 2).last == reply(2, 2, true, to: 4), "a later configuration may have it")
    }

    @Test func `a node that knows no configuration neither votes nor stands`() {
        var voter = Voter()
        voter.standing = Standing(logEnd: .start, configuration: .unknown, isElectable: true)
        #expect(voter.asked() == [reply(2, 1, false)])
        #expect(voter.tick(5000) == [])
    }

    @Test func `while a leader is heard nobody gets a vote, but in a switch`() {
        var voter = Voter()
        _ = voter.election.heardLeader(node(3), epoch: epoch(2), nowMs: 100)
        #expect(voter.asked(in: 3, nowMs: 1099) == [reply(3, 2, false)])
        #expect(voter.asked(.preVote, in: 3, nowMs: 1099) == [reply(3, 2, false, isPreVote: true)])
        #expect(voter.asked(.handOver, in: 3, nowMs: 1099).last == reply(3, 3, true))
        var later = Voter()
        _ = later.election.heardLeader(node(3), epoch: epoch(2), nowMs: 100)
        #expect(later.asked(in: 3, nowMs: 1100).last == reply(3, 3, true))
    }

    @Test func `a pre-vote changes nothing`() {
        var voter = Voter()
        #expect(voter.asked(.preVote) == [reply(2, 1, true, isPreVote: true)])
        #expect(voter.asked(.preVote, by: 3) == [reply(2, 1, true, isPreVote: true, to: 3)])
        #expect(voter.asked(.preVote, logEnd: (1, 9)) == [reply(2, 1, false, isPreVote: true)])
        #expect(voter.election.hardState == .initial)
    }

    @Test func `a witness votes for members of its in-sync set, whatever their logs`() {
        var voter = Voter()
        voter.standing = Standing(logEnd: .start, configuration: voter.standing.configuration, isElectable: false, trusted: [node(2)])
        #expect(voter.asked(.preVote, by: 3, logEnd: (1, 99)) == [reply(2, 1, false, isPreVote: true, to: 3)])
        #expect(voter.asked(by: 3, logEnd: (1, 99)).last == reply(2, 2, false, to: 3))
        #expect(voter.asked(by: 2, logEnd: (1, 5)).last == reply(2, 2, true))
    }

    @Test func `a node that can't serve votes nevertheless`() {
        var voter = Voter()
        voter.standing = Standing(logEnd: voter.standing.logEnd, configuration: voter.standing.configuration, isElectable: false)
        #expect(voter.asked().last == reply(2, 2, true))
        #expect(voter.tick(9000) == [])
    }
}

@Suite struct CandidateTests {
    @Test func `a silent leader leads to a pre-vote, a vote, and the lead`() {
        var one = Voter()
        #expect(one.tick(999) == [])
        #expect(one.tick(2000) == requests(.preVote, 2))
        #expect(
            one.answered(by: 2, granted(2, isPreVote: true, own: 1)) == [.persist(HardState(epoch: epoch(2), votedFor: node(1)))] + requests(.vote, 2)
        )
        #expect(one.answered(by: 3, granted(2)) == [.lead(epoch(2))])
        #expect(one.election.leader == node(1))
        #expect(one.answered(by: 2, granted(2)) == [], "one more vote elects no further")
    }

    @Test func `votes of another round, of another epoch or of strangers don't count`() {
        var one = Voter()
        _ = one.tick(2000)
        #expect(one.answered(by: 2, granted(2, own: 1)) == [], "a vote where a pre-vote was asked")
        _ = one.answered(by: 2, granted(2, isPreVote: true, own: 1))
        #expect(one.answered(by: 2, granted(1)) == [])
        #expect(one.answered(by: 3, granted(2, isPreVote: true, own: 1)) == [])
        #expect(one.answered(by: 9, granted(2)) == [])
        #expect(!one.election.isLeader)
    }

    @Test func `a round without result is tried again within the timeout`() {
        var one = Voter()
        _ = one.tick(2000)
        #expect((2500..<3000).contains(one.election.dueMs))
        #expect(one.tick(one.election.dueMs) == requests(.preVote, 2), "no epoch was spent")
    }

    @Test func `votes that were counted by another configuration elect nobody`() {
        var one = Voter()
        _ = one.tick(2000)
        _ = one.answered(by: 2, granted(2, isPreVote: true, own: 1))
        one.standing = Standing(logEnd: one.standing.logEnd, configuration: configuration([1, 2, 3, 4], 1, 2), isElectable: true)
        #expect(one.answered(by: 2, granted(2)) == [])
        #expect(!one.election.isLeader)
    }

    @Test func `a single voter elects itself at once`() {
        var one = Voter()
        one.standing = Standing(logEnd: .start, configuration: configuration([1]), isElectable: true)
        #expect(one.tick(0) == [.persist(HardState(epoch: epoch(2), votedFor: node(1))), .lead(epoch(2))])
        #expect(one.election.confirmedMs(one.standing.configuration) == .max)
        #expect(one.tick(90_000) == [], "and asks nobody whether it still leads")
    }

    @Test func `learners and witnesses never stand`() {
        for kind in [Member.Kind.learner, .witness] {
            var one = Voter()
            let members = [member(1, kind), member(2), member(3)]
            one.standing = Standing(
                logEnd: .start, configuration: Configuration(stamp: configuration([1]).stamp, members: members), isElectable: true)
            #expect(one.tick(2000) == [])
        }
    }

    @Test func `a candidate that hears a leader of its epoch follows it`() {
        var one = Voter()
        _ = one.tick(2000)
        _ = one.answered(by: 2, granted(2, isPreVote: true, own: 1))
        #expect(one.election.heardLeader(node(3), epoch: epoch(2), nowMs: 2010) == [.follow(leader: node(3), epoch(2))])
        #expect(one.answered(by: 2, granted(2)) == [])
    }

    @Test(arguments: [1, 7])
    func `who refuses is told who votes`(own: UInt64) {
        var one = Voter()
        _ = one.tick(2000)
        let refusal = VoteReply(isPreVote: true, asked: epoch(2), epoch: epoch(own), isGranted: false)
        #expect(one.answered(by: 2, refusal).last == .send(.configuration(one.standing.configuration), to: node(2)))
    }

    @Test func `a refusal from a later epoch is learned from`() {
        var one = Voter()
        _ = one.tick(2000)
        let refusal = VoteReply(isPreVote: true, asked: epoch(2), epoch: epoch(7), isGranted: false)
        #expect(one.answered(by: 2, refusal).prefix(2) == [.persist(HardState(epoch: epoch(7))), .follow(leader: nil, epoch(7))])
        #expect(one.tick(4000) == requests(.preVote, 8))
    }
}

@Suite struct FollowerTests {
    @Test func `beats put the election off`() {
        var one = Voter()
        #expect(one.election.heardLeader(node(2), epoch: epoch(1), nowMs: 900) == [.follow(leader: node(2), epoch(1))])
        #expect(one.election.heardLeader(node(2), epoch: epoch(1), nowMs: 1800) == [])
        #expect(one.tick(2799) == [])
        #expect(one.tick(3800) == [.follow(leader: nil, epoch(1))] + requests(.preVote, 2))
    }

    @Test func `a leader of an earlier epoch is nobody`() {
        var one = Voter(hard: HardState(epoch: epoch(4)))
        #expect(one.election.heardLeader(node(2), epoch: epoch(3), nowMs: 10) == [])
        #expect(one.election.leader == nil)
    }

    @Test func `a leader of a later epoch is remembered on disk first`() {
        var one = Voter()
        #expect(
            one.election.heardLeader(node(2), epoch: epoch(5), nowMs: 10) == [
                .persist(HardState(epoch: epoch(5))), .follow(leader: nil, epoch(5)), .follow(leader: node(2), epoch(5)),
            ])
    }

    @Test func `a leader that is gone is replaced after a short pause`() {
        var one = Voter()
        _ = one.election.heardLeader(node(2), epoch: epoch(1), nowMs: 100)
        #expect(one.election.leaderGone(node(3), nowMs: 150) == [], "not the leader")
        #expect(one.election.leaderGone(node(2), nowMs: 200) == [.follow(leader: nil, epoch(1))])
        #expect((200..<325).contains(one.election.dueMs))
        #expect(one.asked(nowMs: 200).last == reply(2, 2, true), "and others may have the vote")
    }

    @Test func `a leader asks one to stand at once`() {
        var one = Voter()
        #expect(one.election.timeoutNow(epoch(1), from: node(2), nowMs: 100, standing: one.standing) == [], "it is not the leader")
        _ = one.election.heardLeader(node(2), epoch: epoch(1), nowMs: 100)
        #expect(
            one.election.timeoutNow(epoch(1), from: node(2), nowMs: 100, standing: one.standing)
                == [.follow(leader: nil, epoch(1)), .persist(HardState(epoch: epoch(2), votedFor: node(1)))] + requests(.handOver, 2))
    }
}

@Suite struct LeaderTests {
    @Test func `a leader that no majority answers steps down`() {
        var one = Voter()
        #expect(one.win() == [.lead(epoch(2))])
        #expect(one.tick(3000) == [])
        one.election.heard(from: node(3), sentMs: 2500)
        #expect(one.tick(3500) == [])
        #expect(one.tick(3501) == [.stopLeading(epoch(2), .quorumLost)])
    }

    @Test func `what counts is when the answered beat was sent`() {
        var one = Voter()
        _ = one.win()
        #expect(one.election.confirmedMs(one.standing.configuration) == nil)
        one.election.heard(from: node(3), sentMs: 2100)
        one.election.heard(from: node(2), sentMs: 2050)
        one.election.heard(from: node(3), sentMs: 2020)
        #expect(one.election.confirmedMs(one.standing.configuration) == 2100)
        one.election.heard(from: node(9), sentMs: 2900)
        #expect(one.election.confirmedMs(one.standing.configuration) == 2100, "strangers don't count")
    }

    @Test func `a later epoch in any message ends the lead`() {
        var one = Voter()
        _ = one.win()
        #expect(one.election.saw(epoch(2), nowMs: 2010) == [])
        #expect(
            one.election.saw(epoch(3), nowMs: 2010) == [
                .stopLeading(epoch(2), .newerEpoch(epoch(3))), .persist(HardState(epoch: epoch(3))), .follow(leader: nil, epoch(3)),
            ])
    }

    @Test func `a leader does not help to replace itself, but in a switch`() {
        var one = Voter()
        _ = one.win()
        #expect(one.asked(in: 3, nowMs: 2010) == [reply(3, 2, false)])
        #expect(one.election.handOver(to: node(2)) == [.send(.timeoutNow(epoch(2)), to: node(2))])
        let actions = one.asked(.handOver, in: 3, nowMs: 2010)
        #expect(actions.first == .stopLeading(epoch(2), .newerEpoch(epoch(3))))
        #expect(actions.last == reply(3, 3, true))
    }

    @Test func `one that resigns lets others go first`() {
        var one = Voter()
        _ = one.win()
        #expect(one.election.resign(.databaseFailed, nowMs: 2100) == [.stopLeading(epoch(2), .databaseFailed)])
        #expect((4100..<5100).contains(one.election.dueMs))
        #expect(one.election.resign(.databaseFailed, nowMs: 2100) == [])
    }

    @Test func `two leaders of one epoch are none`() {
        var one = Voter()
        _ = one.win()
        #expect(one.election.heardLeader(node(2), epoch: epoch(2), nowMs: 2010) == [.stopLeading(epoch(2), .otherLeader(node(2)))])
    }
}

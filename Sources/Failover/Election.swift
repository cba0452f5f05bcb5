package import ClusterModel

/// Finds the one leader of an epoch: Raft's election with pre-vote, leader stickiness and check-quorum.
///
///     follower ──due──► pre-candidate ──majority──► candidate ──majority──► leader
///        ▲ ◄── a leader heard, a later epoch seen ──┴─────────────┘             │
///        └──────────────── a later epoch, majority silent, resigned ────────────┘
///
/// Times are the caller's monotonic clock. The caller does the actions in order, and what follows a `persist` only once that is on disk.
package struct Election: Sendable {
    package enum Action: Equatable, Sendable {
        /// To disk, before any later action is done.
        case persist(HardState)
        case send(ElectionMessage, to: NodeID)
        /// This node won the epoch: begin a `Takeover`.
        case lead(Epoch)
        /// This node is nobody's master; nil: no leader is known now.
        case follow(leader: NodeID?, Epoch)
        /// It led, and does no more: acknowledge nothing, serve nothing.
        case stopLeading(Epoch, StepDown)
    }

    /// A vote under way.
    struct Round: Equatable, Sendable {
        let configuration: Configuration
        var votes: Set<NodeID>

        var isWon: Bool { configuration.isMajority(votes) }
    }

    enum Stage: Equatable, Sendable {
        case follower(leader: NodeID?)
        case preCandidate(Round)
        case candidate(Round)
        case leader(LeaderContact)
    }

    let own: NodeID
    package let electionTimeoutMs: Int
    package internal(set) var hardState: HardState
    var stage = Stage.follower(leader: nil)
    /// When a leader was last heard; nil: never, or it is gone.
    var heardLeaderMs: Int?
    /// When `ticked` is to be called at the latest, while this node does not lead.
    package internal(set) var dueMs: Int
    var random: SplitMix64

    /// - Parameters:
    ///   - hardState: what the disk holds.
    ///   - electionTimeoutMs: how long a leader may be silent; 8 or more, and some times the interval of beats.
    ///   - seed: other on each node.
    package init(own: NodeID, hardState: HardState, electionTimeoutMs: Int, seed: UInt64, nowMs: Int) {
        precondition(electionTimeoutMs >= 8)
        self.own = own
        self.hardState = hardState
        self.electionTimeoutMs = electionTimeoutMs
        random = SplitMix64(seed: seed)
        dueMs = nowMs
        wait(nowMs)
    }

    package var epoch: Epoch { hardState.epoch }

    package var isLeader: Bool {
        if case .leader = stage { true } else { false }
    }

    /// Whom it follows, itself while it leads.
    package var leader: NodeID? {
        switch stage {
        case .follower(let leader): leader
        case .preCandidate, .candidate: nil
        case .leader: own
        }
    }

    /// For linearizable reads: one that came at `t` may be served once this is *later* than `t`. Nil: not yet, or not the leader.
    ///
    /// Later, not equal: within one millisecond the beat may have left before the read came.
    package func confirmedMs(_ configuration: Configuration) -> Int? {
        // Rule 5: a majority that answered a beat sent after the read came had seen no later epoch by then.
        guard case .leader(let contact) = stage else { return nil }
        return contact.confirmedMs(configuration)
    }

    /// Time went on: call it at `dueMs`, and while leading as often as beats go out.
    package mutating func ticked(nowMs: Int, standing: Standing) -> [Action] {
        if case .leader(let contact) = stage {
            // Rule 5: it stops serving when it has not heard from a majority for an election timeout.
            let lost = contact.isLost(standing.configuration, timeoutMs: electionTimeoutMs, nowMs: nowMs)
            return lost ? stopLeading(.quorumLost, nowMs: nowMs) : []
        }
        let alone = standing.configuration.voters == [own]
        guard nowMs >= dueMs || alone else { return [] }
        guard standing.mayStand(own) else {
            wait(nowMs)
            return forgetLeader()
        }
        return campaign(alone ? .vote : .preVote, nowMs: nowMs, standing: standing)
    }

    /// A beat or any data came over the link of a leader. One of an earlier epoch is nobody: tell it of `epoch`.
    package mutating func heardLeader(_ id: NodeID, epoch: Epoch, nowMs: Int) -> [Action] {
        guard epoch >= self.epoch else { return [] }
        var actions = epoch > self.epoch ? adopt(epoch, nowMs: nowMs) : []
        if case .leader = stage { return id == own ? [] : stopLeading(.otherLeader(id), nowMs: nowMs) }
        if leader != id { actions.append(.follow(leader: id, epoch)) }
        stage = .follower(leader: id)
        heardLeaderMs = nowMs
        wait(nowMs)
        return actions
    }

    /// The link to the leader broke, or it said that it stops: an election is due after a short random pause.
    package mutating func leaderGone(_ id: NodeID, nowMs: Int) -> [Action] {
        guard stage == .follower(leader: id) else { return [] }
        heardLeaderMs = nil
        dueMs = nowMs + random.number(in: 0..<electionTimeoutMs / 8)
        return forgetLeader()
    }

    /// A follower answered, in this epoch, the beat that was sent to it at `sentMs`.
    package mutating func heard(from follower: NodeID, sentMs: Int) {
        guard case .leader(var contact) = stage else { return }
        contact.answered(by: follower, sentMs: sentMs)
        stage = .leader(contact)
    }

    /// Some message told of this epoch.
    package mutating func saw(_ epoch: Epoch, nowMs: Int) -> [Action] { epoch > self.epoch ? adopt(epoch, nowMs: nowMs) : [] }

    /// The leader gives up by itself; the others go first in the election that follows.
    package mutating func resign(_ why: StepDown, nowMs: Int) -> [Action] {
        guard isLeader else { return [] }
        let actions = stopLeading(why, nowMs: nowMs)
        dueMs += electionTimeoutMs
        return actions
    }

    /// The leader asks `target` to follow it in office. It leads on until that one is elected, or for good if it is not.
    package func handOver(to target: NodeID) -> [Action] {
        isLeader && target != own ? [.send(.timeoutNow(epoch), to: target)] : []
    }

    /// This node leads its epoch though nobody elected it: the first master of all, or one that goes on where no election is held.
    package mutating func leadUnelected(nowMs: Int) { stage = .leader(LeaderContact(own: own, sinceMs: nowMs)) }

    /// An operator has this node stand at once, whoever leads.
    package mutating func stand(nowMs: Int, standing: Standing) -> [Action] {
        isLeader ? [] : campaign(.handOver, nowMs: nowMs, standing: standing)
    }

    /// An operator makes this node leader of a new epoch whether or not others agree: what they have and this one has not is given up.
    package mutating func leadByForce(nowMs: Int) -> [Action] {
        hardState = HardState(epoch: epoch.next, votedFor: own)
        return [.persist(hardState)] + lead(nowMs: nowMs)
    }

    /// The leader asks this node to stand at once.
    package mutating func timeoutNow(_ epoch: Epoch, from: NodeID, nowMs: Int, standing: Standing) -> [Action] {
        guard epoch == self.epoch, leader == from, from != own, standing.mayStand(own) else { return [] }
        return campaign(.handOver, nowMs: nowMs, standing: standing)
    }
}

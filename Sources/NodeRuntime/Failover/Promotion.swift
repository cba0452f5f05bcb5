import ClusterModel
import EventLoop
import Failover
import LineProtocol
import NodeConfig

/// An operator makes this node master.
///
///     asking ──standings──► standing ──elected, serving──► done
///                  ├──no majority, but nothing can be lost, or forced──► leading without votes
///                  └──else──► refused
@LoopActor final class Promotion {
    typealias Done = @LoopActor (Result<[ReplyField], ReplyError>) -> Void

    private static let tickMs = 10
    private static let serveMsMax = 60_000

    private unowned let node: Node
    private let isForced: Bool
    private var done: Done?
    private var left = 0
    private var standings: [PeerStanding] = []
    private var dueMs = 0
    /// The others were asked: this node may stand though it would not by itself.
    private(set) var isDeciding = false
    /// What goes with the reply.
    private var notes: [ReplyField] = []

    init(_ node: Node, force: Bool, done: @escaping Done) {
        self.node = node
        isForced = force
        self.done = done
    }

    func begin() {
        let others = configuration.members.filter { $0.id != node.id }
        left = others.count
        guard left > 0 else { return decide() }
        for other in others {
            node.electorate.ask(other.id, .standing) { [self] rows in
                if let standing = rows?.lazy.compactMap(PeerStanding.init).first { standings.append(standing) }
                left -= 1
                if left == 0 { decide() }
            }
        }
    }

    private var configuration: Configuration { node.membership.configuration }

    private func decide() {
        isDeciding = true
        guard let own = node.standing, own.mayStand(node.id) || (own.isShort && own.isElectable) else {
            return end(
                .failure(
                    ReplyError(
                        .notReady, "this node can't be master now: it does not vote, or its database or log is not there yet; .status tells more")))
        }
        if let leader = standings.first(where: { $0.leads && $0.epoch >= node.epoch }) {
            return end(
                .failure(
                    ReplyError(.badRequest, "node \(leader.id) is master and within reach: say .switchover \(node.id) there, which loses nothing")))
        }
        if let best = standings.filter({ isHolder($0.id) }).max(by: { ($0.logEnd ?? .start) < ($1.logEnd ?? .start) }),
            let theirs = best.logEnd, own.logEnd < theirs
        {
            let words = "node \(best.id) has more than this one (\(theirs), here \(own.logEnd)): say .promote there"
            return end(.failure(ReplyError(.notReady, words)))
        }
        if let why = shortWords(own), !isForced { return end(.failure(ReplyError(.notReady, why))) }
        let reached = Set(standings.map(\.id)).union([node.id])
        let voters = configuration.voters
        // Who once acknowledged more votes for nobody who has less.
        if configuration.isMajority(reached), shortWords(own) == nil { return stand() }
        // With a witness the master may have gone on alone.
        let copies = configuration.witness == nil ? node.settings.replication.acks.copies(voters: configuration.holders.count) : 1
        // Of the others only those whose log is known.
        let known = Set(standings.filter { $0.logEnd != nil && $0.acknowledged == nil }.map(\.id)).union(own.isShort ? [] : [node.id])
        let holders = configuration.holders.filter { known.contains($0) }.count
        // Each acknowledged write is on so many nodes that one of these must have it, and none has more than this one.
        let isSafe = holders > configuration.holders.count - copies
        guard isSafe || isForced else {
            return end(
                .failure(
                    ReplyError(
                        .noQuorum,
                        """
                        only \(reached.count) of \(voters.count) voting nodes are within reach, so the others may hold acknowledged writes that this node \
                        does not: it has what there is up to \(node.logEndWords). Bring one of them back, or say .promote force: what was acknowledged beyond that is lost
                        """)))
        }
        lead(reached, isSafe: isSafe)
    }

    /// Why what is within reach does not have all that was acknowledged; nil: as far as is known, it has.
    private func shortWords(_ own: Standing) -> String? {
        if own.isShort, let words = (node.life as? SlaveLife)?.shortLog.health { return words }
        guard let other = standings.first(where: { isHolder($0.id) && own.logEnd < $0.acknowledged ?? .start }) else { return nil }
        return "node \(other.id) lost a part of its log, and acknowledged more than this node has: bring back a node that has it,"
            + " or say .promote force: what was acknowledged beyond \(node.logEndWords) is lost"
    }

    private func isHolder(_ id: NodeID) -> Bool { configuration.holders.contains(id) }

    private func stand() {
        guard node.electorate.stand() else { return end(.failure(ReplyError(.notReady, "this node's log is not known yet; try again"))) }
        waitUntilServing()
    }

    /// Without the votes of those that are gone: they vote again once they are back and have caught up.
    private func lead(_ reached: Set<NodeID>, isSafe: Bool) {
        let away = configuration.voters.filter { !reached.contains($0) }
        let members = configuration.members.map { away.contains($0.id) ? $0.becoming(.learner) : $0 }
        let stamp = ConfigurationStamp(epoch: node.epoch.next, version: configuration.stamp.version + 1)
        do throws(SystemError) {
            try node.keep(node.membership.list.with(Configuration(stamp: stamp, members: members)))
        } catch {
            return end(.failure(ReplyError(.notReady, "the list of members could not be stored (\(error)), so nothing was changed")))
        }
        let list = away.map { "\($0)" }.joined(separator: ",")
        node.log.warning(
            "made master by an operator without the others",
            ["without": list, "keeps": node.logEndWords, "lost": isSafe ? "nothing" : "what was acknowledged beyond it, if anything"])
        notes = [.text("without", list), .text("keeps", node.logEndWords)] + (isSafe ? [] : [.text("lost", "what-was-beyond")])
        node.electorate.leadByForce()
        waitUntilServing()
    }

    private func waitUntilServing() {
        dueMs = EventLoop.nowMs() + (notes.isEmpty ? 2 * node.electorate.electionTimeoutMs : Self.serveMsMax)
        tick()
    }

    private func tick() {
        if node.role == .master {
            return end(.success([.number("master", UInt64(node.id.rawValue)), .number("epoch", node.epoch.rawValue)] + notes))
        }
        if node.electorate.isLeader { dueMs = max(dueMs, EventLoop.nowMs() + 1000) }
        guard EventLoop.nowMs() < dueMs else {
            let why =
                node.electorate.isLeader
                ? "it was elected, and its database does not serve yet" : "too few of the others agreed: they follow a master, or hold more"
            return end(.failure(ReplyError(.noQuorum, "this node is not master: \(why); .status tells more")))
        }
        node.loop.after(milliseconds: Self.tickMs) { [self] in tick() }
    }

    private func end(_ result: Result<[ReplyField], ReplyError>) {
        node.promotion = nil
        done?(result)
        done = nil
    }
}

extension Node {
    func promote(force: Bool, done: @escaping Promotion.Done) {
        if role == .master { return done(.failure(ReplyError(.badRequest, "this node is master already"))) }
        guard settings.database.mode == .private else {
            return done(.failure(ReplyError(.badRequest, "a node with an external database can't be made master")))
        }
        guard promotion == nil else { return done(.failure(ReplyError(.notReady, "this node is being made master already"))) }
        let new = Promotion(self, force: force, done: done)
        promotion = new
        new.begin()
    }

    /// What this node has, as messages tell it.
    var logEndWords: String { (life as? SlaveLife).map { "\($0.replica.logEnd)" } ?? "-" }
}

import ClusterModel
import EventLoop
import Failover
import LineProtocol
import NodeConfig
import Replication

/// A planned change of master, on the master that gives its office up: writes wait, the other catches up, stands, and is elected.
///
///     draining ──nothing runs, the other has all──► handing over ──elected──► done
///         └──────────────── in time not ─────────────────┴──► given up: writes go on here
@LoopActor final class ChangeOfMaster {
    typealias Done = @LoopActor (Result<[ReplyField], ReplyError>) -> Void

    private static let tickMs = 5

    private unowned let node: Node
    private let target: Member
    private let beganMs = EventLoop.nowMs()
    private let dueMs: Int
    private var done: Done?
    private var hasHandedOver = false
    private(set) var holdsWrites = true

    init(_ node: Node, to target: Member, done: @escaping Done) {
        self.node = node
        self.target = target
        self.done = done
        // Statements wait for `failover.clientWaitMs`: most of it is for what still runs, the rest for the other node.
        dueMs = beganMs + max(500, node.settings.failover.clientWaitMs / 2)
        node.log.notice("changing the master", ["to": "\(target.id)@\(target.address)"])
        tick()
    }

    private func tick() {
        guard done != nil else { return }
        guard EventLoop.nowMs() < dueMs else { return giveUp() }
        if let trouble = node.master?.applyTrouble(of: target.id) { return end(.failure(MasterLife.unfit(target.id, trouble))) }
        if !hasHandedOver, node.openWrites == 0, node.master?.hasEverything(target.id) ?? false {
            hasHandedOver = true
            node.electorate.handOver(to: target.id)
        }
        node.loop.after(milliseconds: Self.tickMs) { [weak self] in self?.tick() }
    }

    private func giveUp() {
        let open = node.openWrites
        let why =
            open > 0
            ? "\(open) transactions or writes stayed open on this master: end them, and try again"
            : hasHandedOver ? "node \(target.id) was not elected" : "node \(target.id) did not catch up"
        end(.failure(ReplyError(.notReady, "the master was not changed: after \(EventLoop.nowMs() - beganMs) ms \(why)")))
    }

    /// Somebody leads; nil: nobody does now.
    func follows(_ leader: NodeID?) {
        guard let leader, hasHandedOver, leader != node.id else { return }
        let took = UInt64(EventLoop.nowMs() - beganMs)
        guard leader == target.id else {
            return end(.failure(ReplyError(.notReady, "node \(leader) became master instead of node \(target.id)")))
        }
        end(.success([.number("master", UInt64(leader.rawValue)), .text("address", target.address.description), .number("took_ms", took)]))
    }

    private func end(_ result: Result<[ReplyField], ReplyError>) {
        let done = self.done
        self.done = nil
        holdsWrites = false
        node.change = nil
        if case .failure(let error) = result { node.log.warning("the master was not changed", ["why": error.text]) }
        done?(result)
    }
}

extension Node {
    var master: MasterLife? { life as? MasterLife }

    func switchOver(to id: NodeID?, done: @escaping ChangeOfMaster.Done) {
        guard let master, role == .master else {
            return done(.failure(ReplyError(.notMaster, "only the master gives its office to another; it is at \(masterWords)")))
        }
        guard change == nil else { return done(.failure(ReplyError(.notReady, "the master is being changed already"))) }
        guard settings.database.mode == .private else {
            return done(.failure(ReplyError(.badRequest, "a master with an external database can't be changed by the node")))
        }
        guard membership.configuration.voters.count > 1 else {
            return done(.failure(ReplyError(.unknownNode, "there is no other voting node; .nodes lists them")))
        }
        do throws(ReplyError) {
            change = ChangeOfMaster(self, to: try master.successor(id), done: done)
        } catch {
            done(.failure(error))
        }
    }
}

extension MasterLife {
    /// Why that slave's database can't apply what it receives; nil: it can, as far as it told.
    func applyTrouble(of id: NodeID) -> String? { slaves.first { $0.member?.id == id }?.applyTrouble }

    func applyTroubleWords(_ id: NodeID) -> String {
        applyTrouble(of: id).map { " (\($0); its .status says what is done about it)" } ?? ""
    }

    /// The node that is to be master: that one, or the one that has most.
    fileprivate func successor(_ id: NodeID?) throws(ReplyError) -> Member {
        let able = slaves.filter { $0.isMatched && roster.configuration.member($0.member?.id ?? node.id)?.kind == .voter }
        if let id {
            guard let found = roster.configuration.member(id), id != node.id else {
                throw ReplyError(.unknownNode, "no node \(id) that could be master; .nodes lists the slaves")
            }
            guard found.kind == .voter, able.contains(where: { $0.member?.id == id }) else {
                throw ReplyError(.notReady, "node \(id) can't be master now: it must vote and be streaming; .nodes tells its state")
            }
            if let trouble = applyTrouble(of: id) { throw Self.unfit(id, trouble) }
            return found
        }
        let stuck = able.first { $0.applyTrouble != nil }
        let best = able.filter { $0.applyTrouble == nil }.max { ($0.ack.received, $0.ack.applied) < ($1.ack.received, $1.ack.applied) }
        guard let best = best?.member.flatMap({ roster.configuration.member($0.id) }) else {
            let why = stuck.flatMap { slave in slave.applyTrouble.map { "; node \(slave.member?.id ?? node.id) is apply-failed: \($0)" } } ?? ""
            throw ReplyError(.notReady, "no slave could be master now: none votes, is streaming and can apply\(why)")
        }
        return best
    }

    fileprivate static func unfit(_ id: NodeID, _ trouble: String) -> ReplyError {
        ReplyError(
            .notReady,
            "node \(id) can't be master now, since it is apply-failed: \(trouble). Its .status says what is done about it; .switchover without a node takes one that can apply"
        )
    }

    /// Whether that slave has all of the log on its disk and in its database.
    fileprivate func hasEverything(_ id: NodeID) -> Bool {
        guard let slave = slaves.first(where: { $0.member?.id == id }), slave.isMatched, isAllKnown else { return false }
        return slave.ack.received >= logEnd && slave.ack.applied >= logEnd
    }
}

import ClusterModel
import EventLoop
import Failover
import LineProtocol
import Replication

/// A master whose database can't do its work, by its own account: it hands over to a slave that can, again and again until one takes over.
///
///     a full disk     first as an operator would change the master; where commits hang in the database, at once
///     no answer       at once: nothing can be waited for
///
/// What the master's database holds and no other node has was never acknowledged; it is taken back as after any other change of master.
@LoopActor final class UnfitMaster {
    private static let againMs = 2000

    private unowned let node: Node
    private var lastTrouble: DatabaseFitness.Trouble?
    private var triedMs: Int?
    private var hasAsked = false
    private var lastRefusal: String?

    init(_ node: Node) { self.node = node }

    /// To be called every half second.
    func looked(_ trouble: DatabaseFitness.Trouble?) {
        guard let trouble else { return recovered() }
        if lastTrouble?.stateWord != trouble.stateWord { node.log.error("the database can't do its work", ["why": trouble.words]) }
        lastTrouble = trouble
        guard let master = node.master, node.electsByItself, node.change == nil, isDue else { return }
        guard let heir = master.heir else { return refuse("no slave that has everything can do it either; .nodes tells their states") }
        triedMs = EventLoop.nowMs()
        if case .full = trouble, !hasAsked, node.role == .master { return ask(heir) }
        node.log.warning("handing over to a node whose database works", ["to": "\(heir.id)@\(heir.address)", "why": trouble.words])
        node.electorate.handOver(to: heir.id)
    }

    private var isDue: Bool { triedMs.map { EventLoop.nowMs() - $0 >= Self.againMs } ?? true }

    private func ask(_ heir: Member) {
        hasAsked = true
        node.switchOver(to: heir.id) { [weak self] result in if case .failure = result { self?.triedMs = nil } }
    }

    private func refuse(_ why: String) {
        if lastRefusal != why { node.log.warning("this master can't hand over", ["why": why]) }
        lastRefusal = why
    }

    private func recovered() {
        if lastTrouble != nil { node.log.notice("the database does its work again") }
        (lastTrouble, triedMs, lastRefusal) = (nil, nil, nil)
        hasAsked = false
    }
}

extension MasterLife {
    /// The slave that has most, of those that could do a master's work as far as they know.
    fileprivate var heir: Member? {
        let able = slaves.filter { $0.isMatched && ["streaming", "catching-up"].contains($0.ack.state) }
        let members = able.compactMap { slave in
            slave.member.flatMap { roster.configuration.member($0.id) }.flatMap { $0.kind == .voter ? ($0, slave.ack) : nil }
        }
        return members.max { ($0.1.received, $0.1.applied) < ($1.1.received, $1.1.applied) }?.0
    }
}

import CampaignCore
import CampaignHarness
import Glibc
import Synchronization

/// Does a fault to the cluster, undoes it, and sees whether the cluster comes back.
struct Nemesis {
    /// What came of a round.
    struct Round {
        let fault: Fault
        let node: Int
        var struckMs = 0
        var healedMs = 0
        /// From the blow to the first acknowledged write that was begun after it.
        let toFirstWriteMs: Int?
        /// From when all was healed until all nodes followed again.
        let recoveryMs: Int
        let violation: Violation?

        var words: String {
            let write = toFirstWriteMs.map { "first write after \($0) ms" } ?? "no write after it"
            return "\(fault), node \(fault.target == .all ? "1 to 3" : "\(node)"): \(write), whole \(recoveryMs) ms after it ended"
        }
    }

    private static let failoverMsMax = 30_000
    private static let masterMsMax = 30_000

    let cluster: Cluster
    let load: Load

    func run(_ fault: Fault) throws(Failure) -> Round {
        try hold(milliseconds: fault.quietMs)
        guard let node = try victim(of: fault) else {
            let words = "\(fault): no node was master for \(Self.masterMsMax) ms"
            return Round(fault: fault, node: 0, toFirstWriteMs: nil, recoveryMs: 0, violation: Violation(.notRecovered, nil, words))
        }
        let struckMs = Clock.nowMs
        try strike(fault, node)
        // Only now: what was begun while the blow fell may have been answered before it.
        load.history.withLock { $0.watch(fromMs: Clock.nowMs) }
        try hold(milliseconds: fault.holdMs)
        let stuck = fault.lastsUntilFailover ? try waitForFailover(fault, node) : nil
        try heal(fault, node)
        let healedMs = Clock.nowMs
        let trouble = try waitUntilWhole(fault, healedMs)
        return Round(
            fault: fault, node: node.number, struckMs: struckMs, healedMs: healedMs, toFirstWriteMs: firstWriteMs.map { $0 - struckMs },
            recoveryMs: Clock.nowMs - healedMs,
            violation: stuck ?? trouble)
    }

    private var firstWriteMs: Int? { load.history.withLock { $0.firstAcknowledgedMs } }

    private func victim(of fault: Fault) throws(Failure) -> Node? {
        if fault.target == .smallDisk { return cluster.smallDiskNode }
        var master: Node?
        _ = try wait(milliseconds: Self.masterMsMax) {
            master = cluster.master
            return master == nil ? "no master" : nil
        }
        guard let master, fault.target == .slave else { return master }
        return slaves(of: master)[fault.pick]
    }

    // MARK: The blow and its end

    private func majority(_ fault: Fault, _ master: Node) -> [Node] { [master, slaves(of: master)[fault.pick]] }
    private func slaves(of master: Node) -> [Node] { cluster.nodes.filter { $0 !== master } }

    private func strike(_ fault: Fault, _ node: Node) throws(Failure) {
        switch fault.kind {
        case .killNode: node.kill()
        case .killDatabase: node.killDatabase()
        case .killBoth:
            node.killDatabase()
            node.kill()
        case .killMajority: for node in majority(fault, node) { node.kill() }
        case .pause: node.signal(SIGSTOP)
        case .partition:
            try cluster.network.cutOut(node.number)
            try cluster.network.cutIn(node.number)
        case .partitionOut: try cluster.network.cutOut(node.number)
        case .partitionIn: try cluster.network.cutIn(node.number)
        case .fullDisk: try cluster.smallDisk?.fill()
        case .restartAll: for node in cluster.nodes { node.kill() }
        }
    }

    private func heal(_ fault: Fault, _ node: Node) throws(Failure) {
        switch fault.kind {
        case .killNode, .killBoth: try node.launch()
        case .killMajority: for node in majority(fault, node) { try node.launch() }
        case .killDatabase: break
        case .pause: node.signal(SIGCONT)
        case .partition, .partitionOut, .partitionIn: try cluster.network.heal()
        case .fullDisk: cluster.smallDisk?.free()
        case .restartAll: for node in cluster.nodes { try node.launch() }
        }
    }

    // MARK: What must follow

    private func waitForFailover(_ fault: Fault, _ node: Node) throws(Failure) -> Violation? {
        let trouble = try wait(milliseconds: Self.failoverMsMax) { firstWriteMs == nil ? "no write" : nil }
        guard trouble != nil else { return nil }
        return Violation(
            .notRecovered, nil, "\(fault): no other node took a write within \(Self.failoverMsMax) ms while node \(node.number) was away")
    }

    /// A write that began when all was healed is acknowledged, and all nodes follow.
    private func waitUntilWhole(_ fault: Fault, _ healedMs: Int) throws(Failure) -> Violation? {
        // A database that found its disk full looks again after a minute only.
        let limitMs = fault.kind == .fullDisk ? 120_000 : 60_000
        let trouble = try wait(milliseconds: limitMs) {
            guard load.history.withLock({ $0.lastAcknowledgedBeganMs >= healedMs }) else { return "no write is acknowledged" }
            return cluster.trouble
        }
        return trouble.map { Violation(.notRecovered, nil, "\(fault): not whole \(limitMs) ms after it ended: \($0)") }
    }
}

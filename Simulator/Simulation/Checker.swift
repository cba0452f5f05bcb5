import ClusterModel
import Failover

/// Watches all nodes at once, as nobody in the cluster can, and says what must never be.
struct Checker {
    /// What was ever committed, by the word of some leader's watermark, in order.
    private(set) var committed: [Entry] = []
    private var leaders: [Epoch: NodeID] = [:]
    /// How much of it the leader of each epoch has committed.
    private var reached: [Epoch: Int] = [:]
    /// How much of `committed` some client was told of, by a write's answer or a read's.
    private(set) var told = 0
    private(set) var acknowledged = 0
    private(set) var violation: String?

    mutating func report(_ words: String) { violation = violation ?? words }

    /// A node was elected.
    mutating func leads(_ node: NodeID, _ epoch: Epoch, log: EntryLog) {
        if let other = leaders[epoch], other != node { report("epoch \(epoch) has two leaders, \(other) and \(node)") }
        leaders[epoch] = node
        // Its votes may come late: what leaders of later epochs have committed by now it need not have; it won't commit anything.
        let before = reached.filter { $0.key < epoch }.values.max() ?? 0
        guard log.count >= before, log.entries[..<before] == committed[..<before] else {
            let common = zip(log.entries, committed).prefix { $0 == $1 }.count
            return report("the leader \(node) of epoch \(epoch) lacks what was committed: \(before) entries, of which it has \(common)")
        }
    }

    /// A leader's watermark went from one count of entries to another.
    ///
    /// - Parameter copies: how many voters must have it on disk.
    mutating func watermarkMoved(_ leader: NodeID, _ epoch: Epoch, _ log: EntryLog, from old: Int, to new: Int, on disks: [EntryLog], copies: Int) {
        let held = disks.count { $0.durable >= new && $0.entries[new - 1] == log.entries[new - 1] }
        if held < copies {
            report("the watermark of \(leader) is at \(log.position(new)), which \(held) voters have on disk and \(copies) should")
        }
        reached[epoch] = new
        for number in old..<new {
            if number == committed.count { committed.append(log.entries[number]) }
            guard committed[number] == log.entries[number] else {
                return report("\(leader) commits \(log.entries[number]) where \(committed[number]) was committed")
            }
        }
    }

    /// A node's database shows more than before.
    mutating func applied(_ node: NodeID, _ log: EntryLog, from old: Int, to new: Int) {
        guard new <= log.count else { return report("\(node) shows \(new) entries of a log of \(log.count)") }
        guard new <= committed.count else { return report("\(node) shows \(log.position(new)), which is not committed") }
        guard new >= old else { return report("\(node) shows less than before: \(new) entries, not \(old)") }
        for number in old..<new where committed[number] != log.entries[number] {
            return report("\(node) shows \(log.entries[number]) where \(committed[number]) was committed")
        }
    }

    /// A client was told that its write is done.
    mutating func acknowledged(_ entry: Entry, at count: Int, by node: NodeID) {
        guard count <= committed.count, committed[count - 1] == entry else { return report("\(node) acknowledges \(entry), which is not committed") }
        told = max(told, count)
        acknowledged += 1
    }

    /// A linearizable read was answered.
    ///
    /// - Parameter floor: `told`, when the read came.
    mutating func read(_ count: Int, floor: Int, by node: NodeID) {
        if count < floor { report("a read on \(node) gave \(count) entries, when \(floor) were known before it began") }
        told = max(told, count)
    }

    /// Any two logs are the same up to the last GTID that is in both.
    mutating func compare(_ logs: [EntryLog]) {
        for (number, one) in logs.enumerated() {
            for other in logs[(number + 1)...] {
                let both = one.history.resumePoint(for: other.history) ?? .start
                guard let a = one.count(upTo: both), let b = other.count(upTo: both), one.entries[..<a] == other.entries[..<b] else {
                    return report("two logs hold \(both) and differ before it")
                }
            }
        }
    }
}

import ClusterModel
import Failover

/// A transaction: its GTID, and the unique value that a client wrote.
struct Entry: Equatable {
    let server: UInt32
    let sequence: UInt64
    /// 0: a marker.
    let value: Int

    var position: Position { Position(GTID(domain: 0, server: server, sequence: sequence)) }
}

/// A node's log on its disk, with who wrote it. A prefix of it is durable.
struct EntryLog {
    private(set) var entries: [Entry] = []
    private(set) var history = LogHistory(isComplete: true)
    /// How many of them a crash leaves for sure.
    private(set) var durable = 0
    /// Grows when something is cut: a sync that began before says nothing of what came after.
    private(set) var cuts = 0

    var count: Int { entries.count }
    var end: Position { position(entries.count) }

    func position(_ count: Int) -> Position { count == 0 ? .start : entries[count - 1].position }

    /// How many entries there are up to this position; nil when it is none of them.
    func count(upTo position: Position) -> Int? {
        if position == .start { return 0 }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].sequence < position.sequence { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].position == position ? low + 1 : nil
    }

    mutating func append(_ entry: Entry) {
        history.append(GTID(domain: 0, server: entry.server, sequence: entry.sequence))
        entries.append(entry)
    }

    mutating func cut(to count: Int) {
        entries.removeSubrange(count...)
        history.cut(to: position(count))
        durable = min(durable, count)
        cuts += 1
    }

    mutating func synced(_ count: Int) { durable = max(durable, count) }

    /// What a follower says of itself: from the last entry that its database has applied on.
    func history(from applied: Int) -> LogHistory {
        guard applied > 0 else { return history }
        let first = entries[applied - 1].sequence
        return LogHistory(history.runs.filter { $0.last >= first }, isComplete: false) ?? history
    }
}

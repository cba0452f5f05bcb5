/// Names a timer until it fires or is cancelled.
package struct TimerID: Hashable, Sendable {
    let number: UInt64
}

/// The loop's deadlines, soonest first: a binary heap in which cancelled entries stay until they surface or outnumber the live.
struct TimerHeap<Action> {
    private struct Entry {
        let deadline: UInt64
        let id: UInt64
    }

    private var entries: [Entry] = []
    private var actions: [UInt64: Action] = [:]
    private var lastID: UInt64 = 0

    /// The soonest deadline, in the clock's nanoseconds; cancelled entries may make it too soon, never too late.
    var soonest: UInt64? { entries.first?.deadline }

    mutating func insert(deadline: UInt64, _ action: Action) -> TimerID {
        lastID += 1
        actions[lastID] = action
        entries.append(Entry(deadline: deadline, id: lastID))
        siftUp(entries.count - 1)
        return TimerID(number: lastID)
    }

    mutating func cancel(_ id: TimerID) {
        guard actions.removeValue(forKey: id.number) != nil, entries.count > 64, entries.count > 2 * actions.count else { return }
        entries.removeAll { actions[$0.id] == nil }
        entries.sort { $0.deadline < $1.deadline }
    }

    /// The next action due at `now`, removed; nil when none is.
    mutating func popDue(now: UInt64) -> Action? {
        while let first = entries.first, first.deadline <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.id) { return action }
        }
        return nil
    }

    private mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < entries.count else { return }
            if child + 1 < entries.count, entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            parent = child
        }
    }

    private mutating func siftUp(_ index: Int) {
        var child = index
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }
}

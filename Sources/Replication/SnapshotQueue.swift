/// Who is given a snapshot, and who waits: one at a time, in the order in which they came.
package struct SnapshotQueue<Taker: Equatable & Sendable>: Sendable {
    private var takers: [Taker] = []

    package init() {}

    /// Whose turn it is.
    package var current: Taker? { takers.first }

    /// Those who wait, the next one first.
    package var waiting: ArraySlice<Taker> { takers.dropFirst() }

    /// How many get theirs before; nil for who is not here. 0: it is its turn.
    package func ahead(of taker: Taker) -> Int? { takers.firstIndex(of: taker) }

    package mutating func joined(_ taker: Taker) {
        precondition(!takers.contains(taker), "nobody queues twice")
        takers.append(taker)
    }

    /// Whether it was here.
    @discardableResult package mutating func left(_ taker: Taker) -> Bool {
        guard let index = takers.firstIndex(of: taker) else { return false }
        takers.remove(at: index)
        return true
    }
}

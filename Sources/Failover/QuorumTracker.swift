package import ClusterModel

/// Counts who holds the master's transactions on disk, and so how far they are committed: the watermark.
package struct QuorumTracker: Sendable {
    /// How many nodes must hold a transaction, the master counted.
    package private(set) var copies: Int
    private let own: NodeID
    private let epochStart: UInt64
    private var ownDurable = Position.start
    private var acked: [NodeID: Position] = [:]
    private var voters: [NodeID]
    /// The last transaction that enough nodes hold. It never goes back.
    package private(set) var watermark: Position

    /// - Parameters:
    ///   - voters: those whose copies count, `own` among them.
    ///   - watermark: what is known to be committed already.
    ///   - epochStart: the sequence of the epoch's first transaction: copies of older ones alone commit nothing, they are committed with a newer one.
    package init(own: NodeID, voters: Set<NodeID>, copies: Int, watermark: Position, epochStart: UInt64 = 0) {
        self.own = own
        self.voters = voters.sorted()
        self.copies = copies
        self.watermark = watermark
        self.epochStart = epochStart
    }

    /// Says whose copies count from now on; true when the watermark moved.
    package mutating func configure(voters: Set<NodeID>, copies: Int) -> Bool {
        self.voters = voters.sorted()
        self.copies = copies
        return advance()
    }

    /// The master holds everything up to `position` durably.
    package mutating func ownIsDurable(to position: Position) -> Bool {
        guard ownDurable < position else { return false }
        ownDurable = position
        return advance()
    }

    /// A slave holds everything up to `position` durably, of this master's history: to be said only once its log was matched with this master's, since
    /// a position compares by its sequence alone.
    package mutating func acked(by node: NodeID, to position: Position) -> Bool {
        guard (acked[node] ?? .start) < position else { return false }
        acked[node] = position
        return advance()
    }

    /// A slave goes on from `position`: what it acknowledged beyond it is lost and counts no more. The watermark stays.
    package mutating func resumed(by node: NodeID, at position: Position) { acked[node] = acked[node].map { min($0, position) } }

    /// Up to where a node holds the master's log, as far as the master knows.
    package func position(of node: NodeID) -> Position { node == own ? ownDurable : acked[node] ?? .start }

    /// Whether something of this epoch is committed, and with it everything before.
    package var hasCommittedEpoch: Bool { watermark.sequence >= epochStart && copies > 0 }

    /// Whether enough of those that count *now* hold everything up to `position`.
    package func isHeld(_ position: Position) -> Bool { copies > 0 && voters.count { self.position(of: $0) >= position } >= copies }

    /// Whether too few nodes are within reach to commit anything. `reachable`: the slaves.
    package func isLost(reachable: Set<NodeID>) -> Bool {
        voters.count { $0 != own && reachable.contains($0) } + (voters.contains(own) ? 1 : 0) < copies
    }

    /// Everything up to `position` is committed by the rule that held when it was written.
    package mutating func assume(_ position: Position) { watermark = max(watermark, position) }

    private mutating func advance() -> Bool {
        // Nothing of a slave counts beyond the master's own log.
        let held = voters.map { min(position(of: $0), ownDurable) }.sorted { $1 < $0 }
        guard copies > 0, held.count >= copies else { return false }
        let reached = held[copies - 1]
        // Raft 5.4.2: copies of older epochs' entries alone commit nothing; they are committed with the epoch's own.
        guard watermark < reached, reached.sequence >= epochStart else { return false }
        watermark = reached
        return true
    }
}

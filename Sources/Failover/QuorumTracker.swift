package import ClusterModel

/// Counts who holds the master's transactions on disk, and so how far they are committed: the watermark.
package struct QuorumTracker: Sendable {
    /// How many nodes must hold a transaction, the master counted.
    package private(set) var copies: Int
    private let own: NodeID
    private let epochStart: UInt64
    private var ownDurable = Position.start
    private var acked: [NodeID: Position] = [:]
    private var voters: Set<NodeID>
    /// The last transaction that enough nodes hold. It never goes back.
    package private(set) var watermark: Position

    /// - Parameters:
    ///   - voters: those whose copies count, `own` among them.
    ///   - watermark: what is known to be committed already.
    ///   - epochStart: the sequence of the epoch's first transaction: copies of older ones alone commit nothing, they are committed with a newer one.
    package init(own: NodeID, voters: Set<NodeID>, copies: Int, watermark: Position, epochStart: UInt64 = 0) {
        self.own = own
        self.voters = voters
        self.copies = copies
        self.watermark = watermark
        self.epochStart = epochStart
    }

    /// Says whose copies count from now on; true when the watermark moved.
    package mutating func configure(voters: Set<NodeID>, copies: Int) -> Bool {
        self.voters = voters
        self.copies = copies
        return advance()
    }

    /// The master holds everything up to `position` durably.
    package mutating func ownIsDurable(to position: Position) -> Bool {
        guard ownDurable < position else { return false }
        ownDurable = position
        return advance()
    }

    /// A slave holds everything up to `position` durably, of this master's history.
    package mutating func acked(by node: NodeID, to position: Position) -> Bool {
        guard (acked[node] ?? .start) < position else { return false }
        acked[node] = position
        return advance()
    }

    /// A slave goes on from `position`: what it acknowledged beyond it is lost and counts no more. The watermark stays.
    package mutating func resumed(by node: NodeID, at position: Position) { acked[node] = acked[node].map { min($0, position) } }

    /// Whether too few nodes are within reach to commit anything. `reachable`: the slaves.
    package func isLost(reachable: Set<NodeID>) -> Bool { reachable.subtracting([own]).intersection(voters).count + 1 < copies }

    /// Everything up to `position` is committed by the rule that held when it was written.
    package mutating func assume(_ position: Position) { watermark = max(watermark, position) }

    private mutating func advance() -> Bool {
        // Nothing of a slave counts beyond the master's own log.
        let held = voters.map { $0 == own ? ownDurable : min(acked[$0] ?? .start, ownDurable) }.sorted { $1 < $0 }
        guard copies > 0, held.count >= copies else { return false }
        let reached = held[copies - 1]
        guard watermark < reached, reached.sequence >= epochStart else { return false }
        watermark = reached
        return true
    }
}

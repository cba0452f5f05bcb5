package import ClusterModel

/// A follower's log under one leader of one epoch: where it is cut, and how far the database may apply it.
///
///     unmatched ──resumed(after:)──► matched
///         └──────────────────────────► diverged
package struct Following: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        /// Drop what the journal holds behind this, durably, before anything of the leader's is appended.
        case cut(to: Position)
        /// The leader's log does not hold what this database has applied. Stop, keep all files, say so: no rule mends it.
        case diverged(common: Position, applied: Position)
    }

    package let leader: NodeID
    package let epoch: Epoch
    /// Whether its log is known to be the start of the leader's: only then may it append, acknowledge, apply.
    package private(set) var isMatched = false
    private var watermark = Position.start

    package init(leader: NodeID, epoch: Epoch) {
        self.leader = leader
        self.epoch = epoch
    }

    /// The leader said which entry is the last in common.
    package mutating func resumed(after common: Position, logEnd: Position, applied: Position) -> [Action] {
        // Rule 3: what was applied was below the watermark, and that is in every later leader's log.
        guard applied <= common else { return [.diverged(common: common, applied: applied)] }
        isMatched = true
        // Rule 3: a journal that runs past the common prefix is cut there.
        return common == logEnd ? [] : [.cut(to: common)]
    }

    /// The leader said how far its log is committed.
    package mutating func watermarkMoved(to position: Position) { watermark = max(watermark, position) }

    /// How far the database may apply, where the journal is durable up to `durable`; nil while nothing is known.
    ///
    /// Not past what is durable, although what is committed may be applied: a database that is ahead of its journal leaves a gap in it.
    package func applyLimit(durable: Position) -> Position? { isMatched ? min(watermark, durable) : nil }
}

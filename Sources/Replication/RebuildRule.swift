package import ClusterModel

/// Whether a slave whose database can't apply a transaction is rebuilt from a copy of one that has it: once for each transaction, and not without end.
package struct RebuildRule: Sendable {
    package enum Verdict: Equatable, Sendable {
        case rebuild
        /// Another rebuild ended a short while ago.
        case wait(milliseconds: Int)
        /// A rebuild for this transaction did not help.
        case spent
    }

    /// After the first of a row; after each further one twice as long.
    package static let pauseFirstMs = 10_000
    package static let pauseMsMax = 3_600_000

    /// How many copies were put in use because of a transaction that could not be applied.
    package private(set) var rebuilds = 0
    /// The transaction before the last one that a rebuild was for.
    private var lastAfter: Position?
    private var endedMs = 0
    private var inARow = 0

    package init() {}

    package func verdict(_ trouble: ApplyTrouble, nowMs: Int) -> Verdict {
        guard let lastAfter else { return .rebuild }
        guard lastAfter < trouble.after else { return .spent }
        let left = endedMs + pauseMs - nowMs
        return left > 0 ? .wait(milliseconds: left) : .rebuild
    }

    private var pauseMs: Int { min(Self.pauseFirstMs << min(max(0, inARow - 1), 10), Self.pauseMsMax) }

    /// A copy was put in the database's place, because the transaction after `after` could not be applied. `isInUse`: the database runs on it.
    package mutating func rebuilt(after: Position, isInUse: Bool, nowMs: Int) {
        inARow = lastAfter != nil && nowMs - endedMs < 2 * Self.pauseMsMax ? inARow + 1 : 1
        (lastAfter, endedMs) = (after, nowMs)
        if isInUse { rebuilds += 1 }
    }

    /// An operator insists: what was tried counts no more.
    package mutating func forget() { lastAfter = nil }
}

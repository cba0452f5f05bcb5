package import ClusterModel

/// Decides whether a slave replays its master's binlog or takes a copy of its database.
package struct SnapshotRule: Sendable {
    package enum Need: Equatable, Sendable {
        /// Nothing but the binlog.
        case replay
        /// A copy; why, as a part of a sentence.
        case snapshot(String)
        /// A copy would throw away what only this slave has; why, as a part of a sentence.
        case byHand(String)
    }

    /// What is known when the master has told how far it is.
    package struct Facts: Sendable {
        /// The last transaction in the slave's journal.
        package var written: Position
        /// The last that its database has executed.
        package var applied: Position
        package var master: Position
        /// Why the master can't send what comes next; nil while it can.
        package var gone: String?

        package init(written: Position, applied: Position, master: Position, gone: String?) {
            self.written = written
            self.applied = applied
            self.master = master
            self.gone = gone
        }
    }

    /// An empty slave replays up to so many transactions.
    private let replaysMax: Int

    package init(replaysMax: Int) { self.replaysMax = replaysMax }

    package func need(_ facts: Facts) -> Need {
        if let gone = facts.gone {
            // The master's database knows the position's server, and that it never wrote it.
            guard !gone.contains("which is not in the master's binlog") else { return .byHand(gone) }
            // Nobody but an operator may decide that these transactions are to go.
            guard max(facts.applied, facts.written) < facts.master else {
                return .byHand("this slave is at \(max(facts.applied, facts.written)) and its master only at \(facts.master)")
            }
            return .snapshot("the master's binlog does not hold what comes after \(facts.written): \(gone)")
        }
        guard facts.written == .start, facts.applied == .start, facts.master.sequence > UInt64(replaysMax) else { return .replay }
        return .snapshot("the master is \(facts.master.sequence) transactions ahead of this empty slave")
    }
}

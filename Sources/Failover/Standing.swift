package import ClusterModel

/// What of a node counts in an election, at the moment of the event.
package struct Standing: Equatable, Sendable {
    /// The last entry of its log: database and journal.
    package let logEnd: LogEnd
    /// The last entry that it ever acknowledged to hold. Its log ends before that only where its disk lost some; votes go by what was acknowledged,
    /// since that is what a leader counted.
    package let acknowledged: LogEnd
    package let configuration: Configuration
    /// Whether it could serve: a private database that runs, failover automatic, nothing being built. One that could not votes nevertheless.
    package let isElectable: Bool
    /// A witness's: for whom it may vote, whatever their logs. Nil: this node is no witness.
    package let trusted: [NodeID]?

    package init(
        logEnd: LogEnd, acknowledged: LogEnd = .start, configuration: Configuration, isElectable: Bool, trusted: [NodeID]? = nil
    ) {
        self.trusted = trusted
        self.logEnd = logEnd
        self.acknowledged = acknowledged
        self.configuration = configuration
        self.isElectable = isElectable
    }

    /// Its log has become shorter than what it once acknowledged.
    package var isShort: Bool { logEnd < acknowledged }

    /// Rule 1: what a candidate's log must have for this node's vote. A log that lost its end votes as the whole one would have.
    package var leastForVote: LogEnd { max(logEnd, acknowledged) }

    /// Learners and witnesses never lead, nor does one whose log is short.
    package func mayStand(_ own: NodeID) -> Bool { isElectable && !isShort && configuration.member(own)?.kind == .voter }
}

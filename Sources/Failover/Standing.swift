package import ClusterModel

/// What of a node counts in an election, at the moment of the event.
package struct Standing: Equatable, Sendable {
    /// The last entry of its log: database and journal.
    package let logEnd: LogEnd
    package let configuration: Configuration
    /// Whether it could serve: a private database that runs, failover automatic, nothing being built. One that could not votes nevertheless.
    package let isElectable: Bool
    /// A witness's: for whom it may vote, whatever their logs. Nil: this node is no witness.
    package let trusted: [NodeID]?

    package init(logEnd: LogEnd, configuration: Configuration, isElectable: Bool, trusted: [NodeID]? = nil) {
        self.trusted = trusted
        self.logEnd = logEnd
        self.configuration = configuration
        self.isElectable = isElectable
    }

    /// Learners and witnesses never lead.
    package func mayStand(_ own: NodeID) -> Bool { isElectable && configuration.member(own)?.kind == .voter }
}

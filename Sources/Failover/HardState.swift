package import ClusterModel

/// What a node must remember of elections through a crash: Raft's `currentTerm` and `votedFor`.
package struct HardState: Hashable, Sendable {
    /// The highest epoch it has taken part in.
    package var epoch: Epoch
    /// Who has its vote of that epoch.
    package var votedFor: NodeID?

    package init(epoch: Epoch, votedFor: NodeID? = nil) {
        self.epoch = epoch
        self.votedFor = votedFor
    }

    /// Of a node that has seen no election. The first epoch belongs to whom the configuration made master: nobody is ever elected in it.
    package static let initial = HardState(epoch: .first)
}

package import ClusterModel

/// Why a node no longer leads.
package enum StepDown: Equatable, Sendable {
    /// Somebody is in a later epoch.
    case newerEpoch(Epoch)
    /// No majority answered for an election timeout.
    case quorumLost
    /// Another leads in the same epoch: a node's memory of its vote is not its own. Never, unless a folder was copied or set back.
    case otherLeader(NodeID)
    case databaseFailed
    case removed
    case stopping
}

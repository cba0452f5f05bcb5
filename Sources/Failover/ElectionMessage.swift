package import ClusterModel

/// What nodes say to each other to find a leader. Any of it may be lost, late, twice or out of order.
package enum ElectionMessage: Equatable, Sendable {
    case voteRequest(VoteRequest)
    case voteReply(VoteReply)
    /// The leader of this epoch asks the one it is sent to for an election at once: a planned switch.
    case timeoutNow(Epoch)
    /// To a candidate whose configuration is older than the voter's, and to a voter that refused: its own may be the older one. A node that does not
    /// lead installs it, durably, if it is newer than its own; it may come from anybody. Else the newer log and the newer configuration may be on two
    /// nodes, of which neither can be elected.
    case configuration(Configuration)
}

/// A node asks for a vote, or whether it would get one.
package struct VoteRequest: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Would you vote for me? Binds nobody. (Raft dissertation, 9.6)
        case preVote
        case vote
        /// A vote in a planned switch: given although a leader is about.
        case handOver
    }

    package let kind: Kind
    /// In which epoch the candidate would lead; with `preVote` the one after its own.
    package let epoch: Epoch
    package let logEnd: LogEnd
    /// Of the configuration in whose name it stands.
    package let stamp: ConfigurationStamp

    package init(kind: Kind, epoch: Epoch, logEnd: LogEnd, stamp: ConfigurationStamp) {
        self.kind = kind
        self.epoch = epoch
        self.logEnd = logEnd
        self.stamp = stamp
    }
}

/// The answer to a `VoteRequest`.
package struct VoteReply: Equatable, Sendable {
    package let isPreVote: Bool
    /// The epoch that was asked for.
    package let asked: Epoch
    /// The voter's own.
    package let epoch: Epoch
    package let isGranted: Bool

    package init(isPreVote: Bool, asked: Epoch, epoch: Epoch, isGranted: Bool) {
        self.isPreVote = isPreVote
        self.asked = asked
        self.epoch = epoch
        self.isGranted = isGranted
    }
}

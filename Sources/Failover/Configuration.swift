package import ClusterModel

/// One node of a cluster, and what it counts for.
package struct Member: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Holds the log and votes.
        case voter
        /// Holds the log, or is about to; counts for nothing.
        case learner
        /// Votes; holds no log.
        case witness
    }

    package let id: NodeID
    /// Of its folder: another folder is another node, whatever its number.
    package let uuid: String
    package let address: NodeAddress
    package let kind: Kind

    package init(id: NodeID, uuid: String, address: NodeAddress, kind: Kind) {
        self.id = id
        self.uuid = uuid
        self.address = address
        self.kind = kind
    }

    package func becoming(_ kind: Kind) -> Member { Member(id: id, uuid: uuid, address: address, kind: kind) }
}

/// Which of two configurations is the later one: first the epoch of the leader that made it, then its count.
package struct ConfigurationStamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let epoch: Epoch
    package let version: UInt64

    package init(epoch: Epoch, version: UInt64) {
        self.epoch = epoch
        self.version = version
    }

    package var description: String { "\(epoch).\(version)" }

    package static func < (a: Self, b: Self) -> Bool { (a.epoch, a.version) < (b.epoch, b.version) }
}

/// Who is in the cluster: each node keeps it on disk, apart from the log, and leaders spread it.
///
/// Source: Schultz, Dardik and Tripakis, Design and Analysis of a Logless Dynamic Reconfiguration Protocol, 2021.
package struct Configuration: Hashable, Sendable {
    package let stamp: ConfigurationStamp
    /// By id, ascending.
    package let members: [Member]
    /// Those who vote, by id.
    package let voters: [NodeID]
    /// Voters that also hold the log: whose copies count.
    package let holders: [NodeID]

    package init(stamp: ConfigurationStamp, members: [Member]) {
        self.stamp = stamp
        self.members = members.sorted { $0.id < $1.id }
        voters = self.members.filter { $0.kind != .learner }.map(\.id)
        holders = self.members.filter { $0.kind == .voter }.map(\.id)
    }

    /// Of a node that does not know its cluster yet: it neither stands nor votes.
    package static let unknown = Configuration(stamp: ConfigurationStamp(epoch: Epoch(rawValue: 0), version: 0), members: [])

    /// At most one: two could outvote all that hold a log.
    package var witness: NodeID? { members.first { $0.kind == .witness }?.id }
    package var isKnown: Bool { !members.isEmpty }
    package var majority: Int { voters.count / 2 + 1 }

    package func member(_ id: NodeID) -> Member? { members.first { $0.id == id } }
    package func isMajority(_ nodes: Set<NodeID>) -> Bool { voters.count { nodes.contains($0) } >= majority && !voters.isEmpty }

    /// The same members under the stamp of a leader that begins in `epoch`.
    package func restamped(in epoch: Epoch) -> Configuration {
        Configuration(stamp: ConfigurationStamp(epoch: epoch, version: stamp.version + 1), members: members)
    }

    /// Whether nodes may choose a new leader by themselves, when the old one had each write held by `copies` nodes before it answered.
    ///
    /// Rule 6: every majority that votes must include one that holds the write. Else acknowledged writes can be lost, and that takes consent.
    /// A witness holds nothing: with one, all other voters less those that may be missing must hold it.
    package func allowsFailover(copies: Int, mayLoseWrites: Bool) -> Bool { mayLoseWrites || copies + majority > voters.count }
}

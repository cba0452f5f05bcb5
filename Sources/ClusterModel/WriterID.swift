/// Which node wrote a transaction in which epoch: the `server_id` of a master's database, and so the middle of its GTIDs.
///
/// `(epoch - 1) * 256 + node`: in the first epoch it is the node's own number. A GTID thereby names epoch and place of a transaction, as term and index
/// do in Raft, and two masters never give out the same.
package struct WriterID: Hashable, Sendable {
    package let epoch: Epoch
    package let node: NodeID

    /// Epochs beyond have no number: 2^24 - 2.
    package static let epochMax = Epoch(rawValue: (1 << 24) - 2)

    /// Nil for an epoch or a node that no `server_id` can name.
    package init?(epoch: Epoch, node: NodeID) {
        guard (1...Self.epochMax.rawValue).contains(epoch.rawValue), node <= NodeID.max else { return nil }
        self.epoch = epoch
        self.node = node
    }

    /// Nil for a number that no master writes under.
    package init?(server: UInt32) {
        guard let node = NodeID(rawValue: server & 0xff) else { return nil }
        self.init(epoch: Epoch(rawValue: UInt64(server >> 8) + 1), node: node)
    }

    package var server: UInt32 { UInt32(epoch.rawValue - 1) << 8 | node.rawValue }

    /// The lowest number of a database that is no master's; what such a one wrote is no part of the cluster's log.
    package static let idleFirst: UInt32 = 0xffff_ff00

    /// Under which a slave's database runs, which writes nothing of its own: no master's, so that it applies whatever any master wrote, itself included.
    package static func idle(_ node: NodeID) -> UInt32 { idleFirst | (node.rawValue & 0xff) }
}

extension GTID {
    /// Nil where no master of a cluster wrote it.
    package var writer: WriterID? { WriterID(server: server) }

    /// The epoch it was written in; the first where no master of a cluster wrote it.
    package var epoch: Epoch { writer?.epoch ?? .first }
}

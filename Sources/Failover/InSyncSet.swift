package import ClusterModel

/// The nodes of which each holds all that is committed, as a leader wrote it down with the witness.
package struct InSyncRecord: Hashable, Sendable {
    /// Of the leader that made it.
    package let epoch: Epoch
    /// Its count of them.
    package let number: UInt64
    /// By id.
    package let members: [NodeID]

    package init(epoch: Epoch, number: UInt64, members: [NodeID]) {
        self.epoch = epoch
        self.number = number
        self.members = members.sorted()
    }

    /// Whether it takes the place of `other` on the witness's disk.
    package func isNewer(than other: InSyncRecord?) -> Bool {
        guard let other else { return true }
        return (epoch, number) > (other.epoch, other.number)
    }
}

/// The leader's side of the in-sync set, in a configuration with a witness: all in it must hold a transaction before it is committed.
///
/// The witness's vote makes nobody leader who is not in the set it has on disk. So a node leaves the set that counts only when the witness has
/// the smaller one, and a node comes into it before the witness hears of it: while a change is on its way, both sets count.
package struct InSyncSet: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        /// To the witness, which answers when it is on its disk; again after each new link to it, until then.
        case record(InSyncRecord)
        /// All of these must hold a transaction from now on: for `QuorumTracker.configure`.
        case count([NodeID])
    }

    private let own: NodeID
    private let epoch: Epoch
    private let begun: Position
    private let configuration: Configuration
    private var number: UInt64 = 0
    /// What the witness has of this leader; nil while it has nothing of it.
    private var recorded: InSyncRecord?
    /// On its way to the witness.
    package private(set) var pending: InSyncRecord?
    /// The witness was taken out of the cluster: the set stays as it is.
    private var isFrozen = false

    /// A leader begins. What the witness has on disk it need not know: until it has recorded a set itself all data nodes count.
    ///
    /// - Parameters:
    ///   - begun: the epoch's marker; where the leader goes on without one, or the witness came later, the end of its log when all data nodes began to
    ///     count.
    package init(own: NodeID, epoch: Epoch, begun: Position, configuration: Configuration) {
        self.own = own
        self.epoch = epoch
        self.begun = begun
        self.configuration = configuration
    }

    /// All of which must hold a transaction, now.
    package var counted: [NodeID] { Set(recorded?.members ?? configuration.holders).union(pending?.members ?? []).sorted() }

    /// The fewest that a set may have: each majority without the witness must meet it.
    package var sizeMin: Int { max(1, configuration.holders.count - configuration.majority + 1) }

    /// The leader finds that these data nodes keep up, itself included.
    ///
    /// Rule 7. Nothing happens while another change is pending, or when too few would be left.
    package mutating func foundInSync(_ nodes: Set<NodeID>, quorum: QuorumTracker) -> [Action] {
        let next = configuration.holders.filter { nodes.contains($0) && (recorded?.members.contains($0) ?? false || holdsAll($0, quorum)) }
        guard !isFrozen, pending == nil, next != recorded?.members, next.contains(own), next.count >= sizeMin else { return [] }
        number += 1
        let record = InSyncRecord(epoch: epoch, number: number, members: next)
        pending = record
        return [.count(counted), .record(record)]
    }

    /// The witness has it on disk.
    package mutating func recorded(_ record: InSyncRecord) -> [Action] {
        guard record == pending, !isFrozen else { return [] }
        recorded = record
        pending = nil
        return [.count(counted)]
    }

    /// The witness keeps a later record of this epoch: the leader's, from before it was restarted. It goes past that one.
    package mutating func outnumbered(by kept: InSyncRecord) -> [Action] {
        guard let pending, kept.epoch == epoch, kept != pending, kept.number >= pending.number else { return [] }
        number = kept.number + 1
        let record = InSyncRecord(epoch: epoch, number: number, members: pending.members)
        self.pending = record
        return [.record(record)]
    }

    /// The cluster has no witness any more. Those counted count on, until nobody can be elected by the old configuration: `mayEnd`.
    package mutating func witnessLeft() { isFrozen = true }

    /// Whether the set counts no more. `holders`: who has the configuration without the witness on disk, and so votes for no older one.
    package func mayEnd(installedBy holders: Set<NodeID>) -> Bool {
        isFrozen && !configuration.isMajority(Set(configuration.voters).subtracting(holders))
    }

    /// Into the set comes only who holds, on disk, all that is committed; and what earlier leaders committed may be all that is before the marker.
    private func holdsAll(_ node: NodeID, _ quorum: QuorumTracker) -> Bool {
        quorum.position(of: node) >= max(quorum.watermark, begun)
    }
}

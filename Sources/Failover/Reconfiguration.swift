package import ClusterModel

/// Changes the configuration under one leader, one voter at a time.
///
/// Source: Schultz, Dardik and Tripakis, 2021: a configuration may be followed by another once a majority of it holds it in the leader's epoch, and
/// once it has committed what its predecessors may have committed.
package struct Reconfiguration: Sendable {
    package enum Action: Equatable, Sendable {
        /// On the leader's own disk, before it is sent or counts.
        case install(Configuration)
        /// To all members of it.
        case send(Configuration)
    }

    package enum Refusal: Error, Equatable, Sendable {
        /// No majority holds the present one yet.
        case notInstalled
        /// The epoch's first entry is not committed yet.
        case epochNotCommitted
        /// What was in the log when the present one began is not held by a quorum of it yet.
        case logNotCommitted
        case moreThanOneVoter
        case noVoterLeft
        /// It would vote before it holds what is committed.
        case learnerBehind(NodeID)
        /// With a witness the data nodes that vote are those that there were when it came.
        case witnessCounts
        /// It makes an even number of votes an odd one.
        case witnessNeedsEven
    }

    private let own: NodeID
    package private(set) var configuration: Configuration
    /// The end of the leader's log when `configuration` began.
    private var logEnd: Position
    /// Who has it on disk, as far as the leader knows.
    package private(set) var holders: Set<NodeID> = []

    /// A leader begins: the same members, under its own epoch's stamp.
    ///
    /// - Parameter marker: the epoch's first entry, the last of its log now.
    package static func begun(own: NodeID, epoch: Epoch, marker: Position, configuration: Configuration) -> (Reconfiguration, [Action]) {
        var new = Reconfiguration(own: own, configuration: configuration, logEnd: marker)
        let actions = new.begin(configuration.restamped(in: epoch), logEnd: marker)
        return (new, actions)
    }

    private init(own: NodeID, configuration: Configuration, logEnd: Position) {
        self.own = own
        self.configuration = configuration
        self.logEnd = logEnd
    }

    /// A node, this one included, has the configuration with this stamp on disk, in this leader's epoch.
    package mutating func installed(by node: NodeID, _ stamp: ConfigurationStamp) {
        if stamp == configuration.stamp { holders.insert(node) }
    }

    /// Why the next change has to wait; nil: it need not.
    package func refusal(_ quorum: QuorumTracker) -> Refusal? {
        guard configuration.isMajority(holders) else { return .notInstalled }
        guard quorum.hasCommittedEpoch else { return .epochNotCommitted }
        // Held by a quorum of *this* configuration: that the watermark is past it may be the old one's doing.
        return quorum.isHeld(logEnd) ? nil : .logNotCommitted
    }

    /// Puts other members in place of the present ones.
    ///
    /// - Parameter logEnd: of the leader, now.
    package mutating func propose(_ members: [Member], quorum: QuorumTracker, logEnd: Position) throws(Refusal) -> [Action] {
        if let refusal = refusal(quorum) { throw refusal }
        let stamp = ConfigurationStamp(epoch: configuration.stamp.epoch, version: configuration.stamp.version + 1)
        let next = Configuration(stamp: stamp, members: members)
        guard !next.holders.isEmpty else { throw .noVoterLeft }
        guard Set(next.voters).symmetricDifference(configuration.voters).count <= 1 else { throw .moreThanOneVoter }
        try check(witnessOf: next, copies: quorum.copies)
        for new in next.holders where !configuration.holders.contains(new) {
            guard quorum.position(of: new) >= quorum.watermark else { throw .learnerBehind(new) }
        }
        return begin(next, logEnd: logEnd)
    }

    /// The witness comes when all data nodes vote, and goes when the rest can do without it; with it the data nodes stay who they are.
    private func check(witnessOf next: Configuration, copies: Int) throws(Refusal) {
        switch (configuration.witness, next.witness) {
        case (nil, nil): return
        case (let old, let new) where old == new || old == nil || new == nil:
            guard next.holders == configuration.holders else { throw .witnessCounts }
            if old == nil, next.holders.count % 2 != 0 { throw .witnessNeedsEven }
            // Without it each majority must meet those that hold what is committed: the in-sync set.
            if new == nil, !next.allowsFailover(copies: copies, mayLoseWrites: false) { throw .logNotCommitted }
        default: throw .witnessCounts
        }
    }

    private mutating func begin(_ next: Configuration, logEnd: Position) -> [Action] {
        configuration = next
        self.logEnd = logEnd
        holders = []
        return [.install(next), .send(next)]
    }
}

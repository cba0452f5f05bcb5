package import ClusterModel

/// A node that wants to join, as it says of itself.
package struct Applicant: Hashable, Sendable {
    /// Of its folder: by this it is known again.
    package let uuid: String
    /// The id it has, or wants; nil: any.
    package let wanted: NodeID?
    /// Where other nodes and clients reach it.
    package let address: String
    package let isWitness: Bool

    package init(uuid: String, wanted: NodeID?, address: String, isWitness: Bool) {
        self.uuid = uuid
        self.wanted = wanted
        self.address = address
        self.isWitness = isWitness
    }
}

/// Why the list of members is not changed.
package enum MembershipRefusal: Error, Equatable, Sendable {
    /// By the node at that address.
    case idTaken(NodeID, by: String)
    /// It was let in before, under this other id.
    case hasOtherID(NodeID)
    /// No node can have that id.
    case noSuchID(NodeID)
    /// Its folder is the master's own, or a copy of it.
    case isMaster
    /// It was a data node before, or a witness, and is started as the other now.
    case otherKind(NodeID)
    /// The cluster has a witness already.
    case secondWitness(NodeID, at: String)
    /// It was taken out of the cluster.
    case removed(NodeID)
    case tooMany
    /// Its uuid or address can't be kept in a line of a file.
    case unwritable
    /// The change before is not on enough nodes.
    case notYet(Reconfiguration.Refusal)
    /// A witness joins an even number of data nodes that vote, and there are so many.
    case witnessNeedsEven(holders: Int)
    case unknownNode(NodeID)
}

extension MemberList {
    private static let wordBytesMax = 255

    /// The member that a node which wants to join is, or would be: the id it had, the one it wants, or the next free one.
    ///
    /// - Parameter master: who admits it, and stands in the list.
    func admission(_ applicant: Applicant, by master: Member) throws(MembershipRefusal) -> Member {
        precondition(holds(master), "a cluster is founded before it lets anybody in")
        let uuid = applicant.uuid
        guard uuid != master.uuid else { throw .isMaster }
        guard Self.isWord(uuid), Self.isWord(applicant.address), let address = NodeAddress(applicant.address) else { throw .unwritable }
        if let gone = removed.first(where: { $0.uuid == uuid }) { throw .removed(gone.id) }
        if let known = configuration.members.first(where: { $0.uuid == uuid }) {
            if let wanted = applicant.wanted, wanted != known.id { throw .hasOtherID(known.id) }
            guard (known.kind == .witness) == applicant.isWitness else { throw .otherKind(known.id) }
            return Member(id: known.id, uuid: uuid, address: address, kind: known.kind)
        }
        if applicant.isWitness, let other = configuration.witness.flatMap(configuration.member) {
            throw .secondWitness(other.id, at: other.address.description)
        }
        let id = try freeID(applicant.wanted)
        return Member(id: id, uuid: uuid, address: address, kind: applicant.isWitness ? .witness : .learner)
    }

    private func freeID(_ wanted: NodeID?) throws(MembershipRefusal) -> NodeID {
        let taken = configuration.members.map { ($0.id, $0.address.description) } + removed.map { ($0.id, $0.address) }
        if let wanted, wanted > .max { throw .noSuchID(wanted) }
        if let wanted, let (_, other) = taken.first(where: { $0.0 == wanted }) { throw .idTaken(wanted, by: other) }
        let next = NodeID(rawValue: (taken.map(\.0.rawValue).max() ?? 0) + 1).flatMap { $0 <= .max ? $0 : nil }
        guard let id = wanted ?? next else { throw .tooMany }
        return id
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= wordBytesMax
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0x9F).contains($0.value) && !$0.properties.isWhitespace }
    }
}

package import ClusterModel

/// Who belongs to the cluster and who was taken out of it: each node keeps it on disk, the master alone changes it.
package struct MemberList: Hashable, Sendable {
    /// A node that is not let in again. Its id is never given to another.
    package struct Removed: Hashable, Sendable {
        package let uuid: String
        package let id: NodeID
        package let address: String

        package init(uuid: String, id: NodeID, address: String) {
            self.uuid = uuid
            self.id = id
            self.address = address
        }
    }

    package let configuration: Configuration
    package let removed: [Removed]

    package init(_ configuration: Configuration, removed: [Removed] = []) {
        self.configuration = configuration
        self.removed = removed
    }

    /// Of a node that does not know its cluster yet.
    package static let unknown = MemberList(.unknown)

    package func with(_ configuration: Configuration) -> MemberList { MemberList(configuration, removed: removed) }

    /// Whether this very node is in it: the same id, of the same folder.
    package func holds(_ member: Member) -> Bool { configuration.member(member.id)?.uuid == member.uuid }
}

/// What binds a node to its line in the list of members.
package struct NodeIdentity: Hashable, Sendable {
    /// Nil before a master gave it one.
    package let id: NodeID?
    /// Of its folder.
    package let uuid: String
    package let isWitness: Bool

    package init(id: NodeID?, uuid: String, isWitness: Bool) {
        self.id = id
        self.uuid = uuid
        self.isWitness = isWitness
    }
}

/// Why a list of members can't be one that a cluster came to by its rules, or not one of this node's cluster.
///
/// All that counts votes and copies compares ids. That is sound as long as each id stands for one folder, on every node: so a list is looked at
/// whenever it comes in, from the disk or from another node.
package enum ListFault: Error, Equatable, Sendable {
    case twoOfOneID(NodeID)
    case twoOfOneUUID(NodeID, NodeID)
    /// 255 stands for a node without an id.
    case noID(String)
    /// It has members, and none of them holds the log and votes.
    case noVoter
    case twoWitnesses(NodeID, NodeID)
    /// A node is in it and was removed, or its id is a removed node's.
    case removedAndMember(NodeID)
    /// This node's id is that of another folder.
    case ownIDOfAnother(NodeID, uuid: String, address: String)
    /// This node's folder stands under another id than the node has.
    case ownUnderOtherID(NodeID, own: NodeID?)
    /// This node is neither in it nor removed.
    case ownMissing
    /// This node is a witness and the list has a data node in its place, or the other way round.
    case ownOfOtherKind(NodeID, listedAsWitness: Bool)
}

extension MemberList {
    /// What is wrong with it by itself; nil: nothing.
    package var fault: ListFault? {
        let members = configuration.members
        for (index, member) in members.enumerated() {
            guard member.id <= .max else { return .noID(member.uuid) }
            for other in members[..<index] {
                if other.id == member.id { return .twoOfOneID(member.id) }
                if other.uuid == member.uuid { return .twoOfOneUUID(other.id, member.id) }
            }
            if removed.contains(where: { $0.id == member.id || $0.uuid == member.uuid }) { return .removedAndMember(member.id) }
        }
        let witnesses = members.filter { $0.kind == .witness }
        if witnesses.count > 1 { return .twoWitnesses(witnesses[0].id, witnesses[1].id) }
        return configuration.isKnown && configuration.holders.isEmpty ? .noVoter : nil
    }

    /// What is wrong with it as this node's list; nil: nothing.
    package func fault(for own: NodeIdentity) -> ListFault? {
        if let fault { return fault }
        guard configuration.isKnown else { return nil }
        if let id = own.id, let other = configuration.member(id), other.uuid != own.uuid {
            return .ownIDOfAnother(id, uuid: other.uuid, address: other.address.description)
        }
        guard let listed = configuration.members.first(where: { $0.uuid == own.uuid }) else {
            return removed.contains { $0.uuid == own.uuid } ? nil : .ownMissing
        }
        guard listed.id == own.id else { return .ownUnderOtherID(listed.id, own: own.id) }
        let listedAsWitness = listed.kind == .witness
        return listedAsWitness == own.isWitness ? nil : .ownOfOtherKind(listed.id, listedAsWitness: listedAsWitness)
    }
}

import ClusterModel
import EventLoop
import Failover

/// The list of members on this node's disk can't be gone by: what is wrong with it, and what to do.
struct StoredProblem: Error, CustomStringConvertible {
    let path: String
    let problem: Membership.Problem

    /// The machine is to blame, not what the file says.
    var isSystem: Bool { if case .system = problem { true } else { false } }

    var description: String {
        let remedy = "stop all nodes of this cluster and see \"The list of members is wrong\" in Docs/Operations.md"
        switch problem {
        case .unreadable: return "\(path) is not a list of members: restore the file; or \(remedy)"
        case .damaged(let why):
            return """
                the list of the cluster's members, \(path), is damaged: \(why). Without it this node would take itself for one alone. Copy the file from \
                another node of the cluster, all have the same; or \(remedy)
                """
        case .fault(let fault): return "the list of members in \(path) is wrong: \(fault.words). This node does not run by it; \(remedy)"
        case .system(let error): return "the list of the cluster's members can't be read: \(error)"
        }
    }
}

extension Membership.Problem {
    var words: String {
        switch self {
        case .unreadable: "it is not a list of members"
        case .damaged(let why): why
        case .fault(let fault): fault.words
        case .system(let error): "\(error)"
        }
    }
}

extension ListFault {
    var words: String {
        switch self {
        case .twoOfOneID(let id): "it has two nodes of id \(id)"
        case .twoOfOneUUID(let one, let other): "nodes \(one) and \(other) have the same uuid, that of one data folder"
        case .noID(let uuid): "the node with uuid \(uuid) has no id"
        case .noVoter: "none of its nodes holds data and votes"
        case .twoWitnesses(let one, let other): "nodes \(one) and \(other) are both witnesses"
        case .removedAndMember(let id): "node \(id) was removed and is a member all the same"
        case .ownIDOfAnother(let id, let uuid, let address):
            "id \(id) is this node's, by its node.state, and in the list it is that of another node, at \(address), with uuid \(uuid)"
        case .ownUnderOtherID(let id, let own):
            "this node is in the list as node \(id), and by its node.state it \(own.map { "is node \($0)" } ?? "has no id")"
        case .ownMissing: "this node is not in it, nor was it removed"
        case .ownOfOtherKind(let id, let listedAsWitness):
            listedAsWitness
                ? "node \(id), this one, is a witness in the list and holds data by its node.state"
                : "node \(id), this one, holds data in the list and is a witness by its node.state"
        }
    }
}

extension MembershipRefusal {
    /// As the node is told that wants to join. `isWitness`: as which it wants to.
    func words(isWitness: Bool) -> String {
        switch self {
        case .idTaken(let id, let other): "id \(id) is taken by the node at \(other); give the joining node another --id, or none"
        case .hasOtherID(let id): "this node is node \(id) of this cluster already; start it with that --id, or with none"
        case .noSuchID(let id): "no node can have the id \(id): it must be 1 to \(NodeID.max)"
        case .isMaster: "the joining node's data folder is the master's, or a copy of it; it needs an empty data folder"
        case .otherKind(let id):
            isWitness
                ? "node \(id) is no witness of this cluster any more: .remove \(id), and start the witness anew in an empty data folder"
                : "node \(id) is the witness of this cluster; a node with data needs an empty data folder and another id"
        case .secondWitness(let id, let other):
            "this cluster has a witness, node \(id) at \(other), and two could outvote the data; to have another one .remove \(id) first"
        case .removed(let id): "node \(id) was removed from this cluster; to join anew it needs an empty data folder"
        case .tooMany: "this cluster has as many nodes as it can"
        case .unwritable: "the node's uuid or address holds blanks or control characters, is empty or is too long; mend its configuration"
        case .notYet, .witnessNeedsEven: "the list of members can't be changed yet: \(why)"
        case .unknownNode(let id): "there is no node \(id)"
        }
    }

    /// Why a change has to wait, in words; of other refusals, the case.
    var why: String {
        switch self {
        case .notYet(let refusal): refusal.words
        case .witnessNeedsEven(let holders): Reconfiguration.Refusal.witnessNeedsEven.words + ", of which there are \(holders)"
        case .idTaken, .hasOtherID, .noSuchID, .isMaster, .otherKind, .secondWitness, .removed, .tooMany, .unwritable, .unknownNode: "\(self)"
        }
    }

    /// Whether it may be otherwise a little later.
    var isTemporary: Bool {
        switch self {
        case .notYet, .witnessNeedsEven: true
        case .idTaken, .hasOtherID, .noSuchID, .isMaster, .otherKind, .secondWitness, .removed, .tooMany, .unwritable, .unknownNode: false
        }
    }
}

extension Reconfiguration.Refusal {
    var words: String {
        switch self {
        case .notInstalled: "too few nodes have stored the change before"
        case .epochNotCommitted: "this master has not committed anything yet"
        case .logNotCommitted: "too few nodes hold what was written before the last change"
        case .moreThanOneVoter: "one voter at a time"
        case .noVoterLeft: "a cluster needs a node with data"
        case .learnerBehind(let id): "node \(id) does not hold yet what is committed"
        case .witnessCounts: "with a witness the data nodes that vote stay as they are: first .remove the witness"
        case .witnessNeedsEven: "a witness joins an even number of data nodes that vote"
        }
    }
}

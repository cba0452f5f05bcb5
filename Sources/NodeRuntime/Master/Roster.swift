import ClusterModel
import EventLoop
import Failover
import LineProtocol
import NodeConfig
import Replication

/// The master's side of the list of members: lets nodes in, has them vote once they hold the log, takes them out, spreads the list.
@LoopActor final class Roster {
    private unowned let node: Node
    private unowned let gate: CommitGate
    /// How changes follow on one another, where nodes choose their master by themselves; nil where they don't.
    private var reconfiguration: Reconfiguration?
    private var lastRefusal: String?
    /// Who has the list that counts on disk, as far as this node knows.
    private(set) var installedBy: Set<NodeID> = []
    /// The list has changed.
    var changed: (@LoopActor () -> Void)?

    init(_ node: Node, _ gate: CommitGate) {
        self.node = node
        self.gate = gate
    }

    var configuration: Configuration { node.membership.configuration }
    /// All but this node.
    var others: [Member] { configuration.members.filter { $0.id != node.id } }

    /// This node leads: the list is its own from now on. `marker`: the epoch's first entry, or what the log held when it began.
    func begin(marker: Position) {
        if node.electsByItself {
            let (new, actions) = Reconfiguration.begun(own: node.id, epoch: node.epoch, marker: marker, configuration: configuration)
            reconfiguration = new
            perform(actions, removed: node.membership.removed)
        } else if !configuration.isKnown || configuration.member(node.id) == nil {
            found()
        } else if let own = configuration.member(node.id), own.address.description != node.address {
            // Nobody else could say so.
            store(configuration.members.map { $0.id == own.id ? moved(own) : $0 })
        }
    }

    /// The first master of all is the cluster's first member.
    private func found() {
        guard let address = NodeAddress(node.address) else { return }
        let own = Member(id: node.id, uuid: node.directory.state.uuid, address: address, kind: .voter)
        store(configuration.members + [own])
    }

    private func store(_ members: [Member]) {
        do throws(Membership.Refusal) { try install(members) } catch {
            node.log.error("the list of members could not be stored", ["error": "\(error)"])
        }
    }

    private func moved(_ member: Member) -> Member {
        Member(id: member.id, uuid: member.uuid, address: NodeAddress(node.address) ?? member.address, kind: member.kind)
    }

    // MARK: Changing

    /// The id of a node: the one it had, the one it wants, or the next free one; durable when this returns.
    func admit(_ hello: Frame.Hello) throws(Membership.Refusal) -> Member {
        let member = try node.membership.admission(
            uuid: hello.uuid, wanted: NodeID(rawValue: hello.id), address: hello.address, isWitness: hello.isWitness)
        if configuration.member(member.id) != member {
            if member.kind == .witness, configuration.witness == nil { try checkWitness() }
            try install(configuration.members.filter { $0.id != member.id } + [member])
        }
        return member
    }

    /// It comes last, to data nodes that vote and know of each other.
    private func checkWitness() throws(Membership.Refusal) {
        let holders = configuration.holders.count
        guard holders > 0, holders % 2 == 0 else { throw .notYet(Reconfiguration.Refusal.witnessNeedsEven.words + ", of which there are \(holders)") }
        guard configuration.isMajority(installedBy) else { throw .notYet(Reconfiguration.Refusal.notInstalled.words) }
    }

    func remove(_ id: NodeID) throws(ReplyError) -> Member {
        guard id != node.id, let member = configuration.member(id) else {
            throw ReplyError(.unknownNode, "no node \(id) that could be removed; .nodes lists the slaves")
        }
        let gone = Membership.Removed(uuid: member.uuid, id: id, address: member.address.description)
        do throws(Membership.Refusal) {
            try install(configuration.members.filter { $0.id != id }, removing: gone)
        } catch .notYet(let why) {
            throw ReplyError(.notReady, "the list of members can't be changed yet (\(why)), so nothing was; try again shortly")
        } catch {
            throw ReplyError(.notReady, "the list of members could not be stored (\(error)), so nothing was changed")
        }
        return member
    }

    /// Has a node vote that holds the log by now, `keepsUp`, if it does not yet.
    func promote(_ id: NodeID, keepsUp: Bool) {
        guard keepsUp, let member = configuration.member(id), member.kind == .learner else { return }
        let next = configuration.members.map { $0.id == id ? $0.becoming(.voter) : $0 }
        let voters = configuration.holders.count + 1
        // Before it counts for elections it has all that was acknowledged without it: from here on nothing is.
        if !gate.isWanted, node.settings.replication.acks.copies(voters: voters) > 1 {
            gate.configure(voters: Set(configuration.holders + [id]), copies: node.settings.replication.acks.copies(voters: voters))
        }
        guard gate.position(of: id) >= gate.trackedWatermark else { return }
        do throws(Membership.Refusal) {
            try install(next)
            lastRefusal = nil
            node.log.notice("a node votes from now on", ["node": "\(id)", "voters": "\(voters)"])
        } catch {
            // Tried again when it has told more.
            let why = "\(error)"
            if why != lastRefusal { node.log.info("a node can't vote yet", ["node": "\(id)", "why": why]) }
            lastRefusal = why
        }
    }

    private func install(_ members: [Member], removing gone: Membership.Removed? = nil) throws(Membership.Refusal) {
        let removed = node.membership.removed + (gone.map { [$0] } ?? [])
        let next = Configuration(
            stamp: ConfigurationStamp(epoch: max(node.epoch, configuration.stamp.epoch), version: configuration.stamp.version + 1), members: members)
        guard var reconfiguration else {
            if configuration.witness != nil, next.holders != configuration.holders { throw .notYet(Reconfiguration.Refusal.witnessCounts.words) }
            do throws(SystemError) { try node.keep(next, removed: removed) } catch { throw .system(error) }
            installedBy = [node.id]
            // From here on nodes choose their master by themselves, and changes follow their rules.
            if node.electsByItself { begin(marker: gate.ownDurable) } else { changed?() }
            return
        }
        do throws(Reconfiguration.Refusal) {
            let actions = try reconfiguration.propose(members, quorum: gate.tracker, logEnd: gate.ownDurable)
            self.reconfiguration = reconfiguration
            perform(actions, removed: removed)
        } catch {
            throw .notYet(error.words)
        }
    }

    private func perform(_ actions: [Reconfiguration.Action], removed: [Membership.Removed]) {
        for action in actions {
            switch action {
            case .install(let configuration):
                do throws(SystemError) { try node.keep(configuration, removed: removed) } catch {
                    node.log.error("the list of members could not be stored; giving up being master", ["error": "\(error)"])
                    return node.electorate.resign(.stopping)
                }
                reconfiguration?.installed(by: node.id, configuration.stamp)
                installedBy = [node.id]
            case .send: changed?()
            }
        }
        if !node.electsByItself { reconfiguration = nil }
    }

    /// A node has this list on disk.
    func installed(by id: NodeID, _ stamp: String) {
        guard let stamp = ConfigurationStamp(text: stamp) else { return }
        reconfiguration?.installed(by: id, stamp)
        if stamp == configuration.stamp { installedBy.formUnion([id, node.id]) }
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

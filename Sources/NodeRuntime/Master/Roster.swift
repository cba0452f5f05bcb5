import ClusterModel
import EventLoop
import Failover
import LineProtocol
import Replication

/// The master's side of the list of members: does what `MemberChanges` decides, spreads the list.
@LoopActor final class Roster {
    private unowned let node: Node
    private unowned let gate: CommitGate
    /// Nil until this master has its own list, in which it stands: before that no node is let in.
    private var changes: MemberChanges?
    private var lastRefusal: String?
    /// The list has changed.
    var changed: (@LoopActor () -> Void)?

    /// Why the list is not changed.
    enum Problem: Error {
        case refused(MembershipRefusal)
        /// The cluster is not founded yet, or this node is no longer master.
        case notLeading
        case notStored(SystemError)
    }

    init(_ node: Node, _ gate: CommitGate) {
        self.node = node
        self.gate = gate
    }

    var configuration: Configuration { node.membership.configuration }
    /// All but this node.
    var others: [Member] { configuration.members.filter { $0.id != node.id } }
    /// Whether nodes may be let in.
    var hasBegun: Bool { changes != nil }
    /// Who has the list that counts on disk, as far as this node knows.
    var installedBy: Set<NodeID> { changes?.installedBy ?? [] }

    /// This node leads: the list is its own from now on, and on its disk when this returns. `marker`: the epoch's first entry, if it has one.
    func begin(marker: Position) throws(Problem) {
        guard let address = NodeAddress(node.address) else { throw .refused(.unwritable) }
        let own = Member(id: node.id, uuid: node.directory.state.uuid, address: address, kind: .voter)
        let (begun, actions) = MemberChanges.begun(
            own: own, epoch: node.epoch, list: node.membership.list, rules: node.electionRules, marker: marker)
        try perform(actions, begun)
    }

    /// Nobody is let in by this node any more.
    func end() { changes = nil }

    // MARK: Changing

    private var facts: MemberChanges.Facts {
        MemberChanges.Facts(rules: node.electionRules, quorum: gate.tracker, logEnd: gate.ownDurable)
    }

    /// Makes a change, durably; where that fails it is not made.
    private func change<Value>(
        _ make: (inout MemberChanges, MemberChanges.Facts) throws(MembershipRefusal) -> (Value, [MemberChanges.Action])
    ) throws(Problem) -> Value {
        guard var next = changes else { throw .notLeading }
        try perform(next.reviewed(facts), next)
        let value: Value
        let actions: [MemberChanges.Action]
        do throws(MembershipRefusal) { (value, actions) = try make(&next, facts) } catch { throw .refused(error) }
        try perform(actions, next)
        return value
    }

    /// The id of a node: the one it had, the one it wants, or the next free one; durable when this returns.
    func admit(_ hello: Frame.Hello) throws(Problem) -> Member {
        let applicant = Applicant(uuid: hello.uuid, wanted: NodeID(rawValue: hello.id), address: hello.address, isWitness: hello.isWitness)
        return try change { changes, facts throws(MembershipRefusal) in try changes.admit(applicant, facts) }
    }

    func remove(_ id: NodeID) throws(ReplyError) -> Member {
        do throws(Problem) {
            return try change { changes, facts throws(MembershipRefusal) in try changes.remove(id, facts) }
        } catch .refused(.unknownNode) {
            throw ReplyError(.unknownNode, "no node \(id) that could be removed; .nodes lists the slaves")
        } catch {
            throw ReplyError(.notReady, "the list of members can't be changed yet (\(error.words)), so nothing was; try again shortly")
        }
    }

    /// Has a node vote that holds the log by now, `keepsUp`, if it does not yet.
    func promote(_ id: NodeID, keepsUp: Bool) {
        guard keepsUp, let member = configuration.member(id), member.kind == .learner else { return }
        do throws(Problem) {
            // Once more where the first answer was to count otherwise.
            for _ in 0..<2 where configuration.member(id)?.kind == .learner {
                try change { changes, facts throws(MembershipRefusal) in ((), try changes.promote(id, facts)) }
            }
            lastRefusal = nil
            node.log.notice("a node votes from now on", ["node": "\(id)", "voters": "\(configuration.holders.count)"])
        } catch {
            // Tried again when it has told more.
            let why = error.words
            if why != lastRefusal { node.log.info("a node can't vote yet", ["node": "\(id)", "why": why]) }
            lastRefusal = why
        }
    }

    /// Does the actions, of which `next` is the outcome; where the list can't be stored all stays as it was.
    private func perform(_ actions: [MemberChanges.Action], _ next: MemberChanges) throws(Problem) {
        for case .install(let list) in actions { try store(list) }
        // Before others look at it.
        changes = next
        for action in actions {
            switch action {
            case .install: continue
            case .spread: changed?()
            case .count(let voters, let copies): gate.configure(voters: voters, copies: copies)
            }
        }
    }

    private func store(_ list: MemberList) throws(Problem) {
        do throws(SystemError) { try node.keep(list) } catch {
            node.log.error("the list of members could not be stored", ["error": "\(error)"])
            // Another can do what this one can't.
            if node.electsByItself {
                end()
                node.electorate.resign(.stopping)
            }
            throw .notStored(error)
        }
    }

    /// A node has this list on disk.
    func installed(by id: NodeID, _ stamp: String) {
        guard let stamp = ConfigurationStamp(text: stamp) else { return }
        changes?.installed(by: id, stamp)
    }
}

extension Roster.Problem {
    var words: String {
        switch self {
        case .refused(let refusal): refusal.why
        case .notLeading: "this master has not begun yet, or is no longer one"
        case .notStored(let error): "the list of members could not be stored: \(error)"
        }
    }

    /// As the node is told that wants to join.
    func told(to hello: Frame.Hello) -> LinkRefusal {
        switch self {
        case .refused(let refusal): LinkRefusal(refusal.isTemporary ? .notYet : .idTaken, refusal.words(isWitness: hello.isWitness))
        case .notLeading: LinkRefusal(.notYet, words)
        case .notStored: LinkRefusal(.idTaken, "the master could not store the new member: \(words)")
        }
    }
}

extension Node {
    /// Without its list on disk a master leads nobody. Where others can take over it has resigned by now.
    func cannotLead(_ master: MasterLife, _ problem: Roster.Problem) {
        guard life === master else { return }
        failed?("this node can't be master: \(problem.words); check that the data directory has space and belongs to the user that runs ddbnode")
    }
}

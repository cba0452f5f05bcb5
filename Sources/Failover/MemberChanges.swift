package import ClusterModel

/// The master's part in the list of members: founds it, lets nodes in, has them vote, takes them out.
///
///     begun() ── founding, or an elected leader's restamping ──► admit, promote, remove, in any order
///
/// There is none before the list names the master itself: so no node can be let in before the cluster is founded.
package struct MemberChanges: Sendable {
    package enum Action: Equatable, Sendable {
        /// On the master's own disk before anything else is done, and before the change is answered. Where that fails nothing was changed.
        case install(MemberList)
        /// To all members, and to what counts on this node.
        case spread
        /// Before the change goes on: from now on a write must be held by so many of these.
        case count(voters: Set<NodeID>, copies: Int)
    }

    /// What a change goes by: the master's count of who holds what.
    package struct Facts: Sendable {
        package let rules: ElectionRules
        package let quorum: QuorumTracker
        /// Of the master's log, durable.
        package let logEnd: Position

        package init(rules: ElectionRules, quorum: QuorumTracker, logEnd: Position) {
            self.rules = rules
            self.quorum = quorum
            self.logEnd = logEnd
        }
    }

    private let own: Member
    private let epoch: Epoch
    package private(set) var list: MemberList
    /// How changes follow on one another, where nodes choose their master by themselves; nil where they don't.
    private var reconfiguration: Reconfiguration?
    /// Who has the list that counts on disk, as far as this node knows.
    package private(set) var installedBy: Set<NodeID> = []

    /// This node leads `epoch`: the list is its own from now on.
    ///
    /// - Parameters:
    ///   - own: this node, as it is now; its kind is the list's to say.
    ///   - marker: the epoch's first entry; of no account where nobody is elected.
    package static func begun(
        own: Member, epoch: Epoch, list: MemberList, rules: ElectionRules, marker: Position
    ) -> (MemberChanges, [Action]) {
        let known = list.configuration.member(own.id)
        precondition(!list.configuration.isKnown || known?.uuid == own.uuid, "a master stands in its list, or founds it")
        if known != nil, rules.elects(list.configuration) {
            var new = MemberChanges(own: own, epoch: epoch, list: list)
            let actions = new.beginReconfiguring(list, marker: marker)
            return (new, actions)
        }
        // The first master of all is the cluster's first member. That it moved no other node could say.
        let now = Member(id: own.id, uuid: own.uuid, address: own.address, kind: known?.kind ?? .voter)
        var new = MemberChanges(own: now, epoch: epoch, list: list)
        if now == known { return (new, []) }
        new.put(list.with(new.next(list.configuration.members.filter { $0.id != now.id } + [now])))
        return (new, [.install(new.list), .spread])
    }

    private init(own: Member, epoch: Epoch, list: MemberList) {
        self.own = own
        self.epoch = epoch
        self.list = list
        installedBy = list.configuration.isKnown ? [own.id] : []
    }

    private mutating func put(_ list: MemberList) {
        self.list = list
        installedBy = [own.id]
        reconfiguration?.installed(by: own.id, list.configuration.stamp)
    }

    private var configuration: Configuration { list.configuration }

    private func next(_ members: [Member]) -> Configuration {
        let old = configuration.stamp
        return Configuration(stamp: ConfigurationStamp(epoch: max(epoch, old.epoch), version: old.version + 1), members: members)
    }

    /// From here on nodes choose their master by themselves, and changes follow their rules.
    private mutating func beginReconfiguring(_ list: MemberList, marker: Position) -> [Action] {
        let (new, _) = Reconfiguration.begun(own: own.id, epoch: epoch, marker: marker, configuration: list.configuration)
        reconfiguration = new
        put(list.with(new.configuration))
        return [.install(self.list), .spread]
    }

    // MARK: Changing

    /// The settings may have changed since: to be called before each change, and what it says done.
    package mutating func reviewed(_ facts: Facts) -> [Action] {
        let elects = facts.rules.elects(configuration)
        if !elects { reconfiguration = nil }
        return elects && reconfiguration == nil ? beginReconfiguring(list, marker: facts.logEnd) : []
    }

    /// The member that a node which wants to join is from now on; it is answered when the actions are done.
    package mutating func admit(_ applicant: Applicant, _ facts: Facts) throws(MembershipRefusal) -> (Member, [Action]) {
        let member = try list.admission(applicant, by: own)
        guard configuration.member(member.id) != member else { return (member, []) }
        if member.kind == .witness, configuration.witness == nil { try checkWitness() }
        return (member, try change(to: configuration.members.filter { $0.id != member.id } + [member], list.removed, facts))
    }

    /// It comes last, to data nodes that vote and know of each other.
    private func checkWitness() throws(MembershipRefusal) {
        let holders = configuration.holders.count
        guard holders > 0, holders % 2 == 0 else { throw .witnessNeedsEven(holders: holders) }
        guard configuration.isMajority(installedBy) else { throw .notYet(.notInstalled) }
    }

    /// Takes a node out for good.
    package mutating func remove(_ id: NodeID, _ facts: Facts) throws(MembershipRefusal) -> (Member, [Action]) {
        guard id != own.id, let member = configuration.member(id) else { throw .unknownNode(id) }
        let gone = MemberList.Removed(uuid: member.uuid, id: id, address: member.address.description)
        return (member, try change(to: configuration.members.filter { $0.id != id }, list.removed + [gone], facts))
    }

    /// Has a learner vote that keeps up with the log. Where it answers `count`, that is done and it is asked again.
    package mutating func promote(_ id: NodeID, _ facts: Facts) throws(MembershipRefusal) -> [Action] {
        guard let member = configuration.member(id), member.kind == .learner else { return [] }
        let voters = Set(configuration.holders + [id])
        let copies = facts.rules.copies(voters.count)
        // Before it counts for elections it has all that was acknowledged without it: from here on nothing is.
        if configuration.witness == nil, facts.quorum.copies < 2, copies > 1 { return [.count(voters: voters, copies: copies)] }
        guard facts.quorum.position(of: id) >= facts.quorum.watermark else { throw .notYet(.learnerBehind(id)) }
        return try change(to: configuration.members.map { $0.id == id ? $0.becoming(.voter) : $0 }, list.removed, facts)
    }

    private mutating func change(
        to members: [Member], _ removed: [MemberList.Removed], _ facts: Facts
    ) throws(MembershipRefusal) -> [Action] {
        guard var reconfiguration else {
            let next = next(members)
            if configuration.witness != nil, next.holders != configuration.holders { throw .notYet(.witnessCounts) }
            if facts.rules.elects(next) { return beginReconfiguring(MemberList(next, removed: removed), marker: facts.logEnd) }
            put(MemberList(next, removed: removed))
            return [.install(list), .spread]
        }
        do throws(Reconfiguration.Refusal) {
            _ = try reconfiguration.propose(members, quorum: facts.quorum, logEnd: facts.logEnd)
        } catch {
            throw .notYet(error)
        }
        self.reconfiguration = reconfiguration
        put(MemberList(reconfiguration.configuration, removed: removed))
        return [.install(list), .spread]
    }

    /// A node has the list with this stamp on disk.
    package mutating func installed(by id: NodeID, _ stamp: ConfigurationStamp) {
        reconfiguration?.installed(by: id, stamp)
        if stamp == configuration.stamp { installedBy.formUnion([id, own.id]) }
    }
}

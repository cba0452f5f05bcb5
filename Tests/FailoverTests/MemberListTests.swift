import ClusterModel
import Failover
import Testing

private func list(_ members: [Member], removed: [MemberList.Removed] = []) -> MemberList {
    MemberList(Configuration(stamp: ConfigurationStamp(epoch: .first, version: 1), members: members), removed: removed)
}

private func named(_ id: UInt32, _ uuid: String, _ kind: Member.Kind = .voter) -> Member {
    Member(id: node(id), uuid: uuid, address: NodeAddress(host: "n\(id)", port: 5000), kind: kind)
}

@Suite struct MemberListTests {
    private static let own = NodeIdentity(id: node(1), uuid: "u1", isWitness: false)
    private static let gone = MemberList.Removed(uuid: "u3", id: node(3), address: "n3:5000")

    static let faulty: [(MemberList, ListFault)] = [
        (list([named(1, "u1"), named(1, "u2")]), .twoOfOneID(node(1))),
        (list([named(1, "u1"), named(2, "u1")]), .twoOfOneUUID(node(1), node(2))),
        (list([named(1, "u1"), named(255, "u2")]), .noID("u2")),
        (list([named(1, "u1", .learner), named(2, "u2", .witness)]), .noVoter),
        (list([named(1, "u1"), named(2, "u2", .witness), named(3, "u3", .witness)]), .twoWitnesses(node(2), node(3))),
        (list([named(1, "u1"), named(3, "u9")], removed: [gone]), .removedAndMember(node(3))),
        (list([named(1, "u1"), named(9, "u3")], removed: [gone]), .removedAndMember(node(9))),
        // What became of a master that let nodes in before it stood in its own list.
        (list([named(1, "a"), named(2, "b")]), .ownIDOfAnother(node(1), uuid: "a", address: "n1:5000")),
        (list([named(2, "u1"), named(3, "u3")]), .ownUnderOtherID(node(2), own: node(1))),
        (list([named(2, "u2"), named(3, "u3")]), .ownMissing),
        (list([named(1, "u1", .witness), named(2, "u2")]), .ownOfOtherKind(node(1), listedAsWitness: true)),
    ]

    @Test(arguments: faulty) func `a list that no cluster comes to by its rules is known`(list: MemberList, fault: ListFault) {
        #expect(list.fault(for: Self.own) == fault)
    }

    @Test func `a list that makes sense has no fault`() {
        let whole = list([named(1, "u1"), named(2, "u2", .learner), named(4, "u4", .witness)], removed: [Self.gone])
        #expect(whole.fault(for: Self.own) == nil)
        #expect(whole.fault(for: NodeIdentity(id: node(4), uuid: "u4", isWitness: true)) == nil)
        #expect(whole.fault(for: NodeIdentity(id: node(3), uuid: "u3", isWitness: false)) == nil, "a removed node knows that it is")
        #expect(MemberList.unknown.fault(for: NodeIdentity(id: nil, uuid: "u9", isWitness: false)) == nil)
        #expect(whole.fault(for: NodeIdentity(id: node(4), uuid: "u4", isWitness: false)) == .ownOfOtherKind(node(4), listedAsWitness: true))
        #expect(whole.fault(for: NodeIdentity(id: nil, uuid: "u2", isWitness: false)) == .ownUnderOtherID(node(2), own: nil))
    }
}

@Suite struct MemberChangesTests {
    private let rules = ElectionRules(isAutomatic: true, mayLoseWrites: false) { $0 >= 3 ? $0 / 2 + 1 : 1 }

    private func applicant(_ uuid: String, wanted: UInt32? = nil, isWitness: Bool = false) -> Applicant {
        Applicant(uuid: uuid, wanted: wanted.map(node), address: "host-\(uuid):7001", isWitness: isWitness)
    }

    /// What the master, node 1, knows: all hold all there is.
    private func facts(copies: Int = 1, voters: Set<NodeID> = [node(1)], acked: [NodeID] = []) -> MemberChanges.Facts {
        var quorum = QuorumTracker(own: node(1), voters: voters, copies: copies, watermark: .start)
        _ = quorum.ownIsDurable(to: at(1, 1, 5))
        for id in acked { _ = quorum.acked(by: id, to: at(1, 1, 5)) }
        return MemberChanges.Facts(rules: rules, quorum: quorum, logEnd: at(1, 1, 5))
    }

    private func founded() -> (MemberChanges, [MemberChanges.Action]) {
        MemberChanges.begun(own: named(1, "u1"), epoch: .first, list: .unknown, rules: rules, marker: .start)
    }

    @Test func `a cluster begins with the master's own name on its disk, before anything else`() {
        let (changes, actions) = founded()
        let first = list([named(1, "u1")])
        #expect(actions == [.install(first), .spread])
        #expect(changes.list == first && changes.installedBy == [node(1)])
        #expect(changes.list.fault(for: NodeIdentity(id: node(1), uuid: "u1", isWitness: false)) == nil)
    }

    @Test func `whoever comes first to a new cluster is node 2, never node 1`() throws {
        var (changes, _) = founded()
        for (index, uuid) in ["a", "b", "c"].enumerated() {
            let (member, actions) = try changes.admit(applicant(uuid), facts())
            #expect(member.id == node(UInt32(index) + 2) && member.kind == .learner && member.uuid == uuid)
            #expect(actions == [.install(changes.list), .spread])
        }
        let (again, actions) = try changes.admit(applicant("b"), facts())
        #expect(again.id == node(3) && actions.isEmpty, "known by its folder")
    }

    @Test func `the master's id and folder are refused to others`() {
        var (changes, _) = founded()
        #expect(throws: MembershipRefusal.idTaken(node(1), by: "n1:5000")) { try changes.admit(applicant("a", wanted: 1), facts()) }
        #expect(throws: MembershipRefusal.isMaster) { try changes.admit(applicant("u1", wanted: 1), facts()) }
        #expect(throws: MembershipRefusal.noSuchID(.unnamed)) { try changes.admit(applicant("a", wanted: 255), facts()) }
    }

    @Test func `a removed node's id is given to no other, and the node does not come back`() throws {
        var (changes, _) = founded()
        _ = try changes.admit(applicant("a"), facts())
        _ = try changes.remove(node(2), facts())
        #expect(throws: MembershipRefusal.removed(node(2))) { try changes.admit(applicant("a"), facts()) }
        #expect(throws: MembershipRefusal.idTaken(node(2), by: "host-a:7001")) { try changes.admit(applicant("b", wanted: 2), facts()) }
        #expect(try changes.admit(applicant("b"), facts()).0.id == node(3))
        #expect(throws: MembershipRefusal.unknownNode(node(1))) { try changes.remove(node(1), facts()) }
    }

    @Test func `the third voter counts before it votes, and with it elections begin by their rules`() throws {
        var (changes, _) = founded()
        for uuid in ["a", "b"] { _ = try changes.admit(applicant(uuid), facts()) }
        let two: Set<NodeID> = [node(1), node(2)]
        #expect(throws: MembershipRefusal.notYet(.learnerBehind(node(2)))) { try changes.promote(node(2), facts()) }
        _ = try changes.promote(node(2), facts(acked: [node(2)]))
        #expect(changes.list.configuration.holders == two.sorted())

        let three = two.union([node(3)])
        #expect(try changes.promote(node(3), facts(voters: two, acked: [node(2), node(3)])) == [.count(voters: three, copies: 2)])
        #expect(changes.list.configuration.holders == two.sorted(), "not before it counts")
        let counted = facts(copies: 2, voters: three, acked: [node(2), node(3)])
        #expect(try changes.promote(node(3), counted) == [.install(changes.list), .spread])
        #expect(changes.list.configuration.holders == three.sorted())

        // From here on a change waits for the one before.
        #expect(throws: MembershipRefusal.notYet(.notInstalled)) { try changes.admit(applicant("c"), counted) }
        changes.installed(by: node(2), changes.list.configuration.stamp)
        #expect(try changes.admit(applicant("c"), counted).0.id == node(4))
    }

    @Test func `an elected leader takes the list over under its own stamp`() {
        let old = list([named(1, "u1"), named(2, "u2"), named(3, "u3")])
        let (changes, actions) = MemberChanges.begun(own: named(2, "u2"), epoch: epoch(4), list: old, rules: rules, marker: at(4, 2, 9))
        #expect(changes.list == old.with(old.configuration.restamped(in: epoch(4))))
        #expect(actions == [.install(changes.list), .spread])
    }

    @Test func `a master that is elsewhere now says so in its list`() {
        let moved = Member(id: node(1), uuid: "u1", address: NodeAddress(host: "new", port: 1), kind: .voter)
        let (changes, actions) = MemberChanges.begun(own: moved, epoch: .first, list: list([named(1, "u1")]), rules: rules, marker: .start)
        #expect(changes.list.configuration.members == [moved] && actions.count == 2)
        let (_, none) = MemberChanges.begun(own: moved, epoch: .first, list: changes.list, rules: rules, marker: .start)
        #expect(none.isEmpty)
    }
}

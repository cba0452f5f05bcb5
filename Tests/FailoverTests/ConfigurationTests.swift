import ClusterModel
import Failover
import Testing

@Suite struct ConfigurationTests {
    @Test func `voters and witnesses make the majority, learners don't`() {
        let mixed = Configuration(
            stamp: configuration([]).stamp, members: [member(4, .learner), member(3, .witness), member(2), member(1)])
        #expect(mixed.voters == [node(1), node(2), node(3)] && mixed.holders == [node(1), node(2)])
        #expect(mixed.majority == 2)
        #expect(mixed.isMajority([node(1), node(3)]) && !mixed.isMajority([node(1), node(4)]))
        #expect(!Configuration.unknown.isMajority([]))
    }

    @Test func `of two the one of the later epoch is the later`() {
        #expect(configuration([1], 1, 9).stamp < configuration([1], 2, 3).stamp)
        #expect(configuration([1], 2, 3).stamp < configuration([1], 2, 4).stamp)
        #expect(configuration([1], 2, 3).restamped(in: epoch(5)).stamp == configuration([1], 5, 4).stamp)
    }

    @Test func `fewer copies than a majority need consent to automatic failover`() {
        #expect(configuration([1, 2, 3]).allowsFailover(copies: 2, mayLoseWrites: false))
        #expect(!configuration([1, 2, 3]).allowsFailover(copies: 1, mayLoseWrites: false))
        #expect(configuration([1, 2, 3]).allowsFailover(copies: 1, mayLoseWrites: true))
        #expect(!configuration([1, 2, 3, 4]).allowsFailover(copies: 1, mayLoseWrites: false))
        #expect(configuration([1, 2, 3, 4]).allowsFailover(copies: 2, mayLoseWrites: false))
        #expect(configuration([1]).allowsFailover(copies: 1, mayLoseWrites: false))
    }
}

@Suite struct ReconfigurationTests {
    private let marker = at(2, 1, 10)

    private func begun() -> (Reconfiguration, [Reconfiguration.Action]) {
        Reconfiguration.begun(own: node(1), epoch: epoch(2), marker: marker, configuration: configuration([1, 2, 3], 1, 4))
    }

    private func quorum(_ acked: Position? = nil) -> QuorumTracker {
        var quorum = QuorumTracker(own: node(1), voters: [node(1), node(2), node(3)], copies: 2, watermark: .start, epochStart: 10)
        _ = quorum.ownIsDurable(to: at(2, 1, 20))
        if let acked { _ = quorum.acked(by: node(2), to: acked) }
        return quorum
    }

    private func four(_ kind: Member.Kind = .voter) -> [Member] { [member(1), member(2), member(3), member(4, kind)] }

    @Test func `a leader begins with the same members under its own stamp`() {
        let (machine, actions) = begun()
        let stamped = configuration([1, 2, 3], 2, 5)
        #expect(actions == [.install(stamped), .send(stamped)])
        #expect(machine.configuration == stamped)
    }

    @Test func `a change waits for the present one, for the epoch and for the log`() {
        var (machine, _) = begun()
        machine.installed(by: node(1), machine.configuration.stamp)
        #expect(machine.refusal(quorum(marker)) == .notInstalled)
        machine.installed(by: node(2), configuration([], 1, 4).stamp)
        #expect(machine.refusal(quorum(marker)) == .notInstalled, "another stamp")
        machine.installed(by: node(2), machine.configuration.stamp)
        #expect(machine.refusal(quorum()) == .epochNotCommitted)
        #expect(machine.refusal(quorum(marker)) == nil)
    }

    @Test func `the new quorum must hold what the old one committed`() throws {
        var (machine, _) = begun()
        for number in [1, 2] as [UInt32] { machine.installed(by: node(number), machine.configuration.stamp) }
        var counted = quorum(marker)
        _ = try machine.propose(four(.learner), quorum: counted, logEnd: at(2, 1, 20))
        for number in [1, 2] as [UInt32] { machine.installed(by: node(number), machine.configuration.stamp) }
        #expect(machine.refusal(counted) == .logNotCommitted)
        #expect(throws: Reconfiguration.Refusal.logNotCommitted) { try machine.propose(four(), quorum: counted, logEnd: at(2, 1, 20)) }
        _ = counted.acked(by: node(3), to: at(2, 1, 20))
        #expect(throws: Reconfiguration.Refusal.learnerBehind(node(4))) { try machine.propose(four(), quorum: counted, logEnd: at(2, 1, 20)) }
        _ = counted.acked(by: node(4), to: at(2, 1, 20))
        let next = Configuration(stamp: ConfigurationStamp(epoch: epoch(2), version: 7), members: four())
        #expect(try machine.propose(four(), quorum: counted, logEnd: at(2, 1, 20)) == [.install(next), .send(next)])
    }

    /// Of these, all of which have it.
    private func begun(_ members: [Member]) -> Reconfiguration {
        var (machine, _) = Reconfiguration.begun(
            own: node(1), epoch: epoch(2), marker: marker, configuration: Configuration(stamp: configuration([]).stamp, members: members))
        for member in members { machine.installed(by: member.id, machine.configuration.stamp) }
        return machine
    }

    @Test func `with a witness the data nodes stay who they are`() {
        let members = [member(1), member(2), member(3, .witness)]
        let counted = quorum(marker)
        for other in [[member(1), member(3, .witness)], [member(1), member(2), member(3)], members + [member(4)]] {
            var machine = begun(members)
            #expect(throws: Reconfiguration.Refusal.witnessCounts) { try machine.propose(other, quorum: counted, logEnd: marker) }
        }
        var machine = begun(members)
        #expect(throws: Reconfiguration.Refusal.moreThanOneVoter) {
            try machine.propose([member(1), member(2), member(4, .witness)], quorum: counted, logEnd: marker)
        }
        #expect(throws: Never.self) { try machine.propose(members + [member(5, .learner)], quorum: counted, logEnd: marker) }
    }

    @Test func `a witness comes to an even number of data nodes`() {
        let counted = quorum(marker)
        var two = begun([member(1), member(2)])
        #expect(throws: Never.self) { try two.propose([member(1), member(2), member(4, .witness)], quorum: counted, logEnd: marker) }
        var three = begun([member(1), member(2), member(3)])
        #expect(throws: Reconfiguration.Refusal.witnessNeedsEven) { try three.propose(four(.witness), quorum: counted, logEnd: marker) }
    }

    @Test func `a witness goes when each majority of the others meets the in-sync set`() {
        var counted = quorum(marker)
        var two = begun([member(1), member(2), member(3, .witness)])
        _ = counted.configure(voters: [node(1)], copies: 1)
        #expect(throws: Never.self) { try two.propose([member(1), member(2)], quorum: counted, logEnd: marker) }
        var three = begun(four(.witness))
        #expect(throws: Reconfiguration.Refusal.logNotCommitted) {
            try three.propose([member(1), member(2), member(3)], quorum: counted, logEnd: marker)
        }
        _ = counted.configure(voters: [node(1), node(2)], copies: 2)
        #expect(throws: Never.self) { try three.propose([member(1), member(2), member(3)], quorum: counted, logEnd: marker) }
    }

    @Test func `more than one voter at a time is refused, and so is none`() {
        var (machine, _) = begun()
        for number in [1, 2] as [UInt32] { machine.installed(by: node(number), machine.configuration.stamp) }
        let counted = quorum(marker)
        #expect(throws: Reconfiguration.Refusal.moreThanOneVoter) { try machine.propose([member(1)], quorum: counted, logEnd: marker) }
        #expect(throws: Reconfiguration.Refusal.moreThanOneVoter) {
            try machine.propose([member(1), member(2), member(4)], quorum: counted, logEnd: marker)
        }
        #expect(throws: Reconfiguration.Refusal.noVoterLeft) { try machine.propose([member(1, .learner)], quorum: counted, logEnd: marker) }
    }
}

import ClusterModel
import Failover
import Testing

private func tracker(_ voters: [UInt32] = [1, 2, 3], copies: Int = 2, from marker: UInt64 = 10) -> QuorumTracker {
    QuorumTracker(own: node(1), voters: Set(voters.map(node)), copies: copies, watermark: .start, epochStart: marker)
}

@Suite struct QuorumTrackerTests {
    @Test func `the watermark is what enough nodes hold, the master counted`() {
        var quorum = tracker()
        #expect(quorum.ownIsDurable(to: at(2, 1, 12)) == false)
        #expect(quorum.acked(by: node(2), to: at(2, 1, 11)) == true)
        #expect(quorum.watermark == at(2, 1, 11))
        #expect(quorum.acked(by: node(3), to: at(2, 1, 12)) == true)
        #expect(quorum.watermark == at(2, 1, 12))
        #expect(quorum.acked(by: node(3), to: at(2, 1, 11)) == false, "an older acknowledgement changes nothing")
    }

    @Test func `copies of older epochs' entries alone commit nothing`() {
        var quorum = tracker()
        _ = quorum.ownIsDurable(to: at(2, 1, 10))
        #expect(quorum.acked(by: node(2), to: at(1, 3, 9)) == false)
        #expect(!quorum.hasCommittedEpoch)
        #expect(quorum.acked(by: node(2), to: at(2, 1, 10)) == true)
        #expect(quorum.hasCommittedEpoch)
    }

    @Test func `what the master does not hold itself is not committed`() {
        var quorum = tracker()
        _ = quorum.ownIsDurable(to: at(2, 1, 10))
        _ = quorum.acked(by: node(2), to: at(2, 1, 15))
        _ = quorum.acked(by: node(3), to: at(2, 1, 15))
        #expect(quorum.watermark == at(2, 1, 10))
        #expect(quorum.ownIsDurable(to: at(2, 1, 14)) == true)
        #expect(quorum.watermark == at(2, 1, 14))
    }

    @Test func `only voters count, and it never goes back`() {
        var quorum = tracker()
        _ = quorum.ownIsDurable(to: at(2, 1, 20))
        #expect(quorum.acked(by: node(4), to: at(2, 1, 20)) == false)
        #expect(quorum.configure(voters: [node(1), node(2), node(3), node(4)], copies: 2) == true)
        #expect(quorum.watermark == at(2, 1, 20))
        #expect(quorum.configure(voters: [node(1), node(2), node(3), node(4)], copies: 3) == false)
        #expect(quorum.watermark == at(2, 1, 20))
        #expect(!quorum.isHeld(at(2, 1, 20)) && quorum.isHeld(.start))
    }

    @Test func `what a slave had counts no more when it begins anew`() {
        var quorum = tracker()
        _ = quorum.acked(by: node(2), to: at(2, 1, 12))
        quorum.resumed(by: node(2), at: .start)
        #expect(quorum.ownIsDurable(to: at(2, 1, 12)) == false)
        #expect(quorum.position(of: node(2)) == .start)
    }

    @Test func `the quorum is lost with too few within reach`() {
        let quorum = tracker([1, 2, 3, 4, 5], copies: 3)
        #expect(quorum.isLost(reachable: [node(2)]))
        #expect(!quorum.isLost(reachable: [node(2), node(5)]))
        #expect(quorum.isLost(reachable: [node(2), node(9)]))
        #expect(quorum.isLost(reachable: [node(2), node(1)]))
        #expect(!tracker([1], copies: 1).isLost(reachable: []))
    }

    @Test func `a master alone commits what it holds`() {
        var quorum = tracker([1], copies: 1)
        #expect(quorum.ownIsDurable(to: at(1, 1, 9)) == false)
        #expect(quorum.ownIsDurable(to: at(2, 1, 10)) == true)
        #expect(quorum.watermark == at(2, 1, 10))
    }
}

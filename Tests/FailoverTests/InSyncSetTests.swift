import ClusterModel
import Failover
import Testing

@Suite struct InSyncSetTests {
    /// Node 1 leads 1, 2 and the witness 3.
    private func begun(_ voters: [UInt32] = [1, 2]) -> InSyncSet {
        let members = voters.map { member($0) } + [member(9, .witness)]
        return InSyncSet(
            own: node(1), epoch: epoch(2), begun: at(2, 1, 10), configuration: Configuration(stamp: configuration([]).stamp, members: members))
    }

    /// Node 1 holds all up to 20, and node 2 up to `other`.
    private func quorum(_ other: UInt64? = nil, own: UInt64 = 20) -> QuorumTracker {
        var quorum = QuorumTracker(own: node(1), voters: [node(1), node(2)], copies: 2, watermark: .start, epochStart: 10)
        _ = quorum.ownIsDurable(to: at(2, 1, own))
        if let other { _ = quorum.acked(by: node(2), to: at(2, 1, other)) }
        return quorum
    }

    private func record(_ number: UInt64, _ members: [UInt32]) -> InSyncRecord {
        InSyncRecord(epoch: epoch(2), number: number, members: members.map(node))
    }

    @Test func `a leader begins with all data nodes, and leaves one out only when the witness has recorded it`() {
        var inSync = begun()
        #expect(inSync.counted == [node(1), node(2)])
        #expect(inSync.foundInSync([node(1)], quorum: quorum()) == [.count([node(1), node(2)]), .record(record(1, [1]))])
        #expect(inSync.foundInSync([node(1)], quorum: quorum()) == [], "one change at a time")
        #expect(inSync.recorded(record(7, [1])) == [], "another record")
        #expect(inSync.recorded(record(1, [1])) == [.count([node(1)])])
    }

    @Test func `one comes in only with all that is committed, and counts before the witness knows`() {
        var inSync = begun()
        _ = inSync.foundInSync([node(1)], quorum: quorum())
        _ = inSync.recorded(record(1, [1]))
        #expect(inSync.foundInSync([node(1), node(2)], quorum: quorum(9)) == [], "it lacks the marker")
        var alone = quorum(10)
        _ = alone.configure(voters: [node(1)], copies: 1)
        #expect(inSync.foundInSync([node(1), node(2)], quorum: alone) == [], "it lacks what was committed without it")
        #expect(
            inSync.foundInSync([node(1), node(2)], quorum: quorum(20)) == [.count([node(1), node(2)]), .record(record(2, [1, 2]))])
        #expect(inSync.recorded(record(2, [1, 2])) == [.count([node(1), node(2)])])
    }

    @Test func `the first record too holds only who has the marker on disk, the leader included`() {
        var inSync = begun()
        #expect(inSync.foundInSync([node(1)], quorum: quorum(own: 9)) == [])
        #expect(inSync.foundInSync([node(1), node(2)], quorum: quorum(9)) == [.count([node(1), node(2)]), .record(record(1, [1]))])
    }

    @Test func `so many stay that each majority without the witness meets them`() {
        #expect(begun().sizeMin == 1)
        #expect(begun([1, 2, 3]).sizeMin == 1)
        var four = begun([1, 2, 3, 4])
        #expect(four.sizeMin == 2)
        #expect(four.foundInSync([node(1)], quorum: quorum()) == [])
    }

    @Test func `a leader that was restarted goes past what the witness has of its epoch`() {
        var inSync = begun()
        #expect(inSync.outnumbered(by: record(7, [1])) == [], "nothing is on its way")
        _ = inSync.foundInSync([node(1)], quorum: quorum())
        #expect(inSync.outnumbered(by: InSyncRecord(epoch: epoch(1), number: 7, members: [])) == [], "another epoch's")
        #expect(inSync.outnumbered(by: record(7, [1, 2])) == [.record(record(8, [1]))])
        #expect(inSync.recorded(record(1, [1])) == [], "not the one that is on its way now")
        #expect(inSync.recorded(record(8, [1])) == [.count([node(1)])])
    }

    @Test func `when the witness is removed those counted count on, until no majority would vote by the old configuration`() {
        var inSync = begun()
        _ = inSync.foundInSync([node(1)], quorum: quorum())
        #expect(!inSync.mayEnd(installedBy: [node(1), node(2)]))
        inSync.witnessLeft()
        #expect(inSync.recorded(record(1, [1])) == [], "it may have forgotten by now")
        #expect(inSync.counted == [node(1), node(2)])
        #expect(inSync.foundInSync([node(1), node(2)], quorum: quorum(20)) == [])
        #expect(!inSync.mayEnd(installedBy: [node(1)]), "node 2 and the witness could elect still")
        #expect(inSync.mayEnd(installedBy: [node(1), node(2)]))
    }

    @Test func `the later record stays on the witness's disk`() {
        #expect(record(1, [1]).isNewer(than: nil))
        #expect(record(2, [1]).isNewer(than: record(1, [2])))
        #expect(!record(1, [1]).isNewer(than: record(1, [1])))
        #expect(!record(9, [1]).isNewer(than: InSyncRecord(epoch: epoch(3), number: 1, members: [])))
    }
}

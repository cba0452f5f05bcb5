import ClusterModel
import Testing

@testable import Replication

@Suite struct FreshnessTests {
    private func at(_ sequence: Int) -> Position { Position(GTID("0-1-\(sequence)")) }

    @Test func `data is as old as the last beat that it covers`() {
        var freshness = Freshness()
        #expect(freshness.stalenessMs(nowMs: 5) == nil)
        freshness.heard(at(3), nowMs: 100)
        freshness.applied(at(2))
        #expect(freshness.stalenessMs(nowMs: 150) == nil)
        freshness.applied(at(3))
        #expect(freshness.stalenessMs(nowMs: 150) == 50)
        freshness.heard(at(9), nowMs: 200)
        freshness.heard(at(20), nowMs: 300)
        freshness.applied(at(10))
        #expect(freshness.stalenessMs(nowMs: 310) == 110)
        freshness.applied(at(20))
        #expect(freshness.stalenessMs(nowMs: 310) == 10)
    }

    @Test func `a long absence of the database is bounded`() {
        var freshness = Freshness()
        for beat in 1...5000 { freshness.heard(at(beat), nowMs: beat) }
        freshness.applied(at(1))
        #expect(freshness.stalenessMs(nowMs: 5000) == 4999)
        freshness.applied(at(5000))
        #expect(freshness.stalenessMs(nowMs: 5000) == 0)
    }
}

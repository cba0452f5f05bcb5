import Replication
import Testing

@Suite struct EventRateTests {
    private func rate(everyMs: Int, count: Int) -> Int {
        var rate = EventRate()
        for number in 0..<count { rate.count(nowMs: 1_000_000 + number * everyMs) }
        return rate.perSecond
    }

    @Test func `a steady rate is told as it is`() {
        #expect((950...1050).contains(rate(everyMs: 1, count: 500)))
        #expect((190...210).contains(rate(everyMs: 5, count: 500)))
        #expect(rate(everyMs: 1000, count: 10) == 1)
    }

    @Test func `many at once count as many`() {
        var rate = EventRate()
        for number in 0..<100 { rate.count(8, nowMs: 1_000_000 + number * 4) }
        #expect((1900...2100).contains(rate.perSecond))
    }

    @Test func `a burst after a rest is no rate yet`() {
        var rate = EventRate()
        for _ in 0..<10_000 { rate.count(nowMs: 5000) }
        #expect(rate.perSecond == 0)
        rate.count(nowMs: 5020)
        #expect(rate.perSecond == 500_000)
        rate.count(nowMs: 65_020)
        #expect(rate.perSecond == 0)
    }
}

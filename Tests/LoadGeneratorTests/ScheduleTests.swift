import Testing

@testable import LoadGeneratorCore

@Suite struct ScheduleTests {
    private let second: UInt64 = 1_000_000_000

    @Test func `requests are due at even times from the start on`() {
        var schedule = OpenLoopSchedule(startNs: 50, perSecond: 4, seconds: 1)
        let due = (0..<5).map { _ in schedule.takeDue(nowNs: 10 * second) }
        #expect(due == [50, 250_000_050, 500_000_050, 750_000_050, nil])
    }

    @Test func `nothing is due before its time`() {
        var schedule = OpenLoopSchedule(startNs: 0, perSecond: 1000, seconds: 1)
        #expect(schedule.takeDue(nowNs: 0) == 0)
        #expect(schedule.takeDue(nowNs: 999_999) == nil)
        #expect(schedule.nextDueNs == 1_000_000)
        #expect(schedule.takeDue(nowNs: 1_000_000) == 1_000_000)
    }

    @Test func `after a pause all that was missed is due, at the times it was due`() {
        var schedule = OpenLoopSchedule(startNs: 0, perSecond: 10, seconds: 1)
        _ = schedule.takeDue(nowNs: 0)
        var late: [UInt64] = []
        while let due = schedule.takeDue(nowNs: 350_000_000) { late.append(due) }
        #expect(late == [100_000_000, 200_000_000, 300_000_000])
    }

    @Test func `a rate that divides no second still keeps its pace for an hour`() {
        var schedule = OpenLoopSchedule(startNs: 0, perSecond: 7, seconds: 3600)
        #expect(schedule.total == 25_200)
        var last: UInt64 = 0
        while let due = schedule.takeDue(nowNs: .max) { last = due }
        #expect(last == 3599 * second + 6 * second / 7)
        #expect(schedule.nextDueNs == nil)
    }

    /// What coordinated omission would hide: one pause of a second at 100 requests a second delays a hundred of them.
    @Test func `a pause shows in every request that it held up`() {
        var schedule = OpenLoopSchedule(startNs: 0, perSecond: 100, seconds: 2)
        var histogram = Histogram()
        for now in [UInt64(second), 2 * second] {
            while let due = schedule.takeDue(nowNs: now) { histogram.record(now == second ? now - due : 1000) }
        }
        #expect(histogram.count == 200)
        #expect(histogram.value(at: 0.75) > 450_000_000)
    }

    @Test func `a ring gives back what it took, in order, around its end`() {
        var ring = Ring<Int>(capacity: 3)
        #expect(ring.popFirst() == nil)
        for round in 0..<5 {
            ring.append(round)
            ring.append(-round)
            #expect(ring.popFirst() == round)
            #expect(ring.popFirst() == -round)
        }
        #expect(ring.isEmpty)
    }
}

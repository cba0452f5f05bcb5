import Testing

@testable import NodeRuntime

@Suite struct RunningTimeTests {
    private static let dayMs: UInt64 = 86_400_000

    @Test func `it goes on from what was written down, whatever the clock on the wall says`() {
        for wallMs in [0, 1_799_956_800_000, 1_800_000_000_000, 1_834_560_000_000, .max] as [UInt64] {
            let time = RunningTime(after: 1_800_000_000_000, wallMs: wallMs, nowMs: 70)
            #expect(time.ms(nowMs: 70) == 1_800_000_000_000)
            #expect(time.ms(nowMs: 1070) == 1_800_000_001_000)
            #expect(time.horizon(keepMs: 2000, nowMs: 1070) == 1_799_999_999_000)
        }
    }

    @Test func `what a master writes keeps its promised time of running, over restarts and over masters whose clocks differ by days`() {
        let keepMs: UInt64 = 10_000
        var written: UInt64?
        var runMs = 0
        // Each life: the wall clock that it finds, how long it runs.
        let lives: [(UInt64, Int)] = [(1_000_000_000, 3000), (1_000_000_000 + Self.dayMs, 3000), (1_000_000_000 - Self.dayMs, 3000), (7, 3000)]
        var first: UInt64?
        for (wallMs, lifeMs) in lives {
            let time = RunningTime(after: written, wallMs: wallMs, nowMs: 500)
            let stamp = time.ms(nowMs: 500)
            #expect(written.map { $0 <= stamp } ?? true, "it never goes back")
            first = first ?? stamp
            runMs += lifeMs
            written = time.ms(nowMs: 500 + lifeMs)
            let isKept = time.horizon(keepMs: keepMs, nowMs: 500 + lifeMs) <= first ?? 0
            #expect(isKept == (runMs <= 10_000), "after \(runMs) ms")
        }
    }

    @Test func `a young cluster's horizon is its beginning`() {
        #expect(RunningTime(after: nil, wallMs: 500, nowMs: 0).horizon(keepMs: Self.dayMs, nowMs: 100) == 0)
        #expect(RunningTime(after: nil, wallMs: 500, nowMs: 0).ms(nowMs: 100) == 600)
    }
}

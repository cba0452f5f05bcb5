import Simulation
import Testing

private func run(_ seed: UInt64, steps: Int, _ broken: BrokenRule? = nil) -> SimulationOutcome {
    SimulatedCluster(SimulationOptions(seed: seed, steps: steps, broken: broken)).run()
}

@Suite struct SimulationTests {
    /// Many more, and longer ones, run with scripts/simulate.sh.
    @Test(arguments: 0..<30 as Range<UInt64>) func `no seed breaks a rule`(part: UInt64) {
        var sum = SimulationOutcome()
        for seed in part * 100..<part * 100 + 100 {
            let outcome = run(seed, steps: 500)
            if let violation = outcome.violation { Issue.record("seed \(seed), after \(outcome.events) events: \(violation)") }
            sum.add(outcome)
        }
        #expect(sum.elections > 100 && sum.acknowledged > 1000 && sum.reads > 100 && sum.crashes > 100, "something happened at all")
    }

    @Test func `a seed gives the same run each time`() {
        var stories: [[String]] = [[], []]
        for number in 0..<2 {
            _ = SimulatedCluster(SimulationOptions(seed: 5, steps: 1000), story: { stories[number].append($0) }).run()
        }
        #expect(stories[0] == stories[1])
        #expect(stories[0].count > 10)
    }
}

/// A check that never fails may be none: each of these rules is broken on purpose, and that is noticed within 1,000 seeds.
@Suite struct BrokenRuleTests {
    @Test(arguments: BrokenRule.allCases) func `a broken rule is noticed`(_ rule: BrokenRule) {
        #expect((1...1000).contains { run($0, steps: 2000, rule).violation != nil })
    }
}

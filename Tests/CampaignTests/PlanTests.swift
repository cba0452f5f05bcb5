import Testing

@testable import CampaignCore

@Suite struct PlanTests {
    private func faults(_ seed: UInt64, _ rounds: Int, _ change: (inout NemesisPlan.Options) -> Void = { _ in }) -> [Fault] {
        var options = NemesisPlan.Options(seed: seed, rounds: rounds)
        change(&options)
        return NemesisPlan(options).faults
    }

    @Test func `a seed gives the same faults each time, another one others`() {
        #expect(faults(7, 100) == faults(7, 100))
        #expect(faults(7, 100) != faults(8, 100))
    }

    @Test func `more rounds begin as fewer do`() { #expect(Array(faults(7, 60).prefix(36)) == Array(faults(7, 36))) }

    @Test func `a deck has every kind, so that none stays out for long`() {
        for seed in 1...20 as ClosedRange<UInt64> { #expect(Set(faults(seed, 18).map(\.kind)) == Set(Fault.Kind.allCases)) }
    }

    @Test func `what is impossible on this machine is left out, and its rounds go to the rest`() {
        let faults = faults(3, 50) { $0.impossible = [.partition, .partitionIn, .partitionOut, .fullDisk] }
        #expect(faults.count == 50)
        #expect(Set(faults.map(\.kind)) == [.killNode, .killDatabase, .killBoth, .killMajority, .pause, .restartAll])
    }

    @Test func `only some faults may be asked for`() {
        #expect(Set(faults(3, 10) { $0.only = ["kill-node/master"] }.map(\.name)) == ["kill-node/master"])
        #expect(Set(faults(3, 10) { $0.only = ["pause"] }.map(\.name)) == ["pause/master", "pause/slave"])
        #expect(faults(3, 10) { ($0.only, $0.impossible) = (["partition"], [.partition]) }.isEmpty)
    }

    @Test func `pauses and partitions last longer than an election timeout`() {
        for fault in faults(5, 300, { $0.electionTimeoutMs = 2000 }) {
            switch fault.kind {
            case .pause, .partition, .partitionIn, .partitionOut: #expect(fault.holdMs >= 3000)
            case .killNode, .killDatabase, .killBoth, .killMajority, .fullDisk, .restartAll: #expect(fault.holdMs <= 6000)
            }
        }
    }

    @Test func `only where another node can become master it is waited for`() {
        let waiting = faults(9, 400).filter(\.lastsUntilFailover)
        #expect(Set(waiting.map(\.name)) == ["kill-node/master", "kill-both/master", "pause/master", "partition/master"])
        #expect(faults(9, 400) { $0.failsOver = false }.filter(\.lastsUntilFailover) == [])
        #expect(faults(9, 400).contains { $0.name == "kill-node/master" && !$0.lastsUntilFailover })
    }

    @Test func `the short campaign has one of each main kind`() {
        let names = faults(4, 6) { $0.isShort = true }.map(\.name)
        #expect(
            names.sorted() == ["kill-both/slave", "kill-database/slave", "kill-node/master", "partition/master", "pause/master", "restart-all/all"])
    }

    @Test func `percentiles are values that occurred`() {
        #expect(Summary.percentile(50, of: []) == 0)
        #expect(Summary.percentile(50, of: [9]) == 9)
        #expect(Summary.percentile(50, of: [4, 1, 3, 2]) == 2)
        #expect(Summary.percentile(99, of: Array(1...200)) == 198)
    }

    @Test func `the summary counts rounds by fault and tells what was lost`() {
        var summary = Summary()
        summary.rounds = faults(1, 18)
        summary.counts = [.acknowledged: 10, .unknown: 2]
        (summary.failoverMs, summary.silenceMs) = ([1200, 900], [])
        #expect(summary.isClean)
        summary.violations = [Violation(.lost, 3, "on node 1"), Violation(.lost, 3, "on node 2"), Violation(.wrongSum, nil, "")]
        let lines = summary.lines.map { $0.split(separator: " ").joined(separator: " ") }
        for line in [
            "rounds 18", "kill-node/master 2", "kills of the master 4", "epochs with a master 0", "writes acknowledged 10", "writes refused 0",
            "acknowledged writes lost 1",
            "other checks failed 1", "from a kill of the master to the next write p50 900 ms, p99 1200 ms, max 1200 ms",
            "from a pause or partition of the master to the next write -",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!summary.isClean)
    }
}

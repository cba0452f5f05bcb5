import CampaignCore
import CampaignHarness
import Glibc
import Synchronization

/// Everything from the first start to the last check.
final class Campaign {
    /// So many broken promises are told in full.
    private static let violationsToldMax = 20

    private let work: String
    private let cluster: Cluster
    private let load: Load
    private let plan: NemesisPlan
    private let electionTimeoutMs: Int?
    private var summary = Summary()
    /// What was done when, for `history.txt`.
    private var story: [String] = []

    init(_ command: CampaignCommand, in work: String) throws(Failure) {
        self.work = work
        let ddbnode = absolute(command.ddbnode)
        let failsOver = command.noFailover ? false : try Cluster.failsOver(ddbnode, in: work)
        electionTimeoutMs = failsOver ? command.electionTimeoutMs : nil
        summary.seed = command.seed ?? UInt64.random(in: 1...999_999)
        let cluster = try Cluster(in: work, ddbnode: ddbnode, wantsNamespaces: !command.loopback)
        self.cluster = cluster
        load = Load(on: cluster.nodes.map(\.address))
        var options = NemesisPlan.Options(seed: summary.seed, rounds: command.short ? min(command.rounds, 6) : command.rounds)
        options.isShort = command.short
        options.electionTimeoutMs = command.electionTimeoutMs
        options.failsOver = failsOver
        options.only = command.only
        if cluster.network.whyWhole != nil { options.impossible.formUnion([.partition, .partitionIn, .partitionOut]) }
        if cluster.smallDisk == nil { options.impossible.insert(.fullDisk) }
        plan = NemesisPlan(options)
    }

    /// True when no promise was broken.
    func run() throws(Failure) -> Bool {
        tellPlan()
        guard !plan.faults.isEmpty else { throw Failure("none of these faults can be made here") }
        try cluster.start(electionTimeoutMs: electionTimeoutMs)
        load.start()
        defer { writeHistory() }
        let isWhole = try runRounds()
        guard load.stop() else { throw Failure("a client did not come to its end") }
        if isWhole { try checkTheEnd() }
        let history = load.history.withLock { $0 }
        summary.counts = history.counts
        summary.reads = history.reads
        summary.epochs = history.masters.count
        summary.violations = history.violations
        tellSummary()
        return summary.isClean
    }

    func end(keeping: Bool) { cluster.remove(keeping: keeping) }

    // MARK: Rounds

    /// False when there is no point in going on to the last checks.
    private func runRounds() throws(Failure) -> Bool {
        let nemesis = Nemesis(cluster: cluster, load: load)
        for (number, fault) in plan.faults.enumerated() {
            let round = try nemesis.run(fault)
            summary.rounds.append(fault)
            if let ms = round.toFirstWriteMs {
                if fault.killsMaster { summary.failoverMs.append(ms) }
                if fault.silencesMaster { summary.silenceMs.append(ms) }
            }
            if let violation = round.violation { load.history.withLock { $0.broke(violation) } }
            let (counts, broken) = load.history.withLock { ($0.counts, $0.violations.count) }
            let words = Outcome.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
            story.append("struck at \(round.struckMs) ms, ended at \(round.healedMs) ms: \(round.words)")
            say("round \(number + 1)/\(plan.faults.count): \(round.words); \(words)")
            if broken > 0 { return round.violation == nil }
        }
        return true
    }

    private func checkTheEnd() throws(Failure) {
        if let trouble = try wait(milliseconds: 60_000, until: { cluster.trouble }) {
            return load.history.withLock { $0.broke(Violation(.notRecovered, nil, "not whole 60 s after the load ended: \(trouble)")) }
        }
        var contents: [NodeContents] = []
        do throws(NoReply) {
            for node in cluster.nodes { contents.append(try cluster.contents(of: node)) }
        } catch {
            throw Failure("a node can't be read at the end: \(error.words)")
        }
        let notVerified = try cluster.verify()
        load.history.withLock { history in
            let check = FinalCheck(history, accounts: Cluster.accounts, initialBalance: Cluster.initialBalance)
            for violation in check.violations(contents) + (notVerified.map { [$0] } ?? []) { history.broke(violation) }
        }
    }

    // MARK: Words

    private func tellPlan() {
        say("seed \(summary.seed), \(plan.faults.count) rounds; nodes \(electionTimeoutMs.map { "fail over after \($0) ms" } ?? "don't fail over")")
        if let why = cluster.network.whyWhole { say("no partitions: \(why)") }
        if let why = cluster.whyNoSmallDisk { say("no full disk: \(why)") }
        say("no clock jumps: they would be the whole machine's")
    }

    private func tellSummary() {
        // Many reads may tell of what one write is the matter with.
        let worstFirst = summary.violations.filter { $0.kind != .stale } + summary.violations.filter { $0.kind == .stale }
        for violation in worstFirst.prefix(Self.violationsToldMax) { say("BROKEN \(violation.kind.rawValue): \(violation.words)") }
        let untold = summary.violations.count - Self.violationsToldMax
        if untold > 0 { say("and \(untold) more") }
        for line in summary.lines { say(line) }
    }

    /// For a look: every write and what became of it, and all broken promises.
    private func writeHistory() {
        let history = load.history.withLock { $0 }
        let broken = history.violations.map { "BROKEN \($0.kind.rawValue): \($0.words)" }
        let lines = ["seed \(summary.seed); 0 ms is \(Clock.startWords)"] + story + broken + history.writes.map(\.words)
        try? Files.write(lines.joined(separator: "\n") + "\n", to: work + "/history.txt")
    }
}

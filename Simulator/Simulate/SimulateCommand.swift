import Glibc
import Simulation

/// The command line, and the runs that it asks for.
struct SimulateCommand {
    struct BadArgument: Error {
        let words: String
    }

    static let usage = """
        usage: simulate [--seed N] [--seeds K] [--stride S] [--steps M] [--break RULE] [--verbose]

          --seed N      the first seed; 1
          --seeds K     how many runs; 1
          --stride S    from one seed to the next; 1
          --steps M     events with faults in each run; 2000
          --break RULE  break a rule on purpose: \(BrokenRule.allCases.map(\.rawValue).joined(separator: ", "))
          --keep-going  count the seeds that fail, don't stop at the first
          --progress    a line now and then
          --verbose     tell the story of each run
        """

    private var seed: UInt64 = 1
    private var seeds: UInt64 = 1
    private var stride: UInt64 = 1
    private var steps = 2000
    private var broken: BrokenRule?
    private var isVerbose = false
    private var keepsGoing = false
    private var showsProgress = false

    init(_ arguments: [String]) throws(BadArgument) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            switch option {
            case "--seed": seed = try Self.number(&rest, option)
            case "--seeds": seeds = try Self.number(&rest, option)
            case "--stride": stride = try Self.number(&rest, option)
            case "--steps": steps = Int(clamping: try Self.number(&rest, option))
            case "--break":
                guard let rule = rest.popFirst().flatMap(BrokenRule.init(rawValue:)) else { throw BadArgument(words: "--break: which rule?") }
                broken = rule
            case "--keep-going": keepsGoing = true
            case "--progress": showsProgress = true
            case "--verbose": isVerbose = true
            default: throw BadArgument(words: "\(option): no such option")
            }
        }
    }

    private static func number(_ rest: inout ArraySlice<String>, _ option: String) throws(BadArgument) -> UInt64 {
        guard let number = rest.popFirst().flatMap({ UInt64($0) }) else { throw BadArgument(words: "\(option): a number is missing") }
        return number
    }

    /// True when no check failed.
    func run() -> Bool {
        var failed = 0
        var sum = SimulationOutcome()
        for number in 0..<seeds {
            let outcome = runOne(seed + number * stride)
            sum.add(outcome)
            if outcome.violation != nil { failed += 1 }
            if failed > 0, !keepsGoing { break }
            if showsProgress, (number + 1) % 1000 == 0 { report("\(number + 1) of \(seeds) seeds, \(failed) failed") }
        }
        report(
            "\(failed) failed; \(sum.events) events, \(sum.elections) elections, \(sum.acknowledged) writes and \(sum.reads) reads answered,"
                + " \(sum.crashes) crashes, \(sum.configurations) changes of configuration")
        return failed == 0
    }

    private func runOne(_ seed: UInt64) -> SimulationOutcome {
        let options = SimulationOptions(seed: seed, steps: steps, broken: broken)
        let outcome = SimulatedCluster(options, story: isVerbose ? { print($0) } : nil).run()
        if let violation = outcome.violation { report("seed \(seed), after \(outcome.events) events: \(violation)") }
        return outcome
    }

    private func report(_ line: String) {
        print(line)
        fflush(nil)
    }
}

import ArgumentParser
import LoadGeneratorCore

/// `loadgen churn`: clients that come and break off.
struct ChurnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "churn", abstract: "Open connections at a fixed rate and reset each: at once, with a request under way, or after its answer.")

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Connections a second, 1 to 2000.") var rate = 200
    @Option(help: "How long, up to 3600.") var seconds = 60.0
    @Option(help: "What is asked on two of three.") var sql = "SELECT 1"

    func validate() throws {
        try requireRange(rate, 1...2000, "--rate")
        try requireRange(seconds, 0.1...3600, "--seconds")
    }

    func run() throws {
        EarlyEnd.watchSignals()
        var schedule = OpenLoopSchedule(startNs: monotonicNs(), perSecond: rate, seconds: seconds)
        var (failed, firstFailure) = (UInt64(0), nil as String?)
        var latency = Histogram()
        while let due = schedule.nextDueNs, !EarlyEnd.isWanted {
            waitUntil(due)
            let number = schedule.taken
            guard let start = schedule.takeDue(nowNs: monotonicNs()) else { continue }
            do throws(Failure) {
                try comeAndGo(number)
                latency.record(monotonicNs() - start)
            } catch {
                failed += 1
                firstFailure = firstFailure ?? error.words
            }
        }
        try show(schedule.taken, latency, failed, firstFailure)
    }

    private func waitUntil(_ due: UInt64) {
        let now = monotonicNs()
        if due > now { pause(milliseconds: Int((due - now) / 1_000_000) + 1) }
    }

    private func comeAndGo(_ number: UInt64) throws(Failure) {
        let session = try Session(address, login.account, waitSeconds: 5)
        defer { session.reset() }
        switch number % 3 {
        case 0: break
        case 1: try session.send { $0.append(contentsOf: sql.utf8) }
        default: try session.ask(sql)
        }
    }

    private func show(_ opened: UInt64, _ latency: Histogram, _ failed: UInt64, _ firstFailure: String?) throws {
        var report = Report()
        report.add("opened", .count(opened))
        report.add("seconds", .measure(seconds))
        report.add("per_s", .measure(Double(opened) / seconds))
        report.add(latency: latency)
        report.add("failed", .count(failed))
        if let firstFailure { report.add("first_failure", .text(firstFailure)) }
        output.show(report)
        try report.requireNoFailures()
    }
}

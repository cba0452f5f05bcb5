import ArgumentParser
import Glibc
import LoadGeneratorCore

/// `loadgen await`: until an answer is as wanted.
struct AwaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "await", abstract: "Ask again and again, connecting anew where need be, until the answer is the wanted one.",
        discussion: """
            Tells when that was on the system's clock, so that a script can count from what it did before. Where answers are positions, tells
            also how fast the sequence grew from the first answer on.
            """)

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "What is asked.") var sql = "SELECT 1"
    @Option(help: "The answer to wait for; any, if not given.") var answer: String?
    @Option(help: "How long at most, up to 3600.") var seconds = 60.0
    @Option(help: "How long to wait between two questions, 1 to 10000.") var pollMs = 10

    func validate() throws {
        try requireRange(seconds, 0.1...3600, "--seconds")
        try requireRange(pollMs, 1...10_000, "--poll-ms")
    }

    func run() throws {
        let from = monotonicNs()
        let until = from + nanoseconds(seconds)
        var session: Session?
        var last = "no answer"
        var first: Sample?
        while monotonicNs() < until {
            do throws(Failure) {
                let open: Session
                if let session { open = session } else { open = try Session(address, login.account, waitSeconds: 5) }
                session = open
                last = try open.ask(sql)
                if first == nil { first = Sample(last) }
                if answer == nil || last == answer { return output.show(report(from, first)) }
            } catch {
                last = error.words
                session?.end()
                session = nil
            }
            pause(milliseconds: pollMs)
        }
        throw Failure("not within \(seconds) s: the last answer was \"\(last)\"")
    }

    private struct Sample {
        let sequence: UInt64?
        let atNs = monotonicNs()

        init(_ position: String) { sequence = position.split(separator: "-").last.flatMap { UInt64($0) } }
    }

    private func report(_ from: UInt64, _ first: Sample?) -> Report {
        let now = monotonicNs()
        var report = Report()
        report.add("waited_s", .measure(Double(now - from) / 1e9))
        report.add("at_us", .count(systemMicroseconds()))
        guard let first, let begin = first.sequence, let end = answer.flatMap({ Sample($0).sequence }), end > begin else { return report }
        report.add("first_sequence", .count(begin))
        report.add("per_s", .measure(Double(end - begin) * 1e9 / Double(now - first.atNs)))
        return report
    }
}

/// The system's clock, in microseconds since 1970.
private func systemMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
}

import ArgumentParser
import Glibc
import LoadGeneratorCore

/// `loadgen visible`: from a commit on the master to its sight on a slave.
struct VisibleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "visible", abstract: "Write numbers on a master at a fixed rate, and look for them on a slave.",
        discussion: """
            One connection writes, so that the numbers are committed in their order; another asks the slave for the largest one, again and again.
            Latency is from the master's answer to the slave's, and 0 where the slave was faster; with the prefix "sent_" from the time the
            write was due. What the slave's answer takes, and --poll-us, are part of it.
            """)

    @Argument(help: ArgumentHelp("The master: node:<port>, server:<port> or socket:<path>.", valueName: "master")) var master: Endpoint
    @Argument(help: ArgumentHelp("The slave.", valueName: "slave")) var slave: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "A table with a primary key \"seq BIGINT\".") var table = "sbtest.visible"
    @Option(help: "Writes a second, 1 to 10000.") var rate = 100
    @Option(help: "How long, up to 3600.") var seconds = 5.0
    @Option(help: "How long to wait between two looks, 0 to 100000 microseconds.") var pollUs = 200

    func validate() throws {
        try requireRange(rate, 1...10_000, "--rate")
        try requireRange(seconds, 0.1...3600, "--seconds")
        try requireRange(pollUs, 0...100_000, "--poll-us")
    }

    func run() throws {
        let watch = try VisibilityWatch(self)
        let report = try watch.run()
        output.show(report)
        try report.requireNoFailures()
    }
}

/// Both sides of the measurement on one thread, so on one clock.
private final class VisibilityWatch {
    private static let writerToken = 0
    private static let drainSeconds = 15.0
    private static let writesUnderWayMax = 64

    private struct Write {
        let dueNs: UInt64
        var answeredNs: UInt64?
        var seenNs: UInt64?
    }

    private let table: String
    private let pollNs: UInt64
    private let poller: Poller
    private let writer: Connection
    private let reader: Connection
    private let buffer = Connection.makeReadBuffer()
    private var look: Workload
    private var schedule: OpenLoopSchedule
    private let giveUpNs: UInt64
    /// The numbers begin here, above those of any earlier run.
    private let base = UInt64(max(0, time(nil))) * 1_000_000
    private var writes: [Write] = []
    private var answered = 0
    private var seen = 0
    private var looks: UInt64 = 0
    private var nextLookNs: UInt64 = 0
    private var failure: Failure?

    init(_ command: VisibleCommand) throws(Failure) {
        table = command.table
        pollNs = UInt64(command.pollUs) * 1000
        poller = try Poller()
        writer = try Connection(command.master, command.login.account, poller, token: Self.writerToken, depth: Self.writesUnderWayMax)
        reader = try Connection(command.slave, command.login.account, poller, token: Self.writerToken + 1, depth: 1)
        look = Workload(.fixed(sql: "SELECT MAX(seq) FROM \(command.table)"), table: "", seed: 1)
        let start = monotonicNs()
        schedule = OpenLoopSchedule(startNs: start, perSecond: command.rate, seconds: command.seconds)
        giveUpNs = start + nanoseconds(command.seconds + Self.drainSeconds)
    }

    deinit { buffer.deallocate() }

    func run() throws(Failure) -> Report {
        while true {
            let now = monotonicNs()
            writeWhatIsDue(now)
            lookIfDue(now)
            if now >= giveUpNs || schedule.nextDueNs == nil && seen == writes.count && answered == writes.count { break }
            try poller.wait(untilNs: nextTurnNs(now)) { (ready: Poller.Readiness) throws(Failure) in handle(ready) }
            if let failure { throw failure }
            guard writer.isOpen, reader.isOpen else { throw Failure("a connection was closed") }
        }
        writer.end()
        reader.end()
        return report()
    }

    private func nextTurnNs(_ now: UInt64) -> UInt64 {
        var turn = giveUpNs
        if writer.underWay < Self.writesUnderWayMax, let due = schedule.nextDueNs { turn = min(turn, due) }
        if reader.underWay == 0 { turn = min(turn, nextLookNs) }
        return turn
    }

    private func writeWhatIsDue(_ now: UInt64) {
        while writer.underWay < Self.writesUnderWayMax, let due = schedule.takeDue(nowNs: now) {
            var insert = Workload(.fixed(sql: "INSERT INTO \(table) VALUES (\(base + UInt64(writes.count)))"), table: "", seed: 1)
            writes.append(Write(dueNs: due))
            writer.ask(&insert, startNs: due)
            writer.flush()
        }
    }

    private func lookIfDue(_ now: UInt64) {
        guard reader.underWay == 0, now >= nextLookNs else { return }
        reader.ask(&look, startNs: now)
        reader.flush()
        looks += 1
    }

    private func handle(_ ready: Poller.Readiness) {
        let isWriter = ready.token == Self.writerToken
        let connection = isWriter ? writer : reader
        if ready.isWritable { connection.flush() }
        guard ready.isReadable else { return }
        let now = monotonicNs()
        connection.read(into: buffer) { reply, _ in
            if reply != .ok { failure = Failure("\(isWriter ? "master" : "slave"): \(reply)") }
            if isWriter { committed(now) } else { looked(now) }
        }
    }

    private func committed(_ now: UInt64) {
        writes[answered].answeredNs = now
        answered += 1
    }

    private func looked(_ now: UInt64) {
        nextLookNs = now + pollNs
        guard let largest = UInt64(reader.lastValue), largest >= base else { return }
        while seen < writes.count, base + UInt64(seen) <= largest {
            writes[seen].seenNs = now
            seen += 1
        }
    }

    private func report() -> Report {
        var (fromAnswer, fromDue) = (Histogram(), Histogram())
        for write in writes {
            guard let seenNs = write.seenNs, let answeredNs = write.answeredNs else { continue }
            fromAnswer.record(seenNs > answeredNs ? seenNs - answeredNs : 0)
            fromDue.record(seenNs - write.dueNs)
        }
        var report = Report()
        report.add("writes", .count(UInt64(writes.count)))
        report.add("looks", .count(looks))
        report.add(latency: fromAnswer)
        report.add(latency: fromDue, prefix: "sent_")
        report.add("unanswered", .count(schedule.total - UInt64(min(seen, answered))))
        return report
    }
}

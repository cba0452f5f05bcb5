import ArgumentParser
import Glibc
import LoadGeneratorCore

/// `loadgen stall`: a client that stops reading.
struct StallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stall", abstract: "Ask for a long result, read a little of it, then read no more for a while, and reset the connection.")

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "What is asked.") var sql = "SELECT REPEAT('x', 1000) FROM sbtest.seq_1_to_5000000"
    @Option(help: "How much is read, 1 to 1073741824.") var readBytes = 1 << 20
    @Option(help: "How long nothing is read, up to 600.") var seconds = 20.0

    func validate() throws {
        try requireRange(readBytes, 1...1 << 30, "--read-bytes")
        try requireRange(seconds, 0.1...600, "--seconds")
    }

    func run() throws {
        EarlyEnd.watchSignals()
        let session = try Session(address, login.account, waitSeconds: 60)
        try session.send { $0.append(contentsOf: sql.utf8) }
        var count = 0
        while count < readBytes { count += try session.read().count }
        let until = monotonicNs() + nanoseconds(seconds)
        while monotonicNs() < until, !EarlyEnd.isWanted { pause(milliseconds: 50) }
        session.reset()
        var report = Report()
        report.add("read_bytes", .count(UInt64(count)))
        report.add("stalled_s", .measure(seconds))
        output.show(report)
    }
}

/// `loadgen statement`: one that is long.
struct StatementCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statement", abstract: "Send one statement of so many bytes, and see that the database had all of it.")

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "How long its text value is, 1 to 16000000.") var bytes = 15_000_000

    func validate() throws { try requireRange(bytes, 1...16_000_000, "--bytes") }

    func run() throws {
        let session = try Session(address, login.account, waitSeconds: 60)
        let start = monotonicNs()
        let answer = try session.ask { [bytes] statement in
            statement.append(ascii: "SELECT LENGTH('")
            statement.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: bytes))
            statement.append(ascii: "')")
        }
        var report = Report()
        report.add("bytes", .count(UInt64(bytes)))
        report.add("seconds", .measure(Double(monotonicNs() - start) / 1e9))
        report.add("failed", .count(answer == String(bytes) ? 0 : 1))
        output.show(report)
        try report.requireNoFailures()
    }
}

/// `loadgen transaction`: one that is large.
struct TransactionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transaction", abstract: "Insert so many bytes in one transaction, in rows of a million.")

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "A table with a column \"body LONGTEXT\".") var table = "sbtest.large"
    @Option(help: "In millions of bytes, 1 to 4000.") var megabytes = 2000

    func validate() throws { try requireRange(megabytes, 1...4000, "--megabytes") }

    func run() throws {
        // A commit writes all of it to the binlog and syncs the disk.
        let session = try Session(address, login.account, waitSeconds: 600)
        let start = monotonicNs()
        try session.ask("START TRANSACTION")
        for _ in 0..<megabytes { try insertMillion(session) }
        let inserted = monotonicNs()
        try session.ask("COMMIT")
        let committed = monotonicNs()
        var report = Report()
        report.add("megabytes", .count(UInt64(megabytes)))
        report.add("insert_s", .measure(Double(inserted - start) / 1e9))
        report.add("commit_s", .measure(Double(committed - inserted) / 1e9))
        output.show(report)
    }

    private func insertMillion(_ session: Session) throws(Failure) {
        try session.ask { [table] statement in
            statement.append(contentsOf: "INSERT INTO \(table) (body) VALUES ('".utf8)
            statement.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: 1_000_000))
            statement.append(ascii: "')")
        }
    }
}

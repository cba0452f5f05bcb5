import ArgumentParser
import Glibc
import LoadGeneratorCore

/// `loadgen idle`: many connections that do nothing.
struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "Open connections, ask one question on each, and hold them until SIGTERM.",
        discussion: "Prints \"ready\" when all are there, and at the end how many were lost meanwhile.")

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "1 to 15000.") var connections = 10_000
    @Option(help: "The longest time to hold them, up to 3600.") var seconds = 600.0

    func validate() throws {
        try requireRange(connections, 1...15_000, "--connections")
        try requireRange(seconds, 0.1...3600, "--seconds")
    }

    func run() throws {
        raiseDescriptorLimit()
        EarlyEnd.watchSignals()
        let herd = try IdleHerd(address, login.account, count: connections)
        print("ready")
        fflush(nil)
        let lost = try herd.hold(untilNs: monotonicNs() + nanoseconds(seconds))
        var report = Report()
        report.add("connections", .count(UInt64(connections)))
        report.add("lost_connections", .count(UInt64(lost)))
        output.show(report)
        try report.requireNoFailures()
    }
}

/// Connections that were of use once and are kept.
private final class IdleHerd {
    private static let answerSeconds = 20.0

    private let poller: Poller
    private var connections: [Connection] = []
    private let buffer = Connection.makeReadBuffer()
    private var unanswered = 0
    private var failure: Failure?

    init(_ endpoint: Endpoint, _ account: Account, count: Int) throws(Failure) {
        poller = try Poller()
        var question = Workload(.fixed(sql: "SELECT 1"), table: "", seed: 1)
        for token in 0..<count {
            let connection = try Connection(endpoint, account, poller, token: token, depth: 1)
            connections.append(connection)
            connection.ask(&question, startNs: 0)
            connection.flush()
            unanswered += 1
            // A hundred at a time: this is not about how many can log in at once.
            if unanswered >= 100 { try takeAnswers() }
        }
        try takeAnswers()
    }

    deinit { buffer.deallocate() }

    private func takeAnswers() throws(Failure) {
        let until = monotonicNs() + nanoseconds(Self.answerSeconds)
        while unanswered > 0 {
            guard monotonicNs() < until else { throw Failure("\(unanswered) connections got no answer in \(Self.answerSeconds) s") }
            try poller.wait(untilNs: until) { (ready: Poller.Readiness) throws(Failure) in handle(ready) }
            if let failure { throw failure }
        }
    }

    private func handle(_ ready: Poller.Readiness) {
        let connection = connections[ready.token]
        connection.read(into: buffer) { reply, _ in
            unanswered -= 1
            if reply != .ok { failure = Failure("the answer was \(reply)") }
        }
        if !connection.isOpen, unanswered > 0 { failure = Failure("a connection was closed without an answer") }
    }

    /// Returns how many were closed by the other side.
    func hold(untilNs: UInt64) throws(Failure) -> Int {
        while !EarlyEnd.isWanted, monotonicNs() < untilNs {
            try poller.wait(untilNs: untilNs) { (ready: Poller.Readiness) throws(Failure) in
                connections[ready.token].read(into: buffer) { _, _ in }
            }
        }
        return connections.count { !$0.isOpen }
    }
}

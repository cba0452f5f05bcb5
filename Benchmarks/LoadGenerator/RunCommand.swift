import ArgumentParser
import LoadGeneratorCore

/// `loadgen run`: many connections that ask, in a closed loop or at a fixed rate.
struct RunCommand: ParsableCommand {
    enum WorkloadName: String, ExpressibleByArgument, CaseIterable {
        case pointSelect = "point-select"
        case insert
        case sql
    }

    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Ask over many connections, and measure throughput and latency.",
        discussion: "At a fixed --rate latency counts from the time a request was due, so that a pause of the server shows in all it held up.")

    @Argument(help: addressHelp) var address: Endpoint
    @OptionGroup var login: AccountOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "point-select, insert (both of sysbench's table), or sql.") var workload = WorkloadName.pointSelect
    @Option(help: "The statement, for the workload sql.") var sql = "SELECT 1"
    @Option(help: "Sysbench's table.") var table = "sbtest.sbtest1"
    @Option(help: "How many rows it has.") var rows: UInt64 = 100_000
    @Option(help: "1 to 15000.") var connections = 16
    @Option(help: "Requests under way on a connection, 1 to 1024.") var depth = 1
    @Option(help: "Requests a second over all connections, 1 to 1000000; without it each connection asks as fast as it is answered.")
    var rate: Int?
    @Option(help: "How long to measure, up to 3600.") var seconds = 5.0
    @Option(help: "How long to run before that, up to 60.") var warmupSeconds = 1.0
    @Option(help: "End after so many requests.") var requests: UInt64?

    func validate() throws {
        try requireRange(connections, 1...15_000, "--connections")
        try requireRange(depth, 1...1024, "--depth")
        try requireRange(rate ?? 1, 1...1_000_000, "--rate")
        try requireRange(seconds, 0.1...3600, "--seconds")
        try requireRange(warmupSeconds, 0...60, "--warmup-seconds")
        try requireRange(rows, 1...1_000_000_000, "--rows")
    }

    func run() throws {
        raiseDescriptorLimit()
        EarlyEnd.watchSignals()
        let report = try Load(plan).run()
        output.show(report)
        try report.requireNoFailures()
    }

    private var plan: LoadPlan {
        let kind: Workload.Kind =
            switch workload {
            case .pointSelect: .pointSelect(rows: rows)
            case .insert: .insert(rows: rows)
            case .sql: .fixed(sql: sql)
            }
        return LoadPlan(
            endpoint: address, account: login.account, workload: Workload(kind, table: table, seed: monotonicNs()), connections: connections,
            depth: depth, perSecond: rate, seconds: seconds, warmupSeconds: warmupSeconds, requestsMax: requests ?? .max)
    }
}

/// Refuses a number out of bounds as a mistake on the command line.
func requireRange<Number: Comparable>(_ number: Number, _ range: ClosedRange<Number>, _ name: String) throws {
    guard range.contains(number) else { throw ValidationError("\(name) must be \(range.lowerBound) to \(range.upperBound), is \(number)") }
}

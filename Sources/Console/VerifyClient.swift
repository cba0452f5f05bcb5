package import ClusterModel
package import LineProtocol

/// What `ddbnode verify` is to do.
package struct VerifyOptions: Sendable {
    /// The node that drives the verification.
    package var address: NodeAddress
    package var scope: VerifyScope
    /// How the result is shown; nil: a table for a terminal, `tsv` for anything else. Not `json`.
    package var format: OutputFormat?
    /// Who to say we are, where the node asks for it.
    package var user: String?
    package var password: String

    package init(address: NodeAddress, scope: VerifyScope = .all, format: OutputFormat? = nil, user: String? = nil, password: String = "") {
        self.address = address
        self.scope = scope
        self.format = format
        self.user = user
        self.password = password
    }
}

/// How a verification ended, for scripts.
package enum VerifyExit: Int32, Sendable {
    case same = 0
    case differs = 1
    // 2 is a wrong command line.
    case unverified = 3
}

/// Has a node verify and shows what it found. Blocks its thread; returns the exit code.
package func runVerify(_ options: VerifyOptions) -> Int32 {
    var client = VerifyClient(options, out: Output(1), errors: Output(2))
    let exit = client.run()
    client.finish()
    return exit.rawValue
}

/// One verification, from the side that asks for it.
struct VerifyClient {
    private static let progressMs: Int32 = 1000
    private static let lineBytesMax = 16 << 20

    private let options: VerifyOptions
    private let out: Output
    private let errors: Output
    private var counts: [String: Int] = [:]
    private var hasProgress = false

    init(_ options: VerifyOptions, out: Output, errors: Output) {
        self.options = options
        self.out = out
        self.errors = errors
    }

    mutating func run() -> VerifyExit {
        do throws(NodeConnection.Failure) {
            let connection = try opened()
            let watcher = errors.isTerminal ? try? opened() : nil
            try connection.send(Array("\(command)\n".utf8))
            return try show(connection, watcher)
        } catch {
            say("ddbnode: \(options.address): \(error.reason)")
            return .unverified
        }
    }

    private var command: String {
        let names = [options.scope.database, options.scope.table].compactMap { $0 }
        return ([".verify"] + (names.isEmpty ? [] : [names.map { "`\($0.replacing("`", with: "``"))`" }.joined(separator: ".")])).joined(
            separator: " ")
    }

    private func opened() throws(NodeConnection.Failure) -> NodeConnection {
        let connection = try NodeConnection.open(options.address)
        guard let user = options.user else { return connection }
        let reply = try ask(connection, ".auth \(user) \(options.password)")
        if case .error(let failure)? = reply.first { throw NodeConnection.Failure("\(failure.code): \(Self.text(failure.message))") }
        return connection
    }

    // MARK: The result

    private mutating func show(_ connection: NodeConnection, _ watcher: NodeConnection?) throws(NodeConnection.Failure) -> VerifyExit {
        var reader = ReplyReader(lineBytesMax: Self.lineBytesMax)
        var printer = ReplyPrinter(options.format ?? (out.isTerminal ? .table : .tsv), out: out, errors: errors)
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            while let event = try next(&reader) {
                clearProgress()
                if case .row(let values) = event, values.count > 4 { counts[values[4].map(Self.text) ?? "", default: 0] += 1 }
                guard printer.show(event, after: clock.now - start) else { continue }
                return ended(event)
            }
            if let watcher { while !connection.isReadable(within: Self.progressMs) { tell(progress(watcher)) } }
            try connection.receive { reader.append($0) }
        }
    }

    private func ended(_ event: ReplyEvent) -> VerifyExit {
        guard case .end(let pairs) = event else { return .unverified }
        let states = ["same", "differs", "skipped", "unverified"].filter { counts[$0] != nil }
        let words = states.map { "\(counts[$0] ?? 0) \($0)" }.joined(separator: ", ")
        say("verified at \(pairs["gtid"] ?? "-"): \(words.isEmpty ? "nothing to compare" : words)")
        if counts["differs"] != nil { return .differs }
        return counts["unverified"] == nil ? .same : .unverified
    }

    private func next(_ reader: inout ReplyReader) throws(NodeConnection.Failure) -> ReplyEvent? {
        do { return try reader.next() } catch { throw NodeConnection.Failure("what answers there is no node") }
    }

    private func ask(_ connection: NodeConnection, _ request: String) throws(NodeConnection.Failure) -> [ReplyEvent] {
        var reader = ReplyReader(lineBytesMax: Self.lineBytesMax)
        var events: [ReplyEvent] = []
        try connection.send(Array("\(request)\n".utf8))
        while true {
            while let event = try next(&reader) {
                events.append(event)
                switch event {
                case .ok, .error, .end, .endError: return events
                case .columns, .row: continue
                }
            }
            try connection.receive { reader.append($0) }
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: DisplayText(bytes).bytes, as: UTF8.self) }

    // MARK: Progress

    private func progress(_ watcher: NodeConnection) -> String? {
        guard let events = try? ask(watcher, ".status") else { return nil }
        for case .row(let values) in events where values.first?.map(Self.text) == "verify" { return values.last?.map(Self.text) }
        return nil
    }

    /// On one line of the terminal, over the one before.
    private mutating func tell(_ words: String?) {
        guard let words else { return }
        errors.write("\r\u{1B}[K\(words.prefix(160))")
        errors.flush()
        hasProgress = true
    }

    private mutating func clearProgress() {
        guard hasProgress else { return }
        hasProgress = false
        errors.write("\r\u{1B}[K")
        errors.flush()
    }

    private func say(_ line: String) {
        out.flush()
        errors.write("\(line)\n")
        errors.flush()
    }

    mutating func finish() {
        clearProgress()
        out.flush()
    }
}

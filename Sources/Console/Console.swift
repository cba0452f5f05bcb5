import ClusterModel
import Glibc
import LineProtocol

/// Talks with a node for a person or a script until there is no more to say. Blocks its thread; sets no signal handler inside a node.
///
/// Returns the exit code: 0, or 1 when a statement failed or the node could not be reached.
package func runConsole(_ options: ConsoleOptions) -> Int32 {
    var console = Console(options, input: 0, out: Output(1), errors: Output(2))
    return console.run()
}

/// The console's state between statements.
struct Console {
    private let options: ConsoleOptions
    private let input: Int32
    private let out: Output
    private let errors: Output
    /// A person types.
    private let isInteractive: Bool

    private var format: OutputFormat
    private var session: NodeSession?
    private var splitter = StatementSplitter()
    /// What the prompt says the node is.
    private var role = "node"
    private var hasFailed = false
    /// For scripts: nothing more is to be run.
    private var isOver = false

    init(_ options: ConsoleOptions, input: Int32, out: Output, errors: Output) {
        self.options = options
        self.input = input
        self.out = out
        self.errors = errors
        isInteractive = options.statements.isEmpty && isatty(input) == 1 && out.isTerminal
        format = options.format ?? (out.isTerminal ? .table : .tsv)
    }

    mutating func run() -> Int32 {
        guard connect() else { return 1 }
        if isInteractive {
            converse()
        } else if options.statements.isEmpty {
            runScript(from: LineInput(input))
        } else {
            for statement in options.statements where !isOver {
                for line in statement.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) { run(splitter.add(line)) }
                run(splitter.finish().map { [$0] } ?? [])
            }
        }
        return hasFailed ? 1 : 0
    }

    private mutating func runScript(from input: LineInput) {
        while !isOver {
            switch input.next() {
            case .line(let line): run(splitter.add(line))
            case .tooLong:
                complain("a line of the input is longer than \(LineInput.lineBytesMax >> 20) MiB; it and what follows was not run")
                (hasFailed, isOver) = (true, true)
            case .end: return run(splitter.finish().map { [$0] } ?? [])
            }
        }
    }

    private mutating func converse() {
        let editor = LineEditor(leavesSignalsAlone: options.insideNode)
        greet()
        while !isOver {
            guard let text = editor.readLine(prompt: splitter.isInStatement ? "    -> " : "\(role)> ") else {
                out.write("\n")
                out.flush()
                return
            }
            // A statement taken from the history may have several lines.
            for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
                let pieces = splitter.add(line)
                for piece in pieces { piece.text.map(editor.remember) }
                run(pieces)
            }
        }
    }

    private func greet() {
        out.write("Connected to \(options.address), which is \(role == "node" ? "a node" : "the cluster's \(role)" ). ")
        out.write("A statement ends with ; or \\G, .help lists the commands.\n")
        out.write(
            options.insideNode ? "Ctrl-U clears a line, Ctrl-D closes the console, Ctrl-C stops the node.\n" : "Ctrl-D or \\q closes the console.\n")
        out.flush()
    }

    private func complain(_ text: String) {
        out.flush()
        errors.write(text + "\n")
        errors.flush()
    }
}

// Statements and commands.
extension Console {
    private mutating func run(_ pieces: [StatementSplitter.Piece]) {
        for piece in pieces where !isOver && !out.isBroken {
            switch piece {
            case .quit: isOver = true
            case .tooLong:
                failed()
                complain("a statement is longer than \(splitter.statementBytesMax >> 20) MiB; it was not run")
            case .statement(let text, let vertical): send(text, format: vertical && format != .json ? .vertical : format)
            case .command(let text): runCommand(text)
            }
        }
        if out.isBroken { isOver = true }
    }

    /// What follows in a script may rest on what did not come about.
    private mutating func failed() {
        hasFailed = true
        if !isInteractive, !options.goesOn { isOver = true }
    }

    private mutating func runCommand(_ text: [UInt8]) {
        switch text.lowercasedWord {
        case ".format": setFormat(String(decoding: text.dropFirst(7).trimmed, as: UTF8.self))
        case ".sql", ".link":
            failed()
            complain("the console does not need \(text.lowercasedWord): a statement may have as many lines as it likes")
        default: send(text, format: format)
        }
    }

    private mutating func setFormat(_ name: String) {
        guard let chosen = OutputFormat(rawValue: name) else {
            failed()
            return complain("the console's formats are \(OutputFormat.allCases.map(\.rawValue).joined(separator: ", ")); write: .format table")
        }
        format = chosen
        if case .lost(let reason)? = session?.setJSON(chosen == .json) { lost(reason) }
    }

    private mutating func send(_ request: [UInt8], format: OutputFormat) {
        if let reason = session?.reasonGone() {
            lost(reason)
            if isInteractive, connect() { tellNewSession() }
            hasFailed = true
            return complain("the statement was not run; send it again")
        }
        if session == nil {
            guard connect() else { return }
            tellNewSession()
        }
        switch session?.run(request, format: format, out: out, errors: errors) {
        case .succeeded?, nil: break
        case .failed?:
            failed()
            // An error may tell of a change of master.
            if isInteractive { askRole() }
        case .lost(let reason)?:
            lost(reason)
            complain("whether the statement took effect is not known")
            if isInteractive, connect() { tellNewSession() }
        }
    }
}

// The connection.
extension Console {
    /// Opens the session; false when that fails, which has been told then.
    private mutating func connect() -> Bool {
        do {
            session = try NodeSession.open(options.address)
        } catch {
            hasFailed = true
            complain(
                "cannot connect to \(options.address): \(error.reason); is a node running there? start one with: ddbnode --role master")
            return false
        }
        guard authenticate() else { return false }
        if isInteractive { askRole() }
        if case .lost(let reason)? = session?.setJSON(format == .json) {
            lost(reason)
            return false
        }
        return session != nil
    }

    private mutating func authenticate() -> Bool {
        guard let user = options.user else { return true }
        let password = options.password ?? (isInteractive ? askPassword(of: user) : "")
        let reply = session?.ask(".auth \(user) \(password)")
        if case .ok? = reply { return true }
        lost(reply.flatMap(Self.message) ?? "the node closed it")
        return false
    }

    private func askPassword(of user: String) -> String {
        getpass("Password of \(user): ").map { String(cString: $0) } ?? ""
    }

    /// `.ping` is answered whoever asks, and tells the role too.
    private mutating func askRole() {
        guard let session, !session.isJSON || self.session?.setJSON(false) == .succeeded else { return }
        switch self.session?.ask(".ping") {
        case .ok(let pairs)?: role = pairs["role"] ?? "node"
        case .some(let reply): lost(Self.message(of: reply) ?? "the node does not answer .ping")
        case nil: lost("the node closed it")
        }
        if session.isJSON { _ = self.session?.setJSON(true) }
    }

    private static func message(of reply: ReplyEvent) -> String? {
        guard case .error(let failure) = reply else { return nil }
        return "\(failure.code) \(String(decoding: DisplayText(failure.message).bytes, as: UTF8.self))"
    }

    private mutating func lost(_ reason: String) {
        session = nil
        role = "not connected"
        hasFailed = true
        // What follows in a script may rest on what came before, on a session that is gone.
        isOver = !isInteractive
        complain("the connection to \(options.address) is lost: \(reason)")
    }

    private func tellNewSession() {
        complain("connected again; the session is new: transactions, variables, locks and temporary tables of the old one are gone")
    }
}

extension StatementSplitter.Piece {
    /// As it goes into the history.
    fileprivate var text: [UInt8]? {
        switch self {
        case .statement(let text, let vertical): text + Array((vertical ? "\\G" : ";").utf8)
        case .command(let text): text
        case .tooLong, .quit: nil
        }
    }
}

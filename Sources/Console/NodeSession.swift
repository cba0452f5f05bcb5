import ClusterModel
import LineProtocol

/// A connection as the console uses it: one request, one reply, shown as it comes.
struct NodeSession {
    /// What a request came to.
    enum Outcome: Equatable {
        case succeeded
        case failed
        /// The node has no more to say on this connection: why, in words.
        case lost(String)
    }

    /// A row is one line: more than any value MariaDB lets a client have at a time by default.
    private static let lineBytesMax = 256 << 20

    private let connection: NodeConnection
    private var reader = ReplyReader(lineBytesMax: Self.lineBytesMax)
    private var framer = ReplyFramer()
    /// The node's replies come as JSON and are passed on.
    private(set) var isJSON = false

    static func open(_ address: NodeAddress) throws(NodeConnection.Failure) -> NodeSession {
        NodeSession(connection: try NodeConnection.open(address))
    }

    private init(connection: NodeConnection) { self.connection = connection }

    /// Why the connection is gone, if it broke or was closed while nothing was asked.
    func reasonGone() -> String? {
        guard let words = connection.lastWords() else { return nil }
        let line = DisplayText(words.prefix { $0 != 0x0A })
        return line.bytes.isEmpty ? "the node closed it" : String(decoding: line.bytes, as: UTF8.self)
    }

    /// Sends a statement or a command and shows its reply in `format`.
    mutating func run(_ request: [UInt8], format: OutputFormat, out: Output, errors: Output) -> Outcome {
        var printer = ReplyPrinter(format, out: out, errors: errors)
        let clock = ContinuousClock()
        let start = clock.now
        do {
            try connection.send(Self.line(of: request))
            return isJSON ? try passOn(to: out) : try receive { printer.show($0, after: clock.now - start) }
        } catch {
            out.flush()
            return .lost(error.reason)
        }
    }

    /// Sends a command of the console's own, whose reply nobody sees. Nil when the connection broke.
    mutating func ask(_ command: String) -> ReplyEvent? {
        var reply: ReplyEvent?
        guard (try? connection.send(Array("\(command)\n".utf8))) != nil else { return nil }
        _ = try? receive {
            reply = $0
            return true
        }
        return reply
    }

    /// Has the node write JSON from now on, or text again.
    mutating func setJSON(_ isJSON: Bool) -> Outcome {
        guard isJSON != self.isJSON else { return .succeeded }
        let format: ReplyFormat = isJSON ? .json : .tsv
        do {
            try connection.send(Array(".format \(format.rawValue)\n".utf8))
            // The reply to the switch comes in the new form already.
            self.isJSON = isJSON
            framer.format = format
            return isJSON ? try passOn(to: nil) : try receive { _ in true }
        } catch {
            return .lost(error.reason)
        }
    }

    /// A statement with line breaks goes with its length before it.
    static func line(of request: [UInt8]) -> [UInt8] {
        guard request.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return request + [0x0A] }
        return Array(".sql \(request.count)\n".utf8) + request + [0x0A]
    }

    /// Reads events for `show` until it says that the reply is whole.
    private mutating func receive(_ show: (ReplyEvent) -> Bool) throws(NodeConnection.Failure) -> Outcome {
        while true {
            while let event = try nextEvent() {
                if show(event) { return event.isError ? .failed : .succeeded }
            }
            try connection.receive { reader.append($0) }
        }
    }

    private mutating func nextEvent() throws(NodeConnection.Failure) -> ReplyEvent? {
        do {
            return try reader.next()
        } catch {
            throw NodeConnection.Failure(Self.words(for: error))
        }
    }

    private static func words(for error: ReplyReadError) -> String {
        switch error {
        case .lineTooLong: "a row is longer than \(lineBytesMax >> 20) MiB, more than the console takes"
        case .unintelligible(let head): "what answers there is no node: it says '\(String(decoding: DisplayText(head).bytes, as: UTF8.self))'"
        }
    }

    /// Copies one JSON reply to `out`.
    private mutating func passOn(to out: Output?) throws(NodeConnection.Failure) -> Outcome {
        var whole: FramedReply?
        while whole == nil {
            try connection.receive { bytes in
                let (count, reply) = framer.take(bytes)
                out?.write(bytes[..<count])
                whole = reply
            }
        }
        out?.flush()
        switch whole?.kind {
        case .ok, .rows: return .succeeded
        case .error, .rowsFailed: return .failed
        case .unintelligible, nil: throw NodeConnection.Failure("what answers there is no node")
        }
    }
}

extension ReplyEvent {
    var isError: Bool {
        switch self {
        case .error, .endError: true
        case .ok, .columns, .row, .end: false
        }
    }
}

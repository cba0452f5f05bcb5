import ClusterModel

/// What a line that begins with a dot says.
enum DotLine: Equatable {
    case command(Command)
    /// `.sql <bytes>`: so many bytes and a line end follow. `UInt64.max` stands for any number beyond it too.
    case body(bytes: UInt64)
    case malformed(code: ProtocolErrorCode, message: String)

    /// `line` begins with a dot and has no line end.
    init(_ line: ArraySlice<UInt8>) {
        let name = line.prefix { !$0.isBlank }
        var words = Words(line[name.endIndex...])
        self = Self.parse(name: String(decoding: name, as: UTF8.self), &words) ?? .wrongArguments(of: name)
    }

    /// Nil when the arguments aren't those of the command.
    private static func parse(name: String, _ words: inout Words) -> DotLine? {
        switch name {
        case ".ping": words.only(.ping)
        case ".role": words.only(.role)
        case ".status": words.only(.status)
        case ".nodes": words.only(.nodes)
        case ".reset": words.only(.reset)
        case ".help": words.only(.help)
        case ".quit": words.only(.quit)
        case ".format": words.next().flatMap { ReplyFormat(rawValue: $0) }.flatMap { words.only(.format($0)) }
        case ".wait": wait(&words)
        case ".consistency": words.next().flatMap { ReadConsistency(rawValue: $0) }.flatMap { words.only(.consistency($0)) }
        case ".max-staleness": maxStaleness(&words)
        case ".remove": words.next().flatMap { $0.isDecimal ? NodeID($0) : nil }.flatMap { words.only(.remove($0)) }
        case ".promote": promote(&words)
        case ".rebuild": words.only(.rebuild)
        case ".switchover": switchover(&words)
        case ".id": words.next().flatMap { TransactionID($0) }.flatMap { words.only(.id($0)) }
        case ".outcome": words.next().flatMap { TransactionID($0) }.flatMap { words.only(.outcome($0)) }
        case ".auth": auth(&words)
        case ".verify": verify(&words)
        case ".link": words.next().flatMap { $0.isDecimal ? Int($0) : nil }.flatMap { words.only(.link(version: $0)) }
        case ".peer": words.next().flatMap { $0.isDecimal ? Int($0) : nil }.flatMap { words.only(.peer(version: $0)) }
        case ".forwarded": words.only(.forwarded)
        case ".sql": body(&words)
        default:
            .malformed(code: .unknownCommand, message: "\(shown(name)) is no command of this node; .help lists them")
        }
    }

    private static func wait(_ words: inout Words) -> DotLine? {
        guard let position = words.next().flatMap(Self.position) else { return nil }
        guard let text = words.next() else { return .command(.wait(position, milliseconds: nil)) }
        guard text.isDecimal, let milliseconds = UInt64(text) else { return nil }
        return words.only(.wait(position, milliseconds: milliseconds))
    }

    private static func promote(_ words: inout Words) -> DotLine? {
        guard let word = words.next() else { return .command(.promote(force: false)) }
        return word == "force" ? words.only(.promote(force: true)) : nil
    }

    private static func switchover(_ words: inout Words) -> DotLine? {
        guard let word = words.next() else { return .command(.switchover(nil)) }
        guard word.isDecimal, let id = NodeID(word) else { return nil }
        return words.only(.switchover(id))
    }

    private static func maxStaleness(_ words: inout Words) -> DotLine? {
        guard let text = words.next() else { return nil }
        if text == "off" { return words.only(.maxStaleness(milliseconds: nil)) }
        guard text.isDecimal, let milliseconds = UInt64(text) else { return nil }
        return words.only(.maxStaleness(milliseconds: milliseconds))
    }

    /// Whatever a reply's `gtid=` may hold: a GTID, or `-` for the start.
    private static func position(_ text: String) -> Position? {
        text == "-" ? .start : GTID(text).map { Position($0) }
    }

    private static func auth(_ words: inout Words) -> DotLine? {
        guard let user = words.nextBytes(), let password = words.restAfterBlank() else { return nil }
        return .command(.auth(user: Array(user), password: Array(password)))
    }

    private static func verify(_ words: inout Words) -> DotLine? {
        let text = words.restOfLine()
        return text.isEmpty ? .command(.verify(.all)) : VerifyScope(text).map { .command(.verify($0)) }
    }

    private static func body(_ words: inout Words) -> DotLine? {
        guard let text = words.next(), words.next() == nil, text.isDecimal else { return nil }
        return .body(bytes: UInt64(text) ?? .max)
    }

    private static func wrongArguments(of name: ArraySlice<UInt8>) -> DotLine {
        let name = String(decoding: name, as: UTF8.self)
        let usage = CommandHelp.all.first { $0.name == name }?.usage ?? "\(name) <version>"
        return .malformed(code: .badRequest, message: "the arguments of \(name) are wrong; it is written: \(usage)")
    }

    /// A name as it may stand in a message: a client can send anything.
    private static func shown(_ name: String) -> String {
        name.count > 32 ? "\(name.prefix(32))…" : name
    }
}

/// The words of a line, separated by blanks.
private struct Words {
    private var rest: ArraySlice<UInt8>

    init(_ rest: ArraySlice<UInt8>) { self.rest = rest }

    mutating func nextBytes() -> ArraySlice<UInt8>? {
        rest = rest.drop(while: \.isBlank)
        let word = rest.prefix { !$0.isBlank }
        rest = rest[word.endIndex...]
        return word.isEmpty ? nil : word
    }

    mutating func next() -> String? { nextBytes().map { String(decoding: $0, as: UTF8.self) } }

    /// All that follows the one blank after the last word; nil when the line ends there.
    mutating func restAfterBlank() -> ArraySlice<UInt8>? {
        guard rest.first?.isBlank == true else { return nil }
        defer { rest = [] }
        return rest.dropFirst()
    }

    /// All that follows, without the blanks around it.
    mutating func restOfLine() -> String {
        defer { rest = [] }
        let text = rest.drop(while: \.isBlank)
        return String(decoding: text.prefix((text.lastIndex { !$0.isBlank }.map { $0 - text.startIndex + 1 }) ?? 0), as: UTF8.self)
    }

    /// The command, if no word is left.
    mutating func only(_ command: Command) -> DotLine? { nextBytes() == nil ? .command(command) : nil }
}

extension String {
    fileprivate var isDecimal: Bool { !isEmpty && utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

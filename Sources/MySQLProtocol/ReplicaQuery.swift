/// The statements that a replica asks before it wants the binlog; all else is `unknown`.
enum ReplicaQuery: Equatable {
    /// `SELECT UNIX_TIMESTAMP()`
    case unixTimestamp
    /// `SELECT @name` or `SELECT @@global.name`; `column` is the expression as it was written.
    case select(Expression, column: String)
    /// `SHOW VARIABLES LIKE 'name'`
    case showVariable(String)
    /// `SET @name = …, …`
    case set([Assignment])
    /// `SET NAMES …`: every answer is ASCII, so it changes nothing.
    case setNames
    case unknown

    enum Expression: Equatable {
        /// Nil is NULL.
        case literal(String?)
        /// Named in lower case.
        case userVariable(String)
        /// Named in lower case, without its scope.
        case systemVariable(String)
    }

    struct Assignment: Equatable {
        let name: String
        let value: Expression
    }

    init(_ text: String) {
        var scanner = Scanner(text)
        self = scanner.query() ?? .unknown
        if !scanner.isAtEnd { self = .unknown }
    }
}

/// Reads a statement from front to back; a method that returns nil or false may have read part of what it tried.
private struct Scanner {
    private var rest: Substring

    init(_ text: String) {
        rest = text[...]
        while rest.last == ";" || rest.last?.isWhitespace == true { rest.removeLast() }
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func query() -> ReplicaQuery? {
        if skip(word: "select") { return selection() }
        if skip(word: "show") { return shownVariable() }
        guard skip(word: "set") else { return nil }
        guard !skip(word: "names") else {
            rest = ""
            return .setNames
        }
        return assignments().map(ReplicaQuery.set)
    }

    private mutating func selection() -> ReplicaQuery? {
        skipSpaces()
        let column = String(rest)
        if column.lowercased() == "unix_timestamp()" {
            rest = ""
            return .unixTimestamp
        }
        return expression().map { .select($0, column: column) }
    }

    private mutating func shownVariable() -> ReplicaQuery? {
        _ = skip(word: "global") || skip(word: "session")
        guard skip(word: "variables"), skip(word: "like"), case .literal(let name?) = expression() else { return nil }
        return .showVariable(name.lowercased())
    }

    private mutating func assignments() -> [ReplicaQuery.Assignment]? {
        var found: [ReplicaQuery.Assignment] = []
        repeat {
            guard case .userVariable(let name) = expression() else { return nil }
            _ = skip(":")
            guard skip("="), let value = expression() else { return nil }
            found.append(ReplicaQuery.Assignment(name: name, value: value))
        } while skip(",")
        return found
    }

    private mutating func expression() -> ReplicaQuery.Expression? {
        if skip("@") {
            guard skip("@") else { return name().map(ReplicaQuery.Expression.userVariable) }
            guard let first = name() else { return nil }
            guard ["global", "session"].contains(first), skip(".") else { return .systemVariable(first) }
            return name().map(ReplicaQuery.Expression.systemVariable)
        }
        if skip("'") { return quoted() }
        if skip(word: "null") { return .literal(nil) }
        let number = rest.prefix { "0"..."9" ~= $0 || $0 == "." || $0 == "-" }
        guard !number.isEmpty else { return nil }
        rest = rest[number.endIndex...]
        return .literal(String(number))
    }

    /// The text up to the closing quote; a doubled quote or a backslash stands for what follows it.
    private mutating func quoted() -> ReplicaQuery.Expression? {
        var text = ""
        while let character = rest.popFirst() {
            switch character {
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                text.append(escaped)
            case "'":
                guard rest.first == "'" else { return .literal(text) }
                text.append(rest.removeFirst())
            default:
                text.append(character)
            }
        }
        return nil
    }

    private mutating func name() -> String? {
        let name = rest.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        guard !name.isEmpty else { return nil }
        rest = rest[name.endIndex...]
        return name.lowercased()
    }

    private mutating func skipSpaces() { rest = rest.drop(while: \.isWhitespace) }

    private mutating func skip(_ character: Character) -> Bool {
        skipSpaces()
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    /// Skips `word`, given in lower case, when it stands here as a whole.
    private mutating func skip(word: String) -> Bool {
        skipSpaces()
        let here = rest.prefix { $0.isLetter || $0 == "_" }
        guard here.lowercased() == word else { return false }
        rest = rest[here.endIndex...]
        return true
    }
}

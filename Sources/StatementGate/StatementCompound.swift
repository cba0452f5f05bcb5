/// Compound statements: every statement inside counts.
extension StatementParser {
    /// One at the top level, such as BEGIN NOT ATOMIC … END.
    mutating func compound() throws(Unsorted.Reason) {
        try body()
        if result.classes.isEmpty { found(.read) }
    }

    /// The statement of a body or the compound statement itself.
    mutating func body() throws(Unsorted.Reason) {
        let wasInBody = isInBody
        isInBody = true
        try bodyStatement()
        isInBody = wasInBody
        try refuseLexicalChange()
    }

    /// Reads what another statement holds, to a limited depth.
    mutating func nested(_ body: (inout StatementParser) throws(Unsorted.Reason) -> Void) throws(Unsorted.Reason) {
        nesting += 1
        guard nesting <= Self.nestingMax else { throw .tooDeep }
        try body(&self)
        nesting -= 1
    }

    /// A statement as bodies have them, up to the semicolon after it.
    mutating func bodyStatement() throws(Unsorted.Reason) {
        try nested { (parser) throws(Unsorted.Reason) in try parser.unguardedBodyStatement() }
    }

    private mutating func unguardedBodyStatement() throws(Unsorted.Reason) {
        let labelled = try acceptLabel()
        switch token.keyword {
        case .begin: try block()
        case .loop:
            try advance()
            try statements(upTo: .end)
            try end(of: .loop)
        case .while:
            try condition(upTo: .do)
            try statements(upTo: .end)
            try end(of: .while)
        case .for:
            try condition(upTo: .do)
            try statements(upTo: .end)
            try end(of: .for)
        case .repeat:
            try advance()
            try statements(upTo: .until)
            try condition(upTo: .end)
            try afterEnd(of: .repeat)
        default:
            guard !labelled else { throw .unexpectedWord }
            try unlabelledBodyStatement()
        }
    }

    private mutating func unlabelledBodyStatement() throws(Unsorted.Reason) {
        switch token.keyword {
        case .if: try branches()
        case .case: try caseBranches()
        case .declare: try declaration()
        case .leave, .iterate, .return, .open, .fetch, .close: try scan()
        default: try statement()
        }
    }

    /// name :
    private mutating func acceptLabel() throws(Unsorted.Reason) -> Bool {
        guard token.isName, try following().isPunctuation(":") else { return false }
        try advance()
        try advance()
        return true
    }

    /// Statements, each with its semicolon, up to one of the keywords.
    private mutating func statements(upTo keywords: Keyword...) throws(Unsorted.Reason) {
        while true {
            if let keyword = token.keyword, keywords.contains(keyword), try !isLabel() { return }
            try bodyStatement()
            try expect(";")
        }
    }

    private func isLabel() throws(Unsorted.Reason) -> Bool { try following().isPunctuation(":") }

    /// Moves over a keyword, an expression, and the keyword that ends it.
    private mutating func condition(upTo keyword: Keyword) throws(Unsorted.Reason) {
        try advance()
        try scan(to: keyword)
        try advance()
    }

    private mutating func end(of keyword: Keyword) throws(Unsorted.Reason) {
        try expect(.end)
        try afterEnd(of: keyword)
    }

    private mutating func afterEnd(of keyword: Keyword) throws(Unsorted.Reason) {
        try expect(keyword)
        if token.isName { try advance() }
    }

    /// BEGIN [NOT ATOMIC] … END [label]
    private mutating func block() throws(Unsorted.Reason) {
        try advance()
        if try accept(.not) { try expect(.atomic) }
        try statements(upTo: .end)
        try advance()
        if token.isName { try advance() }
    }

    /// IF … THEN … ELSEIF … THEN … ELSE … END IF
    private mutating func branches() throws(Unsorted.Reason) {
        repeat {
            try condition(upTo: .then)
            try statements(upTo: .elseif, .else, .end)
        } while at(.elseif)
        if try accept(.else) { try statements(upTo: .end) }
        try end(of: .if)
    }

    /// CASE [value] WHEN … THEN … ELSE … END CASE
    private mutating func caseBranches() throws(Unsorted.Reason) {
        try advance()
        try scan(to: .when)
        repeat {
            try condition(upTo: .then)
            try statements(upTo: .when, .else, .end)
        } while at(.when)
        if try accept(.else) { try statements(upTo: .end) }
        try end(of: .case)
    }

    /// DECLARE … HANDLER FOR conditions statement; DECLARE of variables, conditions and cursors
    private mutating func declaration() throws(Unsorted.Reason) {
        try advance()
        guard at(.continue) || at(.exit) || at(.undo), try following().keyword == .handler else { return try scan() }
        try advance()
        try advance()
        try expect(.for)
        repeat { try handledCondition() } while try accept(",")
        try bodyStatement()
    }

    /// SQLSTATE [VALUE] '…', SQLWARNING, NOT FOUND, SQLEXCEPTION, an error's number, a condition's name
    private mutating func handledCondition() throws(Unsorted.Reason) {
        if try accept(.sqlstate) {
            _ = try accept(.value)
            guard token.kind == .string else { throw .unexpectedWord }
            try advance()
        } else if try accept(.not) {
            try expect(.found)
        } else if token.kind == .number {
            try advance()
        } else {
            _ = try name()
        }
    }
}

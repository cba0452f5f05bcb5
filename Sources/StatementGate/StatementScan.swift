/// Reading expressions and clauses token by token.
extension StatementParser {
    /// Moves to the statement's end, with everything noted that matters in any place.
    mutating func scan() throws(Unsorted.Reason) {
        try scan { _ in false }
        try expectEnd()
    }

    /// Moves to the first of the keywords that is outside parentheses and CASE … END; the statement's end is an error unless it may
    /// end there.
    mutating func scan(to keywords: Keyword..., orEnd: Bool = false) throws(Unsorted.Reason) {
        try scan { token in token.keyword.map(keywords.contains) ?? false }
        guard !atEnd || orEnd else { throw .unexpectedWord }
    }

    /// Moves to a comma outside parentheses, or to the keyword, or to the end.
    mutating func scanToComma(or keyword: Keyword? = nil) throws(Unsorted.Reason) {
        try scan { token in token.isPunctuation(",") || (keyword != nil && token.keyword == keyword) }
    }

    /// At `(`: moves behind the parenthesis that closes it.
    mutating func scanParentheses() throws(Unsorted.Reason) {
        var open = 0
        repeat {
            if token.isPunctuation("(") { open += 1 }
            if token.isPunctuation(")") { open -= 1 }
            guard !atEnd else { throw .unbalancedParentheses }
            try note()
        } while open > 0
    }

    @inline(__always)
    private mutating func scan(stoppingAt stops: (Token) -> Bool) throws(Unsorted.Reason) {
        var open = 0
        var cases = 0
        while !atEnd {
            if token.kind == .punctuation {
                if token.byte == 0x28 { open += 1 }
                if token.byte == 0x29 { open -= 1 }
                guard open >= 0 else { throw .unbalancedParentheses }
            }
            if open == 0 {
                if cases == 0, stops(token) { return }
                if token.keyword == .case { cases += 1 }
                if token.keyword == .end, cases > 0 { cases -= 1 }
            }
            try note()
        }
        guard open == 0 else { throw .unbalancedParentheses }
    }

    /// Notes what the token means with those after it, and moves on.
    private mutating func note() throws(Unsorted.Reason) {
        switch token.kind {
        case .word:
            if let keyword = token.keyword { return try noteWord(keyword) }
            try noteMember()
        case .quotedName:
            try noteMember()
        case .userVariable:
            try advance()
            found(assignsOrReads: token.kind == .assign)
        case .systemVariable:
            try advance()
            try noteSystemVariable()
        case .string, .number, .assign, .punctuation, .end:
            try advance()
        }
    }

    private mutating func found(assignsOrReads assigns: Bool) {
        result.facts.formUnion(assigns ? .assignsUserVariable : .readsUserVariable)
    }

    private mutating func noteWord(_ keyword: Keyword) throws(Unsorted.Reason) {
        let (range, isMember) = (token.range, isAfterDot)
        try advance()
        if token.isPunctuation("(") {
            noteCall(keyword)
            noteCallee(range, isMember: isMember)
        }
        switch keyword {
        case .for where at(.update) || at(.share), .lock where at(.in):
            found(.lockingRead)
        case .next where at(.value):
            try advance()
            if at(.for) { found(.lockingRead, .advancesSequence) }
        case .previous where at(.value):
            try advance()
            if at(.for) { result.facts.formUnion(.readsLastValue) }
        case .sqlCalcFoundRows:
            result.facts.formUnion(.countsFoundRows)
        case .into:
            try noteTarget()
        default:
            return
        }
    }

    /// After INTO
    private mutating func noteTarget() throws(Unsorted.Reason) {
        if at(.outfile) { found(.serverFiles) }
        if at(.dumpfile), try following().kind == .string { found(.serverFiles) }
        while token.kind == .userVariable {
            result.facts.formUnion(.assignsUserVariable)
            try advance()
            guard token.isPunctuation(","), try following().kind == .userVariable else { return }
            try advance()
        }
    }

    /// A quoted name, or one after a dot, calls a function too: `` `load_file`(…) ``, `mariadb_schema.load_file(…)`.
    private mutating func noteMember() throws(Unsorted.Reason) {
        let (range, isMember) = (token.range, isAfterDot || token.kind == .quotedName)
        try advance()
        guard token.isPunctuation("(") || lexer.mode.oracle else { return }
        if token.isPunctuation("(") { noteCallee(range, isMember: isMember) }
        guard let keyword = KeywordTable.shared.keyword(UnsafeRawBufferPointer(rebasing: lexer.text[range])) else { return }
        if token.isPunctuation("(") { return noteCall(keyword) }
        // As Oracle has it: `s.nextval`, `s.currval`.
        if keyword == .nextval { noteCall(.nextval) }
        if keyword == .currval { noteCall(.lastval) }
    }

    /// A name in quotes, or one of a database, is a stored function's, whatever it spells.
    private mutating func noteCallee(_ name: Range<Int>, isMember: Bool) {
        if isMember || !PureFunction.isNamed(UnsafeRawBufferPointer(rebasing: lexer.text[name])) { result.facts.formUnion(.callsFunction) }
    }

    private mutating func noteCall(_ function: Keyword) {
        switch function {
        case .nextval: found(.lockingRead, .advancesSequence)
        case .setval: found(.lockingRead)
        case .lastval: result.facts.formUnion(.readsLastValue)
        case .getLock, .releaseLock, .releaseAllLocks: found(.lockingRead, .advisoryLock)
        case .loadFile: found(.serverFiles)
        case .foundRows, .rowCount: result.facts.formUnion(.readsDiagnostics)
        case .lastInsertID: result.facts.formUnion(.readsLastInsertID)
        default: return
        }
    }

    /// After `@@`
    private mutating func noteSystemVariable() throws(Unsorted.Reason) {
        let name = try variableName()
        switch name.last {
        case "warning_count", "error_count": result.facts.formUnion(.readsDiagnostics)
        case "last_insert_id", "identity": result.facts.formUnion(.readsLastInsertID)
        case "last_gtid": result.facts.formUnion(.readsLastGTID)
        default: return
        }
    }

    /// Moves over `name` or `name.name.name` of a system variable; the parts in lower case.
    mutating func variableName() throws(Unsorted.Reason) -> [String] {
        var parts: [String] = []
        repeat {
            parts.append(String(decoding: try asciiName().map(lowercased), as: UTF8.self))
        } while try accept(".")
        return parts
    }
}

extension StatementParser {
    mutating func session(_ keyword: Keyword) throws(Unsorted.Reason) {
        switch keyword {
        case .set: try set()
        case .use:
            try advance()
            result.database = try name()
            try expectEnd()
            found(.session)
        case .prepare: try prepare()
        case .execute: try execute()
        case .deallocate:
            try advance()
            try deallocate()
        case .lock: try lock()
        case .unlock:
            try advance()
            guard try accept(anyOf: .table, .tables) else { throw .unexpectedWord }
            try expectEnd()
            found(.session, [.unlocksTables, .implicitlyCommits])
        case .get:
            try rest(.session, .readsDiagnostics)
            // GET DIAGNOSTICS @x = …
            if result.facts.contains(.readsUserVariable) { result.facts.formUnion(.assignsUserVariable) }
        default: try rest(.session)
        }
    }

    /// LOCK TABLES a READ, b WRITE
    private mutating func lock() throws(Unsorted.Reason) {
        try advance()
        guard try accept(anyOf: .table, .tables) else { throw .unexpectedWord }
        found(.session, [.locksTables, .implicitlyCommits])
        while !atEnd {
            if at(.write) { result.facts.formUnion(.locksForWriting) }
            try advance()
        }
    }

    // MARK: SET

    private mutating func set() throws(Unsorted.Reason) {
        try advance()
        switch token.keyword {
        case .statement: try setStatement()
        case .transaction: try setTransaction(global: false)
        default: try setAssignments()
        }
    }

    /// SET STATEMENT variable = value, … FOR statement
    private mutating func setStatement() throws(Unsorted.Reason) {
        try advance()
        var scope = Scope.session
        repeat { try assignment(&scope, endingAt: .for) } while try accept(",")
        try refuseLexicalChange()
        result.facts.formUnion(.setsForStatement)
        try expect(.for)
        try nested { (parser) throws(Unsorted.Reason) in try parser.statement() }
        try refuseLexicalChange()
    }

    private mutating func setAssignments() throws(Unsorted.Reason) {
        var scope = Scope.session
        repeat {
            if at(.global) || at(.session) || at(.local), try following().keyword == .transaction {
                let global = at(.global)
                try advance()
                return try setTransaction(global: global)
            }
            try assignment(&scope)
        } while try accept(",")
        try expectEnd()
    }

    private mutating func setTransaction(global: Bool) throws(Unsorted.Reason) {
        while !atEnd {
            if try accept(.read), at(.write), !global { result.facts.formUnion(.opensForWriting) }
            if !atEnd { try advance() }
        }
        if global { found(.serverAdministration) } else { foundTransaction(.setCharacteristics) }
    }

    /// One of a SET's list: `name = value`, but also NAMES, CHARACTER SET, PASSWORD and ROLE.
    private mutating func assignment(_ scope: inout Scope, endingAt keyword: Keyword? = nil) throws(Unsorted.Reason) {
        switch token.keyword {
        case .names:
            try advance()
            try characterSet()
        case .character, .charset:
            if try accept(.character) { try expect(.set) } else { try advance() }
            try characterSet()
        case .password:
            try accountSetting()
        case .default where try following().keyword == .role:
            try accountSetting()
        case .role where try following().isName:
            found(.session, .setsSessionVariable)
            try scanToComma()
        default:
            if token.kind == .userVariable { try userVariable() } else { try systemVariable(&scope, endingAt: keyword) }
        }
    }

    /// PASSWORD [FOR account] = value, DEFAULT ROLE name [FOR account]: `@` begins a host here.
    private mutating func accountSetting() throws(Unsorted.Reason) {
        try noteAccountRepetition(setsDefaultRole: at(.default))
        try noteAccounts(ownUnlessNamed: true)
        let facts = result.facts
        try scanToComma()
        result.facts = facts
        found(.accounts, .implicitlyCommits)
    }

    private mutating func userVariable() throws(Unsorted.Reason) {
        try advance()
        try assignmentSign()
        found(.session, .setsUserVariable)
        try scanToComma()
    }

    /// The word GLOBAL, SESSION or LOCAL holds for the names after it too; `@@global.` and its like hold for their own name.
    private mutating func systemVariable(_ scope: inout Scope, endingAt keyword: Keyword?) throws(Unsorted.Reason) {
        if at(.global) || at(.session) || at(.local) {
            scope = at(.global) ? .global : .session
            try advance()
        }
        var global = scope == .global
        if token.kind == .systemVariable {
            global = false
            try advance()
        }
        var name = try variableName()
        if let prefix = name.first, name.count > 1, SystemVariable.scopes.contains(prefix) {
            global = prefix == "global"
            name.removeFirst()
        }
        // It exists for the whole server only.
        if name.last == "event_scheduler" { global = true }
        try assignmentSign()
        try value(of: name, global: global, endingAt: keyword)
        // A variable set for one statement is set back after it.
        if keyword == nil, !global { found(.session, .setsSessionVariable) }
        if global { found(.serverAdministration) }
    }

    /// The value, with what it and the variable mean together.
    private mutating func value(of name: [String], global: Bool, endingAt keyword: Keyword?) throws(Unsorted.Reason) {
        let literal = try literalValue(endingAt: keyword)
        if let variable = name.last { noteSetting(variable, literal, global: global, isForStatement: keyword != nil) }
        let isSaved = try isWholeValue(endingAt: keyword) && token.kind == .userVariable
        try scanToComma(or: keyword)
        if name.contains(where: SystemVariable.isNodeOwned) { found(.breaksReplication) }
        guard let variable = name.last else { return }
        switch variable {
        // As dumps do: they save what there is and set it back.
        case "character_set_client" where isSaved && !global: result.facts.formUnion(.setsCharset)
        case "character_set_client": try SystemVariable.checkCharacterSet(literal)
        case "sql_mode" where !global: result.facts.formUnion(.setsSQLMode)
        case "autocommit" where !global && keyword == nil: foundTransaction(.setAutocommit(SystemVariable.isOn(literal)))
        default: return
        }
    }

    /// The value's spelling in lower case where it is one word, string or number; it is not moved over.
    private func literalValue(endingAt keyword: Keyword?) throws(Unsorted.Reason) -> String? {
        guard token.isName || token.kind == .string || token.kind == .number, try isWholeValue(endingAt: keyword) else { return nil }
        return String(decoding: lexer.text[token.range].map(lowercased), as: UTF8.self)
    }

    /// Whether the token is all there is of a value.
    private func isWholeValue(endingAt keyword: Keyword?) throws(Unsorted.Reason) -> Bool {
        let next = try following()
        return next.kind == .end || next.isPunctuation(";") || next.isPunctuation(",") || (keyword != nil && next.keyword == keyword)
    }

    /// After NAMES, CHARACTER SET or CHARSET
    private mutating func characterSet() throws(Unsorted.Reason) {
        guard token.kind == .word || token.kind == .string else { throw .characterSet }
        try SystemVariable.checkCharacterSet(String(decoding: lexer.text[token.range].map(lowercased), as: UTF8.self))
        try advance()
        if try accept(.collate) {
            guard token.isName || token.kind == .string else { throw .unexpectedWord }
            try advance()
        }
        found(.session, .setsSessionVariable)
    }

    private mutating func assignmentSign() throws(Unsorted.Reason) {
        if token.kind == .assign { return try advance() }
        try expect("=")
    }
}

private enum Scope {
    case session
    case global
}

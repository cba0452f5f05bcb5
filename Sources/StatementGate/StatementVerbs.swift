extension StatementParser {
    /// One statement, from its first token to its end, which is left to the caller.
    mutating func statement() throws(Unsorted.Reason) {
        if token.isPunctuation("(") { return try rest(.read) }
        guard let keyword = token.keyword else { throw .unknownVerb }
        switch keyword {
        case .select, .values, .show, .help, .table, .insert, .replace, .update, .delete, .with, .call, .do, .handler, .load, .explain, .describe,
            .desc:
            try data(keyword)
        case .create, .alter:
            let advanced = result.facts.contains(.advancesSequence)
            try definition(keyword)
            // A column's default advances nothing yet.
            if !advanced { result.facts.remove(.advancesSequence) }
        case .drop, .rename, .truncate, .optimize, .repair, .analyze, .check, .checksum:
            try definition(keyword)
        case .begin, .start, .commit, .rollback, .savepoint, .release, .xa:
            try transaction(keyword)
        case .set, .use, .prepare, .execute, .deallocate, .lock, .unlock, .signal, .resignal, .get:
            try session(keyword)
        case .grant, .revoke, .flush, .kill, .cache, .backup, .reset, .change, .stop, .purge, .binlog, .install, .uninstall, .shutdown:
            try administration(keyword)
        case .if, .case, .loop, .while, .repeat, .for:
            try compound()
        case .delimiter:
            throw .delimiter
        default:
            throw .unknownVerb
        }
    }

    private mutating func data(_ keyword: Keyword) throws(Unsorted.Reason) {
        switch keyword {
        case .show: try show()
        case .help: try rest(.read)
        case .with: try with()
        case .call:
            repeats(.hidden)
            try rest(.write, .callsRoutine)
        case .handler: try handler()
        case .load: try load()
        case .explain, .describe, .desc: try explain()
        case .do:
            callsAreCalls = true
            try rest(.write)
        case .insert, .replace, .update, .delete:
            try noteOwnTables()
            try rest(.write)
        default: try rest(.read)
        }
    }

    /// SHOW anything
    private mutating func show() throws(Unsorted.Reason) {
        try advance()
        if try accept(.count) { try scanParentheses() }
        try rest(.read, at(.warnings) || at(.errors) ? .readsDiagnostics : [])
    }

    /// WITH [RECURSIVE] name [(columns)] AS (query) [CYCLE columns RESTRICT], … statement
    private mutating func with() throws(Unsorted.Reason) {
        try advance()
        _ = try accept(.recursive)
        repeat {
            _ = try name()
            if token.isPunctuation("(") { try scanParentheses() }
            try expect(.as)
            guard token.isPunctuation("(") else { throw .unexpectedWord }
            try scanParentheses()
            if try accept(.cycle) {
                try scan(to: .restrict)
                try advance()
            }
        } while try accept(",")
        if at(.with) { throw .unexpectedWord }
        try query()
    }

    /// What WITH, EXPLAIN and ANALYZE take.
    private mutating func query() throws(Unsorted.Reason) {
        guard beginsQuery else { throw .unexpectedWord }
        try statement()
    }

    private var beginsQuery: Bool {
        switch token.keyword {
        case .select, .values, .table, .insert, .replace, .update, .delete, .with: true
        default: token.isPunctuation("(")
        }
    }

    /// EXPLAIN statement, EXPLAIN FOR CONNECTION id, DESCRIBE table [column]
    private mutating func explain() throws(Unsorted.Reason) {
        try advance()
        if at(.for) { return try rest(.read) }
        let following = try following()
        if at(.extended) || at(.partitions), following.keyword != nil || following.isPunctuation("(") { try advance() }
        try acceptFormat()
        if beginsQuery { return try query() }
        try qualifiedName()
        if token.isName || token.kind == .string { try advance() }
        try expectEnd()
        found(.read)
    }

    /// FORMAT = JSON
    private mutating func acceptFormat() throws(Unsorted.Reason) {
        guard at(.format), try following().isPunctuation("=") else { return }
        try advance()
        try advance()
        guard token.isName || token.kind == .string else { throw .unexpectedWord }
        try advance()
    }

    /// ANALYZE TABLE, or ANALYZE [FORMAT = JSON] statement, which runs it
    mutating func analyze() throws(Unsorted.Reason) {
        try advance()
        if at(.table) || at(.local) || at(.noWriteToBinlog) { return try rest(.tableDefinition, .implicitlyCommits) }
        try acceptFormat()
        try query()
    }

    private mutating func handler() throws(Unsorted.Reason) {
        try advance()
        try qualifiedName()
        try rest(.write, at(.open) ? .opensHandler : [])
    }

    /// LOAD DATA, LOAD XML, LOAD INDEX INTO CACHE
    private mutating func load() throws(Unsorted.Reason) {
        try advance()
        if at(.index) { return try rest(.serverAdministration) }
        guard try accept(anyOf: .data, .xml) else { throw .unexpectedWord }
        _ = try accept(anyOf: .lowPriority, .concurrent)
        if try accept(.local) { found(.serverFiles) }
        try expect(.infile)
        try rest(.write)
        // A row's fields may go to user variables, which keep the last one.
        if result.facts.contains(.readsUserVariable) { result.facts.formUnion(.assignsUserVariable) }
    }
}

extension StatementParser {
    mutating func definition(_ keyword: Keyword) throws(Unsorted.Reason) {
        try noteRepetition(of: keyword)
        switch keyword {
        case .create: try create()
        case .alter: try alter()
        case .drop: try drop()
        case .rename: try rename()
        case .truncate: try rest(.tableDefinition, .implicitlyCommits)
        case .optimize, .repair: try maintain(.tableDefinition, .implicitlyCommits)
        case .check: try maintain(.read)
        case .checksum: try maintain(.read)
        default: try analyze()
        }
    }

    /// OPTIMIZE, REPAIR, CHECK, CHECKSUM
    private mutating func maintain(_ statementClass: StatementClass, _ facts: SessionFacts = []) throws(Unsorted.Reason) {
        try advance()
        _ = try accept(anyOf: .local, .noWriteToBinlog)
        guard at(.table) || at(.tables) || at(.view) else { throw .unexpectedWord }
        try rest(statementClass, facts)
    }

    private mutating func rename() throws(Unsorted.Reason) {
        try advance()
        if at(.user) { return try accounts() }
        guard at(.table) || at(.tables) else { throw .unexpectedWord }
        try rest(.tableDefinition, .implicitlyCommits)
    }

    // MARK: CREATE

    private mutating func create() throws(Unsorted.Reason) {
        try advance()
        if try accept(.or) { try expect(.replace) }
        let temporary = try accept(.temporary)
        try definitionOptions()
        switch token.keyword {
        case .table, .sequence: try rest(.tableDefinition, temporary ? .temporaryTable : .implicitlyCommits)
        case .view, .index, .unique, .fulltext, .spatial, .tablespace, .logfile, .undo: try rest(.tableDefinition, .implicitlyCommits)
        case .database, .schema: try rest(.databaseDefinition, .implicitlyCommits)
        case .user, .role: try accounts()
        case .server: try rest(.serverAdministration, .implicitlyCommits)
        case .procedure: try procedure()
        case .function, .aggregate: try function()
        case .trigger: try trigger()
        case .event: try event()
        default: throw .unexpectedWord
        }
    }

    /// ONLINE, IGNORE, ALGORITHM = x, DEFINER = account, SQL SECURITY x
    private mutating func definitionOptions() throws(Unsorted.Reason) {
        while true {
            if try accept(anyOf: .online, .offline, .ignore) { continue }
            if try accept(.algorithm) {
                try expect("=")
                _ = try name()
            } else if try accept(.definer) {
                try expect("=")
                try account()
            } else if try accept(.sql) {
                try expect(.security)
                _ = try name()
            } else {
                return
            }
        }
    }

    /// name, 'name'@'host', CURRENT_USER()
    private mutating func account() throws(Unsorted.Reason) {
        if token.kind == .string { try advance() } else { _ = try name() }
        if token.kind == .userVariable {
            try advance()
        } else if try accept("(") {
            try expect(")")
        }
    }

    // MARK: ALTER

    private mutating func alter() throws(Unsorted.Reason) {
        try advance()
        try definitionOptions()
        switch token.keyword {
        case .table: try alterTable()
        case .view, .sequence, .procedure, .function, .tablespace, .logfile: try rest(.tableDefinition, .implicitlyCommits)
        case .event: try event()
        case .database, .schema: try existingDatabase()
        case .user, .role: try accounts()
        case .server: try rest(.serverAdministration, .implicitlyCommits)
        default: throw .unexpectedWord
        }
    }

    /// DROP is a reserved word: without quotes it can only be an action.
    private mutating func alterTable() throws(Unsorted.Reason) {
        found(.tableDefinition, .implicitlyCommits)
        while !atEnd {
            try scan(to: .drop, .truncate, orEnd: true)
            if at(.drop) { found(.drop) }
            if at(.truncate), try following().keyword == .partition { found(.drop) }
            if !atEnd { try advance() }
        }
    }

    // MARK: DROP

    private mutating func drop() throws(Unsorted.Reason) {
        try advance()
        switch token.keyword {
        case .temporary:
            try advance()
            guard at(.table) || at(.tables) || at(.sequence) else { throw .unexpectedWord }
            try rest(.write, .temporaryTable)
        case .table, .tables, .view, .index, .trigger, .procedure, .function, .event, .sequence, .package, .tablespace, .logfile:
            try rest(.drop, .implicitlyCommits)
        case .database, .schema: try existingDatabase()
        case .user, .role: try accounts()
        case .server: try rest(.serverAdministration, .implicitlyCommits)
        case .prepare: try deallocate()
        default: throw .unexpectedWord
        }
    }

    /// ALTER or DROP of a database: without the server's own no node serves, and the nodes' own is theirs.
    private mutating func existingDatabase() throws(Unsorted.Reason) {
        var ahead = self
        while !ahead.atEnd {
            if ahead.token.isName, Self.notClients.contains(ahead.lexer.decoded(ahead.token).map(lowercased)) { found(.breaksReplication) }
            try ahead.advance()
        }
        try rest(.databaseDefinition, .implicitlyCommits)
    }

    private static let notClients = [Array("mysql".utf8), nodesDatabase]
}

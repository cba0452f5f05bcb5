extension StatementParser {
    mutating func administration(_ keyword: Keyword) throws(Unsorted.Reason) {
        switch keyword {
        case .grant, .revoke: try accounts()
        case .flush: try flush()
        case .kill: try kill()
        case .cache: try rest(.serverAdministration, .implicitlyCommits)
        case .backup: try backup()
        case .reset: try reset()
        case .stop:
            try advance()
            try replicationThreads()
        case .change:
            try advance()
            guard at(.master) else { throw .unexpectedWord }
            try rest(.breaksReplication)
        default: try rest(.breaksReplication)
        }
    }

    /// The rest of a statement about accounts, in which `@` begins a host.
    mutating func accounts() throws(Unsorted.Reason) {
        try noteAccounts(ownUnlessNamed: false)
        try noteAccountRepetition(setsDefaultRole: false)
        let facts = result.facts
        try rest(.accounts)
        result.facts = facts.union(.implicitlyCommits)
    }

    /// Looks ahead, up to the statement's end, for the node's own accounts and for the one the statement runs as.
    mutating func noteAccounts(ownUnlessNamed: Bool) throws(Unsorted.Reason) {
        var ahead = self
        var isOwn = ownUnlessNamed
        var namesGrantees = false
        while !ahead.atEnd {
            if ahead.at(.for) { isOwn = false }
            if ahead.token.isName || ahead.token.kind == .string {
                let name = ahead.lexer.decoded(ahead.token).map(lowercased)
                if name.starts(with: Self.nodeAccounts) { found(.breaksReplication) }
                if ahead.token.kind == .word, name == Self.currentUser { isOwn = true }
                if namesGrantees, name == Self.everybody { isOwn = true }
                if ahead.token.kind == .word, Self.beforeGrantees.contains(name) { namesGrantees = true }
            }
            try ahead.advance()
        }
        if isOwn { result.facts.formUnion(.changesOwnAccount) }
    }

    private static let nodeAccounts = Array("ddbnode_".utf8)
    private static let currentUser = Array("current_user".utf8)
    private static let everybody = Array("public".utf8)
    private static let beforeGrantees = [Array("to".utf8), Array("from".utf8)]

    /// After START or STOP
    mutating func replicationThreads() throws(Unsorted.Reason) {
        guard try accept(anyOf: .slave, .slaves, .replica, .replicas, .all) else { throw .unexpectedWord }
        try rest(.breaksReplication)
    }

    /// FLUSH options: MASTER and SLAVE among them reset replication, as does DELETE_DOMAIN_ID.
    private mutating func flush() throws(Unsorted.Reason) {
        found(.serverAdministration, .implicitlyCommits)
        try advance()
        _ = try accept(anyOf: .local, .noWriteToBinlog)
        if at(.table) || at(.tables) { return try flushTables() }
        try scanForReplication()
    }

    /// FLUSH TABLES [names] [WITH READ LOCK | FOR EXPORT]: the locks stay with the session.
    private mutating func flushTables() throws(Unsorted.Reason) {
        try scan(to: .with, .for, orEnd: true)
        if !atEnd { result.facts.formUnion(.locksTables) }
        try scan()
    }

    /// What BACKUP STAGE and BACKUP LOCK lock stays with the session.
    private mutating func backup() throws(Unsorted.Reason) {
        try advance()
        var facts: SessionFacts = .implicitlyCommits
        if try accept(.stage) {
            facts.insert(at(.end) ? .endsBackup : .beginsBackup)
        } else if try accept(.lock) {
            facts.insert(.locksForBackup)
        } else {
            guard try accept(.unlock) else { throw .unexpectedWord }
            facts.insert(.unlocksForBackup)
        }
        try rest(.serverAdministration, facts)
    }

    /// RESET MASTER, RESET SLAVE, RESET QUERY CACHE: a list too
    private mutating func reset() throws(Unsorted.Reason) {
        try advance()
        guard at(.master) || at(.slave) || at(.replica) || at(.query) else { throw .unexpectedWord }
        found(.serverAdministration)
        try scanForReplication()
    }

    private mutating func scanForReplication() throws(Unsorted.Reason) {
        while !atEnd {
            if at(.master) || at(.slave) || at(.replica) || at(.deleteDomainID) { found(.breaksReplication) }
            try advance()
        }
    }

    /// KILL of the own connection is the session's business; of any other, the server's.
    private mutating func kill() throws(Unsorted.Reason) {
        try advance()
        _ = try accept(anyOf: .hard, .soft)
        _ = try accept(anyOf: .query, .connection)
        var ahead = self
        if try ahead.accept(.connectionID), try ahead.accept("("), try ahead.accept(")"), ahead.atEnd {
            self = ahead
            return found(.session)
        }
        try rest(.serverAdministration)
    }
}

extension StatementParser {
    mutating func transaction(_ keyword: Keyword) throws(Unsorted.Reason) {
        switch keyword {
        case .begin: try begin()
        case .start: try start()
        case .commit:
            try advance()
            let chain = try completion()
            try end(with: .commit(chain: chain))
        case .rollback: try rollback()
        case .savepoint:
            try advance()
            _ = try name()
            try end(with: .savepoint)
        case .release:
            try advance()
            try expect(.savepoint)
            _ = try name()
            try end(with: .releaseSavepoint)
        default:
            try scan()
            try end(with: .xa)
        }
    }

    private mutating func end(with verb: TransactionVerb) throws(Unsorted.Reason) {
        try expectEnd()
        foundTransaction(verb)
    }

    mutating func foundTransaction(_ verb: TransactionVerb) {
        guard !isInBody else {
            // A session can't follow a transaction through a body's branches: the whole belongs where it may write.
            result.classes.insert(.write)
            return found(.transaction)
        }
        result.transaction = verb
        found(.transaction)
    }

    /// BEGIN [WORK], or BEGIN NOT ATOMIC, a compound statement
    private mutating func begin() throws(Unsorted.Reason) {
        if try following().keyword == .not { return try compound() }
        try advance()
        _ = try accept(.work)
        try end(with: .begin(readOnly: false))
    }

    /// START TRANSACTION; START SLAVE
    private mutating func start() throws(Unsorted.Reason) {
        try advance()
        guard try accept(.transaction) else { return try replicationThreads() }
        var readOnly = false
        if !atEnd {
            repeat {
                if try accept(.with) {
                    try expect(.consistent)
                    try expect(.snapshot)
                } else {
                    try expect(.read)
                    readOnly = at(.only)
                    guard try accept(anyOf: .only, .write) else { throw .unexpectedWord }
                }
            } while try accept(",")
        }
        try end(with: .begin(readOnly: readOnly))
    }

    /// [WORK] [AND [NO] CHAIN] [[NO] RELEASE]; true where the transaction is chained.
    private mutating func completion() throws(Unsorted.Reason) -> Bool {
        _ = try accept(.work)
        var chain = false
        if try accept(.and) {
            chain = try !accept(.no)
            try expect(.chain)
        }
        if try accept(.no) { try expect(.release) } else { _ = try accept(.release) }
        return chain
    }

    private mutating func rollback() throws(Unsorted.Reason) {
        try advance()
        _ = try accept(.work)
        if try accept(.to) {
            if at(.savepoint), try following().isName { try advance() }
            _ = try name()
            return try end(with: .rollbackToSavepoint)
        }
        let chain = try completion()
        try end(with: .rollback(chain: chain))
    }
}

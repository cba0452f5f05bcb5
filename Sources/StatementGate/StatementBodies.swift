/// Procedures, functions, triggers and events: a head, and a body whose statements all count.
extension StatementParser {
    /// At PROCEDURE
    mutating func procedure() throws(Unsorted.Reason) {
        try advance()
        try acceptExistenceClause()
        try qualifiedName()
        if token.isPunctuation("(") { try scanParentheses() }
        try characteristics()
        try storedBody()
    }

    /// At FUNCTION or AGGREGATE. With SONAME it loads a library into the server.
    mutating func function() throws(Unsorted.Reason) {
        _ = try accept(.aggregate)
        try expect(.function)
        try acceptExistenceClause()
        try qualifiedName()
        if token.isPunctuation("(") { try scanParentheses() }
        try expect(.returns)
        try type()
        if at(.soname) { return try rest(.breaksReplication) }
        try characteristics()
        try storedBody()
    }

    /// name {BEFORE | AFTER} {INSERT | UPDATE | DELETE} ON table FOR EACH ROW [{FOLLOWS | PRECEDES} name] body
    mutating func trigger() throws(Unsorted.Reason) {
        try advance()
        try acceptExistenceClause()
        try qualifiedName()
        guard try accept(anyOf: .before, .after), try accept(anyOf: .insert, .update, .delete) else { throw .unexpectedWord }
        try expect(.on)
        try qualifiedName()
        try expect(.for)
        try expect(.each)
        try expect(.row)
        if try accept(anyOf: .follows, .precedes) { _ = try name() }
        try storedBody()
    }

    /// At EVENT, of CREATE or ALTER: a schedule and options up to DO, which ALTER can leave out.
    mutating func event() throws(Unsorted.Reason) {
        found(.tableDefinition, .implicitlyCommits)
        try scan(to: .do, orEnd: true)
        if try accept(.do) { try storedBody() }
    }

    /// What a body does to a session, it does when it is called, not now.
    private mutating func storedBody() throws(Unsorted.Reason) {
        let before = result
        let preparedBefore = preparedHere
        result.repetition.kinds = []
        result.facts = []
        result.preparations = []
        try body()
        result.classes.subtract([StatementClasses(.session), StatementClasses(.transaction)])
        result.classes.formUnion(before.classes)
        result.facts = before.facts
        result.preparations = before.preparations
        preparedHere = preparedBefore
        result.database = before.database
        result.repetition.kinds = before.repetition.kinds
        found(.tableDefinition, .implicitlyCommits)
    }

    /// A type's name and what can follow it.
    private mutating func type() throws(Unsorted.Reason) {
        try qualifiedName()
        while true {
            if token.isPunctuation("(") {
                try scanParentheses()
            } else if try accept(anyOf: .character, .charset, .collate) {
                _ = try accept(.set)
                if token.kind == .string { try advance() } else { _ = try name() }
            } else if try !accept(anyOf: .unsigned, .signed, .zerofill, .precision, .varying, .binary, .ascii, .unicode, .byte) {
                return
            }
        }
    }

    /// COMMENT 'text', LANGUAGE SQL, [NOT] DETERMINISTIC, {CONTAINS | NO | READS | MODIFIES} SQL [DATA], SQL SECURITY {DEFINER | INVOKER}
    private mutating func characteristics() throws(Unsorted.Reason) {
        while true {
            if try accept(.comment) {
                guard token.kind == .string else { throw .unexpectedWord }
                try advance()
            } else if try accept(anyOf: .language, .contains, .no) {
                try expect(.sql)
            } else if try accept(anyOf: .reads, .modifies) {
                try expect(.sql)
                try expect(.data)
            } else if try accept(.sql) {
                try expect(.security)
                guard try accept(anyOf: .definer, .invoker) else { throw .unexpectedWord }
            } else if try accept(.not) {
                try expect(.deterministic)
            } else if try !accept(.deterministic) {
                return
            }
        }
    }
}

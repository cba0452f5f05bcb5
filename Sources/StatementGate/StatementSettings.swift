/// Settings, calls and targets that matter to what other nodes make of definitions and rows.
extension StatementParser {
    /// A SET of the system variable, with the value's spelling where it is written out.
    mutating func noteSetting(_ name: String, _ value: String?, global: Bool, isForStatement: Bool) {
        let place: Repetition.Setting.Place = global ? .server : isForStatement ? .statement : isInBody ? .body : .session
        switch SessionVariables.effect(of: name) {
        case .shapes, .overruled: break
        case .harmless, .carried, .tolerated, .closed, nil:
            guard global, SessionVariables.shapingOfServer.contains(name) else { return }
        }
        var found = Repetition()
        found.settings = [Repetition.Setting(name: name, value: value, place: place)]
        result.repetition.formUnion(found)
    }

    /// What a prepared or dynamic text repeats; in a body nothing can be looked up.
    mutating func joinRepetition(_ inner: Repetition) {
        var inner = inner
        if isInBody {
            for look in inner.looks where look.question == .isEmpty || look.question == .hasOrder { inner.found(look.otherwise) }
            inner.looks = []
        }
        result.repetition.formUnion(inner)
    }

    /// At INSERT, REPLACE, UPDATE or DELETE: every node keeps some tables for itself, and would not find the rows.
    mutating func noteOwnTables() throws(Unsorted.Reason) {
        var ahead = self
        for _ in 0..<Self.targetTokensMax {
            try ahead.advance()
            if ahead.atEnd || ahead.token.isPunctuation("(") { return }
            if ahead.at(.values) || ahead.at(.value) || ahead.at(.select) || ahead.at(.set) || ahead.at(.where) { return }
            guard ahead.token.isName else { continue }
            let name = String(decoding: ahead.lexer.decoded(ahead.token).map(lowercased), as: UTF8.self)
            if name == "innodb_table_stats" || name == "innodb_index_stats" { result.repetition.found(.ownStatistics) }
            if name == Self.positions { found(.breaksReplication) }
        }
    }

    /// A table that is looked for in a definition's tokens; what it holds is where a replica goes on.
    static let positions = "gtid_slave_pos"
    private static let targetTokensMax = 64

    /// At a statement about accounts.
    mutating func noteAccountRepetition(setsDefaultRole: Bool) throws(Unsorted.Reason) {
        repeats(.accounts)
        var ahead = self
        while !ahead.atEnd {
            let name = ahead.token.kind == .word ? Array(ahead.lexer.text[ahead.token.range]).map(lowercased) : []
            if name == Self.currentRole { result.repetition.found(.currentRole) }
            if setsDefaultRole, ahead.token.isName || ahead.token.kind == .string || ahead.token.kind == .userVariable {
                let content = ahead.lexer.decoded(ahead.token)
                if content.contains(UInt8(ascii: "'")) || content.contains(UInt8(ascii: "\\")) { result.repetition.found(.quotedRole) }
            }
            try ahead.advance()
        }
    }

    private static let currentRole = Array("current_role".utf8)
}

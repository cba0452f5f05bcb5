/// Which statements stand for themselves, so that they may run with rights that clients' statements don't have.
extension StatementParser {
    /// At the text's first verb. A parenthesis could hold a query or call a function; where the grammar has literals in it, it is let be.
    func officeAtVerb() throws(Unsorted.Reason) -> Classification.Office? {
        switch token.keyword {
        case .create: try officeOfDefinition()
        case .alter, .drop, .rename: try officeOfObject(following().keyword)
        case .grant, .revoke: .accounts
        case .set: try officeOfSet()
        case .kill: hasParenthesis ? nil : .connections
        case .flush, .reset, .backup: hasParenthesis ? nil : .server
        default: nil
        }
    }

    private func officeOfDefinition() throws(Unsorted.Reason) -> Classification.Office? {
        var ahead = self
        try ahead.advance()
        if try ahead.accept(.or) { _ = try ahead.accept(.replace) }
        return officeOfObject(ahead.token.keyword)
    }

    private func officeOfObject(_ keyword: Keyword?) -> Classification.Office? {
        switch keyword {
        case .server: .server
        case .user, .role: .accounts
        default: nil
        }
    }

    /// PASSWORD and DEFAULT ROLE take literals and names; what else a SET assigns is of another class.
    private func officeOfSet() throws(Unsorted.Reason) -> Classification.Office? {
        switch try following().keyword {
        case .password, .default: .accounts
        case .statement: nil
        default: hasParenthesis ? nil : .server
        }
    }

    private var hasParenthesis: Bool { lexer.text.contains(UInt8(ascii: "(")) }
}

extension Classification.Office {
    fileprivate var own: StatementClass {
        switch self {
        case .server, .connections: .serverAdministration
        case .accounts: .accounts
        }
    }

    /// All that may be found in such a statement.
    var statementClasses: StatementClasses { StatementClasses(own) }
}

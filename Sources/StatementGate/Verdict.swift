/// What the operator has opened beyond the defaults.
package struct GateOptions: Sendable, Hashable {
    /// Several statements in one request.
    package var multiStatements: Bool
    /// On the master: statements that read or write the server's files.
    package var files: Bool
    /// Clients' statements run as an account of the node's own, which they may not change.
    package var sharesAccount: Bool
    /// What the server's sessions begin with of the variables that shape definitions.
    package var values: ServerValues

    package init(multiStatements: Bool = false, files: Bool = false, sharesAccount: Bool = false, values: ServerValues = ServerValues()) {
        self.multiStatements = multiStatements
        self.files = files
        self.sharesAccount = sharesAccount
        self.values = values
    }
}

/// What to do with a statement.
package enum Verdict: Equatable, Sendable {
    /// Here, on any connection.
    case run
    /// To the master.
    case forward
    /// On the connection that keeps the session's state.
    case inSession
    case refuse(Refusal)
}

/// An answer in place of running a statement.
package struct Refusal: Equatable, Sendable {
    package let code: RefusalCode
    /// The SQLSTATE.
    package let state: String
    /// What was refused, why, and what to do.
    package let message: String

    package init(code: RefusalCode, state: String = "42000", message: String) {
        self.code = code
        self.state = state
        self.message = message
    }
}

/// The symbolic codes of refusals, as clients see them.
package enum RefusalCode: String, CaseIterable, Hashable, Sendable {
    case drop = "DROP-REFUSED"
    case database = "DATABASE-REFUSED"
    case administration = "ADMIN-REFUSED"
    case nodeOwned = "NODE-OWNED"
    case files = "FILES-REFUSED"
    case multipleStatements = "MULTI-REFUSED"
    case unknown = "UNKNOWN-STATEMENT"
    case dynamic = "DYNAMIC-REFUSED"
    case notRepeatable = "NOT-REPEATABLE"
}

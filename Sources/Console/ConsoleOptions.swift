package import ClusterModel

/// What the console is to do.
package struct ConsoleOptions: Sendable {
    /// The node to talk to.
    package var address: NodeAddress
    /// Run these and end; each may hold several statements. Where there are none, they are read from the standard input.
    package var statements: [String]
    /// Nil: a table for a terminal, `tsv` for anything else.
    package var format: OutputFormat?
    /// Who to say we are, where the node asks for it.
    package var user: String?
    /// Nil with a user: asked for at the terminal, empty without one.
    package var password: String?
    /// Goes on after a statement that failed, where nobody types.
    package var goesOn: Bool
    /// The console shares its process and its terminal with the node it talks to.
    package var insideNode: Bool

    package init(
        address: NodeAddress, statements: [String] = [], format: OutputFormat? = nil, user: String? = nil, password: String? = nil,
        goesOn: Bool = false, insideNode: Bool = false
    ) {
        self.address = address
        self.statements = statements
        self.format = format
        self.user = user
        self.password = password
        self.goesOn = goesOn
        self.insideNode = insideNode
    }
}

/// How the console shows results.
package enum OutputFormat: String, CaseIterable, Sendable {
    /// Aligned columns in a frame.
    case table
    /// A line a row, tabs between the columns, escaped as the protocol does.
    case tsv
    /// The node's replies in JSON, a line each.
    case json
    /// A line a value, each row under a title.
    case vertical
}

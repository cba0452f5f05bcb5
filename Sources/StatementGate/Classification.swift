/// What a text would do, by its grammar alone.
package struct Classification: Sendable, Equatable {
    /// Of everything found in the text: statements in statements, bodies, dynamic SQL, functions with effects.
    package var classes: StatementClasses = []
    package var facts: SessionFacts = []
    /// The last one, where a text has several.
    package var transaction: TransactionVerb?
    /// The database that USE names, without quotes; the last one, where a text has several.
    package var database: [UInt8]?
    /// What the text prepares and deallocates, in order.
    package var preparations: [Prepared] = []
    /// Statements at the top level, between semicolons.
    package var statementCount = 0

    /// Where the text is one statement that administers and nothing else: no statement within it, no query, no call of a function. Only such a text may
    /// run with more rights than clients' statements have.
    package internal(set) var office: Office?

    /// It may run on any connection.
    package var administersOnly: Bool { (office == .server || office == .connections) && !facts.contains(.locksTables) }

    /// What a bare statement administers.
    package enum Office: Sendable, Hashable {
        /// The server; `BACKUP` and `FLUSH TABLES … WITH READ LOCK` among others.
        case server
        /// A connection of another client: the right to its own account's is enough.
        case connections
        case accounts
    }

    /// Of what runs again on the other nodes.
    package internal(set) var repetition = Repetition()

    /// The text's tokens as a number, all literals alike: texts that differ in their values only have the same shape.
    package internal(set) var shape: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    /// One read that leaves nothing in its session and needs nothing of it.
    package var isPlainRead: Bool { classes == StatementClasses(.read) && facts.isEmpty && statementCount == 1 && transaction == nil }

    /// The one class that names the whole.
    package var statementClass: StatementClass { classes.highest }

    /// The last preparation.
    package var prepared: Prepared? { preparations.last }

    /// A name that PREPARE gives a statement, or that DEALLOCATE takes back.
    package struct Prepared: Sendable, Equatable {
        /// Without quotes.
        package let name: [UInt8]
        // An array as a box: a classification holds another one.
        private let boxed: [Classification]

        init(name: [UInt8], statement: Classification?) {
            self.name = name
            boxed = statement.map { [$0] } ?? []
        }

        /// What EXECUTE would do; nil where the name is deallocated.
        package var statement: Classification? { boxed.first }
    }
}

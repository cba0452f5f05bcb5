import ClusterModel
import LineProtocol
import StatementGate

/// How a statement's id gets into its transaction.
struct Identity: Equatable {
    enum Step {
        /// The statement is a transaction of its own: that is begun and the id stored before it. Next is `end`.
        case begin
        /// The id is stored before the statement, in the transaction that is open.
        case store
        /// The id is stored behind the statement, which begins the transaction.
        case storeAfterwards
        /// The transaction that was begun for the statement ends with it.
        case end
        /// Nothing is left to do.
        case done
    }

    let id: TransactionID
    var step: Step

    var isDueBefore: Bool {
        switch step {
        case .begin, .store: true
        case .storeAfterwards, .end, .done: false
        }
    }
}

/// What was in a session's open transaction that an id can't come after.
struct TransactionMarks: OptionSet {
    let rawValue: UInt8
    /// Rolled back to it, the transaction would lose the id and keep the rest.
    static let savepoint = TransactionMarks(rawValue: 1)
    static let xa = TransactionMarks(rawValue: 2)

    mutating func ran(_ what: Classification) {
        switch what.transaction {
        case .savepoint?: insert(.savepoint)
        case .xa?: insert(.xa)
        case .begin?, .commit?, .rollback?: remove(.savepoint)
        case .rollbackToSavepoint?, .releaseSavepoint?, .setAutocommit?, .setCharacteristics?, nil: break
        }
    }
}

extension Identity {
    /// Which step an id begins with; nil where it has no effect, as on a read. Throws what the client is told where the statement can't have one.
    init?(_ id: TransactionID, _ what: Classification, hold: SessionHold, marks: TransactionMarks) throws(ReplyError) {
        let begins = what.begins
        if let why = Self.obstacle(what, hold, begins ? marks.subtracting(.savepoint) : marks) {
            throw ReplyError(.badRequest, "\(why), so it can't have the id \(id); it was not run, send it without .id")
        }
        self.id = id
        if begins {
            step = .storeAfterwards
        } else if what.endsWithoutCommit {
            return nil
        } else if hold.contains(.transaction) {
            step = .store
        } else if hold.contains(.autocommitOff), what.transaction == nil, what.statementClass != .session {
            step = .store
        } else if what.mayChangeData {
            step = .begin
        } else {
            return nil
        }
    }

    private static func obstacle(_ what: Classification, _ hold: SessionHold, _ marks: TransactionMarks) -> String? {
        if what.statementCount > 1 { return "this is more than one statement" }
        if what.transaction == .xa || marks.contains(.xa) { return "an XA transaction has an id of its own" }
        if what.facts.contains(.implicitlyCommits) || what.classes.contains(.serverAdministration) { return "this statement commits by itself" }
        if what.classes.contains(.transaction), what.transaction == nil { return "this statement ends transactions itself" }
        if what.classes.contains(.opaque) { return "the node can't tell what this statement does" }
        if what.facts.contains(.readsDiagnostics) { return "this statement asks about the one before it" }
        if hold.contains(.tableLocks) { return "this statement runs under LOCK TABLES" }
        if hold.contains(.transaction), marks.contains(.savepoint) { return "a SAVEPOINT came first in this transaction" }
        return nil
    }
}

extension Classification {
    var begins: Bool {
        switch transaction {
        case .begin(readOnly: false)?, .setAutocommit(false)?: true
        case .begin(readOnly: true)?, .commit?, .rollback?, .savepoint?, .rollbackToSavepoint?, .releaseSavepoint?, .setAutocommit(true)?,
            .setCharacteristics?, .xa?, nil:
            false
        }
    }

    fileprivate var endsWithoutCommit: Bool {
        switch transaction {
        case .rollback?, .rollbackToSavepoint?, .begin(readOnly: true)?: true
        case .begin(readOnly: false)?, .commit?, .savepoint?, .releaseSavepoint?, .setAutocommit?, .setCharacteristics?, .xa?, nil: false
        }
    }

    /// A function, or what is prepared, may change data though the statement reads like a query.
    fileprivate var mayChangeData: Bool {
        transaction == nil && (isWrite || !facts.isDisjoint(with: [.callsFunction, .callsRoutine, .executesPrepared]))
    }

    var endsTransaction: Bool {
        switch transaction {
        case .commit?, .rollback?: true
        case .begin?, .savepoint?, .rollbackToSavepoint?, .releaseSavepoint?, .setAutocommit?, .setCharacteristics?, .xa?, nil: false
        }
    }

    var rollsBack: Bool {
        if case .rollback? = transaction { true } else { false }
    }
}

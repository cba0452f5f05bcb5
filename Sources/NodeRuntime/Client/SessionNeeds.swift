import LineProtocol
import StatementGate

extension Classification {
    /// GRANT and the like; FLUSH PRIVILEGES is the server's administration.
    var mayChangeRights: Bool { classes.contains(.accounts) || classes.contains(.serverAdministration) }
}

/// What a statement's facts mean for the connection that its session shares with others.
extension SessionFacts {
    /// What it leaves in the connection, which the session then keeps.
    static let holds: [(SessionFacts, SessionHold)] = [
        ([.setsSessionVariable, .setsUserVariable], .variables),
        // A procedure may assign any user variable.
        ([.assignsUserVariable, .callsRoutine], .assignedVariables),
        (.temporaryTable, .temporaryTables),
        (.prepares, .prepared),
        (.locksTables, .tableLocks),
        (.advisoryLock, .advisoryLocks),
        (.opensHandler, .handlers),
        (.beginsBackup, .backupStage),
        (.locksForBackup, .backupLock),
        // Who asked for the GTID of a write asks again, and it can't be carried to another connection.
        ([.advancesSequence, .readsLastGTID], .lastValues),
    ]

    /// What ends what it keeps.
    static let ends: [(SessionFacts, SessionHold)] = [
        (.unlocksTables, .tableLocks), (.endsBackup, .backupStage), (.unlocksForBackup, .backupLock),
    ]

    static let readsOrKeepsInsertID = holds.reduce(into: [.readsLastInsertID, .executesPrepared] as SessionFacts) { $0.formUnion($1.0) }

    /// Where another session ran the statement before: a first statement may ask about that, and routines may set variables.
    static let findsLeftovers: SessionFacts = [.readsDiagnostics, .readsUserVariable, .callsRoutine, .executesPrepared]

    /// Where another session ran any statement before: column defaults, triggers and functions advance sequences, too, and later statements leave that be.
    static let findsOldLeftovers: SessionFacts = [.readsLastValue, .advancesSequence]
}

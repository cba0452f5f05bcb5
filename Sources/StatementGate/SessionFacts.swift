/// What a statement does to its session, or needs from it: what decides whether a session can share connections.
package struct SessionFacts: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// SET of a variable of the session, by whatever spelling; also NAMES, CHARACTER SET and ROLE.
    package static let setsSessionVariable = SessionFacts(rawValue: 1 << 0)
    /// SET @x
    package static let setsUserVariable = SessionFacts(rawValue: 1 << 1)
    /// `@x := …`, INTO @x or GET DIAGNOSTICS @x in a statement other than SET
    package static let assignsUserVariable = SessionFacts(rawValue: 1 << 2)
    package static let readsUserVariable = SessionFacts(rawValue: 1 << 3)
    /// Creates or drops a temporary table.
    package static let temporaryTable = SessionFacts(rawValue: 1 << 4)
    package static let prepares = SessionFacts(rawValue: 1 << 5)
    package static let executesPrepared = SessionFacts(rawValue: 1 << 6)
    package static let deallocates = SessionFacts(rawValue: 1 << 7)
    package static let locksTables = SessionFacts(rawValue: 1 << 8)
    package static let unlocksTables = SessionFacts(rawValue: 1 << 9)
    /// GET_LOCK(), RELEASE_LOCK(), RELEASE_ALL_LOCKS()
    package static let advisoryLock = SessionFacts(rawValue: 1 << 10)
    /// Asks about the statement before: SHOW WARNINGS, FOUND_ROWS(), ROW_COUNT(), @@warning_count, GET DIAGNOSTICS, …
    package static let readsDiagnostics = SessionFacts(rawValue: 1 << 11)
    /// LAST_INSERT_ID(), @@last_insert_id, @@identity
    package static let readsLastInsertID = SessionFacts(rawValue: 1 << 12)
    /// HANDLER … OPEN
    package static let opensHandler = SessionFacts(rawValue: 1 << 13)
    package static let callsRoutine = SessionFacts(rawValue: 1 << 14)
    /// Ends an open transaction by committing it: definitions, accounts, LOCK TABLES and the like.
    package static let implicitlyCommits = SessionFacts(rawValue: 1 << 15)
    /// LOCK TABLES with a WRITE lock among them: such a lock must be held on the master.
    package static let locksForWriting = SessionFacts(rawValue: 1 << 16)
    /// SET sql_mode: the texts that follow are read by other rules.
    package static let setsSQLMode = SessionFacts(rawValue: 1 << 17)
    /// SET [SESSION] TRANSACTION READ WRITE
    package static let opensForWriting = SessionFacts(rawValue: 1 << 18)
    /// Changes the account that it runs as: SET PASSWORD and SET DEFAULT ROLE without FOR, CURRENT_USER.
    package static let changesOwnAccount = SessionFacts(rawValue: 1 << 19)
    /// SET STATEMENT … FOR: the variables are set back behind it.
    package static let setsForStatement = SessionFacts(rawValue: 1 << 20)
    /// SET character_set_client from a user variable: only the server knows, afterwards, in which character set the texts that follow are read.
    package static let setsCharset = SessionFacts(rawValue: 1 << 21)
    /// SQL_CALC_FOUND_ROWS: FOUND_ROWS() is likely to follow.
    package static let countsFoundRows = SessionFacts(rawValue: 1 << 22)
    /// A read or DO that calls a function which is not known to be the server's own and without effects: it may do anything.
    package static let callsFunction = SessionFacts(rawValue: 1 << 23)
    /// NEXTVAL(), NEXT VALUE FOR: what LASTVAL() tells from then on. SETVAL() does not change that.
    package static let advancesSequence = SessionFacts(rawValue: 1 << 24)
    /// LASTVAL(), PREVIOUS VALUE FOR
    package static let readsLastValue = SessionFacts(rawValue: 1 << 25)
    /// BACKUP STAGE START and what follows it, and BACKUP STAGE END
    package static let beginsBackup = SessionFacts(rawValue: 1 << 27)
    package static let endsBackup = SessionFacts(rawValue: 1 << 28)
    /// BACKUP LOCK, BACKUP UNLOCK
    package static let locksForBackup = SessionFacts(rawValue: 1 << 29)
    package static let unlocksForBackup = SessionFacts(rawValue: 1 << 30)
    /// @@last_gtid
    package static let readsLastGTID = SessionFacts(rawValue: 1 << 26)
}

/// What a statement does to the session's transaction.
package enum TransactionVerb: Hashable, Sendable {
    case begin(readOnly: Bool)
    case commit(chain: Bool)
    case rollback(chain: Bool)
    case savepoint
    case rollbackToSavepoint
    case releaseSavepoint
    /// SET autocommit; a value that isn't written out counts as off.
    case setAutocommit(Bool)
    /// SET [SESSION] TRANSACTION
    case setCharacteristics
    case xa
}

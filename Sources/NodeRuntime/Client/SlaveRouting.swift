import ClusterModel
import LineProtocol
import StatementGate

/// Where a slave runs what its role allows: here, on the master, or both.
extension ClientSession {
    /// Whether the session's next statement belongs to what it holds on the master: an open transaction, a temporary table, …
    var livesOnMaster: Bool { forwarded?.holdsState ?? false }

    func route(_ sql: [UInt8], _ what: Classification) {
        if local.inTransaction {
            // A READ ONLY transaction runs here; MariaDB itself refuses a write in it. What it sets counts for later writes, too.
            if what.assignsUserVariable { return answer(Self.variableRefused) }
            if what.facts.contains(.setsSessionVariable) { return setOnBoth(sql, what) }
            return what.transaction == nil ? readHere(sql, what) : runHere(sql, what)
        }
        if livesOnMaster || what.facts.contains(.readsDiagnostics) && lastWasPassedOn { return passOn(sql, what) }
        if what.facts.contains(.readsDiagnostics), what.assignsUserVariable, !what.isWrite { return answer(Self.diagnosticsElsewhere) }
        if let verb = what.transaction { return route(verb, sql, what) }
        // The session's last insert was the master's, and so was what advanced a sequence.
        if !what.facts.isDisjoint(with: [.readsLastInsertID, .readsLastValue, .readsLastGTID]), forwarded?.hasWritten ?? false {
            return passOn(sql, what)
        }
        if what.isWrite || what.facts.bindsToMaster { return passOn(sql, what) }
        if what.facts.contains(.setsSessionVariable) { return setOnBoth(sql, what) }
        readHere(sql, what)
    }

    private func route(_ verb: TransactionVerb, _ sql: [UInt8], _ what: Classification) {
        switch verb {
        case .begin(readOnly: true): readHere(sql, what)
        case .begin(readOnly: false), .xa, .setAutocommit(false), .commit(chain: true), .rollback(chain: true): passOn(sql, what)
        // Nothing is open, so there is nothing to end: the database here says so as well as the master's.
        case .commit(chain: false), .rollback(chain: false), .savepoint, .rollbackToSavepoint, .releaseSavepoint, .setAutocommit(true):
            runHere(sql, what)
        case .setCharacteristics: setOnBoth(sql, what)
        }
    }

    /// A setting counts for the reads here and for what is passed on later.
    private func setOnBoth(_ sql: [UInt8], _ what: Classification) {
        let forwarded = forwardedSession()
        guard forwarded.canRemember else {
            return answer(ReplyError(.badRequest, "this session has too many settings for a slave; use .reset, or connect to the master"))
        }
        readHere(sql, what) { forwarded.remember(setting: sql) }
    }

    /// The same text can give another value there: UUID(), or a query of another moment.
    private static let variableRefused = ReplyError(
        .variableRefused,
        "a slave's session has its user variables on the master, so a READ ONLY transaction here can't assign one; assign it before the transaction, which then runs on the master"
    )

    private static let diagnosticsElsewhere = ReplyError(
        .diagnosticsGone,
        "the last statement's counts and warnings are on this slave, the session's user variables on the master; read them without assigning")

    /// How the next statement's text may be read, by where it may run: one way, or two.
    var modes: (LexicalMode, LexicalMode?) {
        guard !local.inTransaction, let there = forwarded?.mode, there != local.mode else { return (local.mode, nil) }
        return livesOnMaster ? (there, nil) : (local.mode, there)
    }
}

extension LexicalMode {
    /// As a session that is passed on tells it.
    var bits: UInt8 { (ansiQuotes ? 1 : 0) | (noBackslashEscapes ? 2 : 0) | (oracle ? 4 : 0) }

    init(bits: UInt8) {
        self = .standard
        ansiQuotes = bits & 1 != 0
        noBackslashEscapes = bits & 2 != 0
        oracle = bits & 4 != 0
    }
}

extension SessionFacts {
    /// What a later write may need must be where writes run.
    fileprivate var bindsToMaster: Bool {
        !isDisjoint(with: [
            // Set once, on the master: what UUID() gave there would be another here.
            .setsUserVariable, .assignsUserVariable, .temporaryTable, .prepares, .executesPrepared, .deallocates, .locksTables, .unlocksTables,
            .advisoryLock,
            .opensHandler,
            .callsRoutine,
        ])
    }
}

extension Classification {
    private static let harmless: StatementClasses = [StatementClasses(.read), StatementClasses(.session), StatementClasses(.transaction)]

    /// A routine's arguments can be its results.
    fileprivate var assignsUserVariable: Bool {
        !facts.isDisjoint(with: [.setsUserVariable, .assignsUserVariable]) || facts.isSuperset(of: [.callsRoutine, .readsUserVariable])
    }

    /// Whether it may change data, or takes locks as a change does.
    var isWrite: Bool { !classes.isSubset(of: Self.harmless) }
}

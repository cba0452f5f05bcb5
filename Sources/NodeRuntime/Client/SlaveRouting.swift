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
            return what.facts.isDisjoint(with: Self.settings) ? runHere(sql, what) : setOnBoth(sql, what)
        }
        if livesOnMaster || what.facts.contains(.readsDiagnostics) && lastWasPassedOn { return passOn(sql, what) }
        if let verb = what.transaction { return route(verb, sql, what) }
        // The session's last insert was the master's.
        if what.facts.contains(.readsLastInsertID), let forwarded, forwarded.lastWrite > .start { return passOn(sql, what) }
        if what.isWrite || what.facts.bindsToMaster { return passOn(sql, what) }
        if !what.facts.isDisjoint(with: Self.settings) { return setOnBoth(sql, what) }
        readHere(sql, what)
    }

    private func route(_ verb: TransactionVerb, _ sql: [UInt8], _ what: Classification) {
        switch verb {
        case .begin(readOnly: true): readHere(sql, what)
        case .begin(readOnly: false), .xa, .setAutocommit(false): passOn(sql, what)
        // Nothing is open, so there is nothing to end: the database here says so as well as the master's.
        case .commit, .rollback, .savepoint, .rollbackToSavepoint, .releaseSavepoint, .setAutocommit(true): runHere(sql, what)
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

    private static let settings: SessionFacts = [.setsSessionVariable, .setsUserVariable]

    /// How the next statement's text may be read, by where it may run.
    var modes: [LexicalMode] {
        guard !local.inTransaction, let there = forwarded?.mode, there != local.mode else { return [local.mode] }
        return livesOnMaster ? [there] : [local.mode, there]
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

    /// Whether it may change data, or takes locks as a change does.
    var isWrite: Bool { !classes.isSubset(of: Self.harmless) }
}

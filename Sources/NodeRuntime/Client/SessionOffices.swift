import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import StatementGate

/// The connections that a session has besides its own.
///
/// Where all clients share one account, that account has no rights over the server or its accounts: a bare statement about those runs as an account of the
/// node's, on a connection that is new for it, while the session's own one waits.
struct SessionOffices {
    /// A connection, and what the session keeps there.
    struct Place {
        let connection: MariaDBConnection
        var hold: SessionHold
        var marks: TransactionMarks
        var hasWritten: Bool
    }

    /// The session's own connection while a statement runs elsewhere.
    fileprivate var own: Place?
    /// Has locks on the whole server, or on tables, that only an administrator can take.
    fileprivate(set) var locks: Place?
    /// The last statement ran elsewhere, so what it left to ask about is not on the session's own connection.
    fileprivate var ranLast = false
}

extension LocalSession {
    /// True where the statement is none for the session's own connection: then it runs, or is refused, here.
    func runsElsewhere(_ statement: LocalStatement) -> Bool {
        // An external database knows one account of the node's.
        guard account == nil, node.settings.database.mode == .private else { return false }
        let what = statement.what
        if what.facts.contains(.readsDiagnostics), offices.ranLast {
            refuse(statement, .diagnosticsGone)
            return true
        }
        offices.ranLast = false
        if offices.locks != nil, let answer = underLocks(what) {
            switch answer {
            case .onThem: runOnLocks(statement)
            case .refused(let error): refuse(statement, error)
            }
            return true
        }
        guard let office = what.office, let office = node.account(for: office) else { return false }
        if what.facts.contains(.implicitlyCommits), hold.contains(.tableLocks) {
            refuse(statement, .underTableLocks)
        } else if what.facts.contains(.implicitlyCommits), inTransaction, let pinned {
            commit(pinned, before: statement) { [self] in run(statement, as: office) }
        } else {
            run(statement, as: office)
        }
        return true
    }

    private enum UnderLocks {
        case onThem
        case refused(ReplyError)
    }

    /// Nil: what the session's own connection does as well.
    private func underLocks(_ what: Classification) -> UnderLocks? {
        if what.office == .server || what.facts.contains(.unlocksTables) { return .onThem }
        // It would wait for its own session's locks.
        return what.isWrite ? .refused(.underReadLock) : nil
    }

    // MARK: Going and coming back

    private func run(_ statement: LocalStatement, as office: DatabaseAccount) {
        let own = pinned
        leaveOwn()
        let elsewhere = LocalStatement(statement.sql, statement.what, statement.writer) { [self] success in
            comeBack()
            statement.done(success)
        }
        var answered = false
        let ticket = node.pool.acquire(account: office, database: database, preferred: nil) { [self] result in
            answered = true
            self.ticket = nil
            switch result {
            case .failure(let error): refuse(elsewhere, PoolWords.reply(error, node))
            case .success(let connection):
                running = connection
                // Nothing that another statement left may count for one with more rights.
                connection.renew { [self] in
                    guard running === connection else { return }
                    if case .failure(let error) = $0 { return cannotBegin(error, connection, elsewhere) }
                    matchLexically(connection, own) { [self] error in
                        guard running === connection else { return }
                        if let error { cannotBegin(error, connection, elsewhere) } else { prepare(connection, elsewhere) }
                    }
                }
            }
        }
        if !answered { self.ticket = ticket }
    }

    private func runOnLocks(_ statement: LocalStatement) {
        guard let locks = offices.locks else { return }
        leaveOwn()
        if statement.what.facts.contains(.unlocksTables), let own = offices.own, own.hold.contains(.tableLocks) {
            own.connection.query("UNLOCK TABLES") { _ in }
            offices.own?.hold.remove(.tableLocks)
        }
        (pinned, hold) = (locks.connection, locks.hold)
        offices.locks = nil
        runAsSession(
            LocalStatement(statement.sql, statement.what, statement.writer) { [self] success in
                comeBack()
                statement.done(success)
            })
    }

    private func leaveOwn() {
        offices.own = pinned.map { SessionOffices.Place(connection: $0, hold: hold, marks: marks, hasWritten: hasWritten) }
        (pinned, hold, marks, hasWritten) = (nil, [], [], false)
    }

    private func comeBack() {
        if let pinned { offices.locks = SessionOffices.Place(connection: pinned, hold: hold, marks: [], hasWritten: false) }
        let own = offices.own
        offices.own = nil
        (pinned, hold, marks, hasWritten) = (own?.connection, own?.hold ?? [], own?.marks ?? [], own?.hasWritten ?? false)
        offices.ranLast = true
    }

    private func cannotBegin(_ error: DatabaseError, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        running = nil
        node.pool.discard(connection)
        refuse(statement, error.lostConnection ? PoolWords.reply(.databaseDown(error), node) : error.reply)
    }

    /// The statement's text must be read there as the gate has read it, by the session's settings.
    private func matchLexically(
        _ connection: MariaDBConnection, _ own: MariaDBConnection?, done: @escaping @LoopActor (DatabaseError?) -> Void
    ) {
        guard let own else { return done(nil) }
        own.query(Self.lexicalSettings) { result in
            switch result {
            case .failure(let error): done(error)
            case .success(let found):
                connection.query("SET SESSION \(found.first ?? "")") { result in
                    if case .failure(let error) = result { done(error) } else { done(nil) }
                }
            }
        }
    }

    private static let lexicalSettings = """
        SELECT CONCAT('sql_mode=\\'', @@sql_mode, '\\', character_set_client=', @@character_set_client, \
        ', collation_connection=', @@collation_connection)
        """

    // MARK: The transaction before

    /// As MariaDB does itself where such a statement comes within a transaction.
    private func commit(_ connection: MariaDBConnection, before statement: LocalStatement, then next: @escaping @LoopActor () -> Void) {
        running = connection
        isHarmlessToBreak = false
        // Takes nothing but what the client is told where the commit waits too long.
        let stream = ReplyStream(
            channel, statement.writer, ReplyStream.Kind(), applied: { [node] in node.applied.value }, inTransaction: { false }
        ) { _, _ in }
        self.stream = stream
        if node.commitsWait { watchCommit(connection, statement, stream) }
        connection.execute(
            Self.commit,
            CommitSink { [self] result in
                if case .success(let gtid) = result {
                    node.outcomes.ended(on: connection, gtid)
                    if let gtid { node.committed(gtid) }
                }
                guard running === connection else { return node.leftCommits.ended(connection) }
                stopWatching()
                self.stream = nil
                committed(result, connection, statement, next)
            })
    }

    private func committed(
        _ result: Result<GTID?, DatabaseError>, _ connection: MariaDBConnection, _ statement: LocalStatement, _ next: @escaping @LoopActor () -> Void
    ) {
        switch result {
        case .failure(let error) where error.lostConnection:
            forget(connection)
            refuse(statement, .lostLocally(error, hadState: true))
        case .failure(let error):
            settle(connection)
            refuse(statement, error.reply)
        case .success(let gtid):
            if let gtid { lastGTID = gtid }
            guard let gtid else {
                settle(connection)
                return next()
            }
            whenHeld(Position(gtid)) { [weak self] isHeld in
                guard let self, self.running === connection else { return self?.node.leftCommits.ended(connection) ?? () }
                self.settle(connection)
                if isHeld { next() } else { self.refuse(statement, .noQuorum(Position(gtid), self.node)) }
            }
        }
    }

    // MARK: The end

    /// What the session has besides its own connection goes.
    func closeOffices() {
        for place in [offices.own, offices.locks] { if let place { node.pool.discard(place.connection) } }
        offices = SessionOffices()
    }
}

extension ReplyError {
    /// ER_CANT_UPDATE_WITH_READLOCK
    fileprivate static let underReadLock = ReplyError(
        number: 1223, state: "HY000", message: Array("Can't execute the query because you have a conflicting read lock".utf8))
    /// ER_LOCK_OR_ACTIVE_TRANSACTION
    fileprivate static let underTableLocks = ReplyError(
        number: 1192, state: "HY000",
        message: Array("Can't execute the given command because you have active locked tables or an active transaction".utf8))
}

import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import StatementGate

/// A session's side in this node's own database: which connection it uses, and what it keeps there.
///
/// Without state of its own a session takes any connection for each statement; with state it keeps one until the state is gone.
@LoopActor final class LocalSession {
    let node: NodeContext
    private let number: UInt64
    let channel: Channel
    /// Nil: the node's account for clients.
    var account: DatabaseAccount?
    var hold: SessionHold = []
    private(set) var prepared = PreparedStatements()
    private(set) var database: [UInt8]?
    var pinned: MariaDBConnection?
    /// Connections that the session has besides, for what only the node's own accounts may do.
    var offices = SessionOffices()
    /// The connection that ran the last statement, by the server's number.
    private var recent: UInt?
    var hasRun = false
    private var lastInsertID: UInt64 = 0
    /// Of the session's last commit.
    var lastGTID: GTID?
    var running: MariaDBConnection?
    private var ranWrite = false
    /// Takes what comes of the statement under way.
    var stream: ReplyStream?
    var commitWatch: TimerID?
    var heldWait: AppliedPosition.WaitID?
    /// The statement under way, when broken off, leaves nothing that commits.
    var isHarmlessToBreak = true
    /// The open transaction has changed something.
    var hasWritten = false
    /// What connections held that the session lost, until that was noted.
    private var lost: SessionHold = []
    /// Why the last statement failed, where that was not the database's word on it.
    var refusal: ReplyError.Code?
    /// Why nothing but ROLLBACK is run: the id of the open transaction could not be stored in it.
    var stuck: ReplyError?
    /// Its transaction may be rolled back by the error before.
    var doubtful: TransactionID?
    var marks: TransactionMarks = []
    var ticket: PoolTicket?
    /// What runs on a shared connection.
    var job: LaneJob?
    var unsent: [LocalStatement] = []
    /// Takes the next request off the client's queue, if it is a read that is welcome.
    var nextRead: (@LoopActor (_ isWelcome: (Classification) -> Bool) -> LocalStatement?)?
    /// The shape of the last statement, where that ran on a shared connection: what it left to ask about is gone.
    var lastShared: UInt64?
    /// The session asks about the statement before: it shares no connections.
    var asksAfterwards = false
    /// How often the node's role had changed when the session last ran something.
    var roleChanges: Int

    init(_ node: NodeContext, number: UInt64, _ channel: Channel) {
        self.node = node
        self.number = number
        self.channel = channel
        roleChanges = node.roleChanges
    }

    /// How the session's SQL is to be read.
    var mode: LexicalMode { pinned?.sqlMode.map { LexicalMode(sqlMode: $0) } ?? node.lexicalMode }

    var inTransaction: Bool { hold.contains(.transaction) }

    /// libmariadb's CR_SERVER_GONE_ERROR: the server had closed the connection before the statement was sent.
    static let neverSent = 2006

    // MARK: One statement

    /// Runs one statement and writes its reply; its `done` hears when the reply is written, and whether it succeeded.
    func run(_ statement: LocalStatement) {
        refusal = nil
        if runsElsewhere(statement) { return }
        runAsSession(statement)
    }

    func runAsSession(_ statement: LocalStatement) {
        if let pinned { return prepare(pinned, statement) }
        if statement.what.facts.contains(.readsDiagnostics) {
            asksAfterwards = true
            if let lastShared {
                node.kinds.unfit(lastShared)
                return refuse(statement, .diagnosticsGone)
            }
        }
        if mayShare(statement) { return share(statement) }
        lastShared = nil
        var answered = false
        let ticket = node.pool.acquire(account: account, database: database, preferred: recent) { [self] result in
            answered = true
            self.ticket = nil
            switch result {
            case .success(let connection): prepare(connection, statement)
            case .failure(let error): refuse(statement, PoolWords.reply(error, node))
            }
        }
        if !answered { self.ticket = ticket }
    }

    func refuse(_ statement: LocalStatement, _ error: ReplyError) {
        refusal = error.code
        channel.write { statement.writer.error(error, into: &$0) }
        statement.done(false)
    }

    /// Brings the connection to where the session is, then runs the statement.
    func prepare(_ connection: MariaDBConnection, _ statement: LocalStatement) {
        running = connection
        let facts = statement.what.facts
        let isOthers = pinned == nil && connection.lastUser != number
        if isOthers, facts.contains(.readsDiagnostics), hasRun {
            giveBack(connection)
            return refuse(statement, .diagnosticsGone)
        }
        guard pinned == nil, mustBeNew(connection, for: facts, isOthers: isOthers) else { return enterDatabase(connection, statement) }
        connection.renew { [weak self] result in
            self?.stepped(result, connection, statement) { self?.enterDatabase(connection, statement) }
        }
    }

    /// What another session left must not be found.
    private func mustBeNew(_ connection: MariaDBConnection, for facts: SessionFacts, isOthers: Bool) -> Bool {
        if isOthers, connection.isTainted || !facts.isDisjoint(with: .findsLeftovers) { return true }
        if isOthers || connection.isMixed, !facts.isDisjoint(with: .findsOldLeftovers) { return true }
        return facts.contains(.readsLastGTID) && connection.lastGTID != lastGTID
    }

    /// The statement must not run in another database, so this is waited for.
    private func enterDatabase(_ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard connection.database != database, let database, !statement.onlyEntersDatabase else { return lookThenExecute(connection, statement) }
        connection.query(SQLText.use(database)) { [weak self] result in
            self?.stepped(result, connection, statement) { self?.lookThenExecute(connection, statement) }
        }
    }

    private func stepped(
        _ result: Result<SmallResult, DatabaseError>, _ connection: MariaDBConnection, _ statement: LocalStatement, next: @LoopActor () -> Void
    ) {
        guard running === connection else { return }
        switch result {
        case .success: next()
        case .failure(let error):
            giveBack(connection)
            // It was dropped: as in MariaDB, the session is in none then.
            if error.number == Self.unknownDatabase { database = nil }
            // The statement itself was not sent.
            refuse(statement, error.lostConnection ? PoolWords.reply(.databaseDown(error), node) : error.reply)
        }
    }

    /// ER_BAD_DB_ERROR
    private static let unknownDatabase = 1049

    func execute(_ connection: MariaDBConnection, _ statement: LocalStatement) {
        if isHeldUp(connection, statement) { return }
        let what = statement.what
        guard connection.lastGTID == lastGTID || !what.facts.contains(.readsLastGTID) else {
            // It asks for it, so its next writes stay where it can be read.
            note(what, connection)
            settle(connection)
            return refuse(statement, .lastGTIDElsewhere(lastGTID))
        }
        var statement = statement
        statement.began(channel)
        // An older connection of the session's own may hold an older id.
        if pinned == nil, connection.insertIDOwner != number || connection.insertID != lastInsertID, what.mayNeedInsertID {
            // Sent with the statement: nothing in it can fail but the connection.
            connection.query("SET last_insert_id=\(lastInsertID)") { _ in }
            connection.insertIDOwner = number
            connection.insertID = lastInsertID
        }
        let stream = ReplyStream(
            channel, statement.writer,
            ReplyStream.Kind(isCall: what.facts.contains(.callsRoutine) && what.statementCount == 1, isWrite: what.isWrite),
            applied: { [node] in node.applied.value }, inTransaction: { [unowned connection] in connection.inTransaction }
        ) { [self, statement] stream, end in ended(end, stream, connection, statement) }
        self.stream = stream
        let waits = mayCommit(statement.what) && node.commitsWait
        // What it asks about, another statement in between would take away.
        if !what.facts.contains(.readsDiagnostics) { limit(connection, !waits) }
        connection.execute(statement.sql, stream)
        if waits { watchCommit(connection, statement, stream) }
    }

    func ended(_ end: ReplyStream.End, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard settleID(end, stream, connection, statement) else { return }
        if let gtid = stream.gtid { node.committed(gtid) }
        guard running === connection else { return node.leftCommits.ended(connection) }
        self.stream = nil
        stopWatching()
        if let gtid = stream.gtid { lastGTID = gtid }
        switch end {
        case .failed(let error): failed(error, stream, connection, statement)
        case .done(let summary):
            guard statement.what.facts.contains(.setsCharset) else { return complete(summary, stream, connection, statement) }
            checkCharset(connection, statement, stream) { [weak self] in self?.complete(summary, stream, connection, statement) }
        }
    }

    private func complete(_ summary: ResultSummary, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard let gtid = stream.gtid else { return conclude(summary, stream, connection, statement) }
        whenHeld(Position(gtid)) { [weak self] isHeld in
            guard let self, self.running === connection else { return self?.node.leftCommits.ended(connection) ?? () }
            if isHeld { return self.conclude(summary, stream, connection, statement) }
            stream.fail(.noQuorum(Position(gtid), self.node))
            self.note(statement.what, connection)
            self.settle(connection)
            statement.done(false)
        }
    }

    private func conclude(_ summary: ResultSummary, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        stream.close(summary)
        learn(statement, stream, .done(summary))
        if stream.insertID != 0 {
            lastInsertID = stream.insertID
            connection.insertIDOwner = number
            connection.insertID = lastInsertID
        }
        note(statement.what, connection)
        if stream.changedSession { changedBehind(statement.what, connection) }
        prepared.applied(statement.what)
        if statement.what.facts.contains(.deallocates), prepared.isEmpty { hold.remove(.prepared) }
        settle(connection)
        statement.done(true)
    }

    private func failed(_ error: DatabaseError, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard error.lostConnection else {
            stream.fail(error.reply)
            note(statement.what, connection)
            // What it committed before it failed, nobody was told.
            if statement.what.isWrite { connection.isTainted = true }
            let before = database
            settle(connection)
            // The connection may be where another session was: this one was not brought along first, and now goes nowhere.
            if pinned == nil, statement.onlyEntersDatabase { database = before }
            return statement.done(false)
        }
        let hadState = !hold.isEmpty
        forget(connection)
        // A statement that was sent may have done something, by a function it calls, or was ended on purpose.
        if statement.mayRetry, !hadState, !stream.hasWritten, error.number == Self.neverSent {
            var again = statement
            again.mayRetry = false
            return run(again)
        }
        refusal = .node(.connectionLost)
        stream.fail(.lostLocally(error, hadState: hadState))
        statement.done(false)
    }

    // MARK: State

    func note(_ what: Classification, _ connection: MariaDBConnection) {
        // An insert that failed, or one within a routine, may have left an id that nobody was told.
        if what.isWrite, connection.insertIDOwner != number { connection.insertIDOwner = nil }
        ranWrite = what.isWrite
        if what.mayChangeRights { node.pool.rightsChanged() }
        marks.ran(what)
        let facts = what.facts
        for (fact, held) in SessionFacts.holds where !facts.isDisjoint(with: fact) { hold.insert(held) }
        if what.transaction == .setCharacteristics { hold.insert(.variables) }
        for (fact, held) in SessionFacts.ends where facts.contains(fact) { hold.remove(held) }
        // It may have taken a lock, or anything else that the server does not tell of.
        if facts.contains(.callsFunction) { connection.isTainted = true }
    }

    /// The server says that a read or a write changed the session, so a routine in it did, or SET STATEMENT, which cleans up after itself.
    private func changedBehind(_ what: Classification, _ connection: MariaDBConnection) {
        let all = what.classes
        guard all.isSubset(of: [StatementClasses(.read), StatementClasses(.lockingRead), StatementClasses(.write)]), hold.isSubset(of: .lastValues)
        else { return }
        if what.facts.contains(.setsForStatement) { connection.isTainted = true } else { hold.insert(.assignedVariables) }
    }

    /// Keeps the connection while it holds state, else gives it back.
    func settle(_ connection: MariaDBConnection) {
        running = nil
        overrule(connection)
        hasRun = true
        connection.lastUser = number
        database = connection.database
        guard connection.isOpen else {
            // What it held is missed by the next statement, which is told so.
            if hold.isEmpty { forget(connection) } else { pinned = connection }
            return
        }
        if connection.inTransaction { hold.insert(.transaction) } else { (_, marks) = (hold.remove(.transaction), []) }
        hasWritten = connection.inTransaction && (hasWritten || ranWrite || connection.transactionID != nil)
        if connection.autocommit { hold.remove(.autocommitOff) } else { hold.insert(.autocommitOff) }
        if hold.isEmpty {
            pinned = nil
            recent = connection.connectionID
            node.pool.release(connection)
        } else {
            pinned = connection
        }
    }

    /// Gives back a connection that the statement never reached.
    private func giveBack(_ connection: MariaDBConnection) {
        running = nil
        guard pinned !== connection else { return }
        node.pool.release(connection)
    }

    /// Its commit goes on without the session, which is as new.
    func leave(_ connection: MariaDBConnection) {
        running = nil
        pinned = nil
        lost.formUnion(hold)
        hold = []
        hasWritten = false
        stream?.abandon()
        stream = nil
        prepared = PreparedStatements()
        // Its statement may be through, and wait for the others' copies alone; else what it still gives back is dropped as it comes.
        if connection.inFlight == 0 { return node.pool.discard(connection) }
        node.leftCommits.add(connection)
        connection.resume()
    }

    func forget(_ connection: MariaDBConnection) {
        hasWritten = false
        stream = nil
        running = nil
        pinned = nil
        lost.formUnion(hold)
        hold = []
        prepared = PreparedStatements()
        node.pool.discard(connection)
    }

    /// What the session lost since this was asked for last.
    func takeLost() -> SessionHold {
        defer { lost = [] }
        return lost
    }

    /// Goes on with rows after the client has read some.
    func resume() {
        running?.resume()
        job?.resume()
    }

    /// Rolls back and drops all state, as a new session has none.
    func reset() {
        precondition(running == nil, "a session is reset between statements")
        if let pinned { forget(pinned) }
        closeOffices()
        (hold, lost) = ([], [])
        (stuck, doubtful, marks) = (nil, nil, [])
        prepared = PreparedStatements()
        database = nil
        lastInsertID = 0
        lastGTID = nil
        hasRun = false
        hasWritten = false
        node.pool.renewIdle(leftBy: number)
        recent = nil
        lastShared = nil
        asksAfterwards = false
    }

    /// The client is gone: what it runs is ended in the database, too.
    func abandon() {
        if let ticket { node.pool.cancel(ticket) }
        ticket = nil
        job?.abandon()
        job = nil
        unsent = []
        nextRead = nil
        commitWatch.map(node.loop.cancel)
        node.applied.cancel(heldWait)
        if let running {
            if node.commitsWait || running.transactionID != nil, !isHarmlessToBreak {
                // Broken off, a commit that waits would be let through before enough nodes have it.
                leave(running)
            } else {
                node.pool.kill(running.connectionID)
                forget(running)
            }
        } else if let pinned {
            forget(pinned)
        }
        closeOffices()
        node.pool.renewIdle(leftBy: number)
    }
}

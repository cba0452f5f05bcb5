import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import MySQLProtocol
import StatementGate

/// Statements whose transactions have ids: the id is stored in the same transaction, so that it is there exactly when that is committed.
extension LocalSession {
    /// How the id goes along with the statement, if there is one. Throws what the client is told in its place.
    func admit(_ id: TransactionID?, _ what: Classification) throws(ReplyError) -> Identity? {
        guard node.role == .master else { return nil }
        if what.rollsBack || what.begins { doubtful = nil }
        if what.isWrite, let database, Self.nodesOwn == database { throw .nodesOwnTables }
        guard let id else { return nil }
        return try Identity(id, what, hold: hold, marks: marks)
    }

    private static let nodesOwn = Array("ddbnode".utf8)

    /// The open transaction has an id.
    var isIdentified: Bool { pinned?.transactionID != nil }

    // MARK: Before the statement

    /// True where something comes before the statement, which follows by itself.
    func isHeldUp(_ connection: MariaDBConnection, _ statement: LocalStatement) -> Bool {
        if let doubtful, !statement.what.facts.contains(.readsDiagnostics) {
            makeSure(of: doubtful, connection, statement)
            return true
        }
        guard let identity = statement.identity, identity.isDueBefore else { return false }
        identify(identity, connection, statement)
        return true
    }

    /// An error may have rolled the transaction back; what is left of it would then run without it, and without the id.
    private func makeSure(of id: TransactionID, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        isHarmlessToBreak = true
        connection.query("DO 0") { [self] result in
            guard running === connection else { return }
            doubtful = nil
            if case .failure(let error) = result { return refuseInside(.database(error), id, connection, statement) }
            if connection.inTransaction { return execute(connection, statement) }
            node.outcomes.ended(on: connection)
            stuck = .idGone(id)
            settle(connection)
            refuse(statement, .idGone(id))
        }
    }

    /// Stores the id, then runs the statement.
    private func identify(_ identity: Identity, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        // Nothing commits before the statement.
        isHarmlessToBreak = true
        var next = statement
        if identity.step == .begin {
            next.identity?.step = .end
            connection.query("START TRANSACTION") { [self] result in
                guard running === connection else { return }
                if case .failure(let error) = result { return refuseAlone(.database(error), identity.id, connection, statement) }
                store(identity.id, connection) { [self] problem in
                    guard let problem else { return execute(connection, next) }
                    refuseAlone(problem, identity.id, connection, statement)
                }
            }
        } else {
            next.identity = nil
            storeInside(identity, connection, statement) { [self] in execute(connection, next) }
        }
    }

    /// In a transaction that is open already, and may have the id already; with autocommit off, one that begins so.
    private func storeInside(
        _ identity: Identity, _ connection: MariaDBConnection, _ statement: LocalStatement, done: @escaping @LoopActor () -> Void
    ) {
        // An error may have rolled it back, which the server tells with the next answer only.
        connection.query("DO 0") { [self] result in
            guard running === connection else { return }
            if case .failure(let error) = result { return refuseInside(.database(error), identity.id, connection, statement) }
            if !connection.inTransaction {
                node.outcomes.ended(on: connection)
                if connection.autocommit {
                    var alone = statement
                    alone.identity = Identity(id: identity.id, step: .begin)
                    return execute(connection, alone)
                }
            }
            if let present = connection.transactionID {
                if present == identity.id { return done() }
                settle(connection)
                return refuse(statement, .hasID(present))
            }
            store(identity.id, connection) { [self] problem in
                guard let problem else { return done() }
                refuseInside(problem, identity.id, connection, statement)
            }
        }
    }

    private func store(_ id: TransactionID, _ connection: MariaDBConnection, done: @escaping @LoopActor (IDProblem?) -> Void) {
        guard let time = node.outcomes.time, node.outcomes.begin(id, on: connection) else { return done(.open) }
        connection.query(OutcomeTable.insert(id, nowMs: time.ms(nowMs: EventLoop.nowMs()))) { [self] result in
            guard running === connection else { return }
            switch result {
            case .success: done(nil)
            case .failure(let error):
                node.outcomes.ended(on: connection)
                done(error.number == OutcomeTable.duplicate ? .committed : .database(error))
            }
        }
    }

    // MARK: What is not run

    /// A statement that is its own transaction.
    private func refuseAlone(_ problem: IDProblem, _ id: TransactionID, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        if case .database(let error) = problem, error.lostConnection { return lostWithID(error, connection, statement) }
        connection.query(Self.rollback) { [self] _ in
            guard running === connection else { return }
            settle(connection)
            guard case .committed = problem else { return refuse(statement, problem.reply(id)) }
            node.outcomes.find(id) { [self] found in
                guard case .success(.committed(let gtid)?) = found else { return refuse(statement, IDProblem.open.reply(id)) }
                channel.write { statement.writer.ok(.repeated(gtid), into: &$0) }
                statement.done(true)
            }
        }
    }

    /// Within a transaction of several statements nothing of it may run without the id.
    private func refuseInside(_ problem: IDProblem, _ id: TransactionID, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        if case .database(let error) = problem, error.lostConnection { return lostWithID(error, connection, statement) }
        stuck = problem.replyInside(id)
        settle(connection)
        refuse(statement, problem.replyInside(id))
    }

    private func lostWithID(_ error: DatabaseError, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        let hadState = !hold.isEmpty
        if hold.contains(.transaction), let id = connection.transactionID ?? statement.identity?.id { stuck = .idGone(id) }
        forget(connection)
        refuse(statement, hadState ? .lostLocally(error, hadState: true) : PoolWords.reply(.databaseDown(error), node))
    }

    // MARK: Behind the statement

    /// Does what the id asks for behind the statement; true where its end may be told.
    func settleID(_ end: ReplyStream.End, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) -> Bool {
        guard let identity = statement.identity else {
            noteFailure(end, connection, statement)
            node.outcomes.ran(statement.what, on: connection, succeeded: end.isSuccess, gtid: stream.gtid)
            return true
        }
        switch identity.step {
        case .begin, .store: preconditionFailure("done before the statement")
        case .done: return true
        case .storeAfterwards:
            node.outcomes.ran(statement.what, on: connection, succeeded: end.isSuccess, gtid: stream.gtid)
            guard running === connection, end.isSuccess else { return true }
            stopWatching()
            isHarmlessToBreak = true
            store(identity.id, connection) { [self] problem in
                guard let problem else { return endedWithID(end, stream, connection, statement) }
                stream.abandon()
                refuseInside(problem, identity.id, connection, statement)
            }
            return false
        case .end:
            // Left meanwhile, it ends with its connection, uncommitted.
            guard running === connection else { return true }
            return endAlone(end, stream, connection, statement)
        }
    }

    private func noteFailure(_ end: ReplyStream.End, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard running === connection, let id = connection.transactionID, case .failed(let error) = end, !statement.what.endsTransaction else {
            return
        }
        if error.lostConnection { stuck = .idGone(id) } else { doubtful = id }
    }

    static let commit = Array("COMMIT AND NO CHAIN NO RELEASE".utf8)
    private static let rollback = "ROLLBACK AND NO CHAIN NO RELEASE"

    private func endAlone(_ end: ReplyStream.End, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) -> Bool {
        switch end {
        case .failed(let error) where error.lostConnection: return true
        case .failed: rollBack(end, stream, connection, statement)
        case .done(var summary):
            guard connection.inTransaction else {
                // A routine has ended it.
                node.outcomes.ended(on: connection, stream.gtid)
                return true
            }
            connection.execute(
                Self.commit,
                CommitSink { [self] result in
                    switch result {
                    case .success(let gtid):
                        node.outcomes.ended(on: connection, gtid)
                        if let gtid { stream.committed(gtid) }
                        summary.gtid = gtid ?? summary.gtid
                        endedWithID(.done(summary), stream, connection, statement)
                    case .failure(let error) where error.lostConnection: endedWithID(.failed(error), stream, connection, statement)
                    case .failure(let error): rollBack(.failed(error), stream, connection, statement)
                    }
                })
        }
        return false
    }

    private func rollBack(_ end: ReplyStream.End, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        connection.query(Self.rollback) { [self] _ in
            node.outcomes.ended(on: connection)
            endedWithID(end, stream, connection, statement)
        }
    }

    private func endedWithID(_ end: ReplyStream.End, _ stream: ReplyStream, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        var statement = statement
        statement.identity?.step = .done
        ended(end, stream, connection, statement)
    }
}

/// Why an id could not be stored.
private enum IDProblem {
    case committed
    case open
    case database(DatabaseError)

    private func words(_ id: TransactionID) -> String {
        switch self {
        case .committed: "the transaction with the id \(id) is committed already (.outcome \(id) tells its GTID)"
        case .open: "a transaction with the id \(id) is still open, or waits for enough nodes: .outcome \(id) tells when it is through"
        case .database(let error): error.text
        }
    }

    /// For a statement that is its own transaction.
    func reply(_ id: TransactionID) -> ReplyError {
        switch self {
        case .committed: ReplyError(.idCommitted, "\(words(id)); this was not run")
        case .open: ReplyError(.idOpen, "\(words(id)); this was not run")
        case .database(let error): databaseReply(error, id)
        }
    }

    /// For a transaction of several statements.
    func replyInside(_ id: TransactionID) -> ReplyError {
        let goOn = "nothing more of this transaction is run: send ROLLBACK, then go on"
        switch self {
        case .committed: return ReplyError(.idCommitted, "\(words(id)), so \(goOn)")
        case .open: return ReplyError(.idOpen, "\(words(id)), so \(goOn)")
        case .database(let error): return databaseReply(error, id).adding(goOn)
        }
    }

    private func databaseReply(_ error: DatabaseError, _ id: TransactionID) -> ReplyError {
        if OutcomeTable.missing.contains(error.number) {
            return ReplyError(.notReady, "this master has no table for ids yet (ddbnode.outcomes), its log tells why; this was not run")
        }
        let about = error.number == OutcomeTable.denied ? "; GRANT INSERT ON ddbnode.outcomes to this account" : ""
        return error.reply.adding("storing the id \(id), so this was not run\(about)")
    }
}

extension ReplyError {
    static func idGone(_ id: TransactionID) -> ReplyError {
        ReplyError(
            .idGone,
            "the transaction with the id \(id) is rolled back or was never begun, so nothing more of it is run: send ROLLBACK, then begin it anew")
    }

    fileprivate static func hasID(_ id: TransactionID) -> ReplyError {
        ReplyError(.badRequest, "this transaction has the id \(id) already; the statement was not run, send it without .id")
    }

    static let nodesOwnTables = ReplyError(.nodeOwned, "what is in the database ddbnode is the nodes' own; USE another one, then send this again")
}

extension ReplyStream.End {
    fileprivate var isSuccess: Bool {
        if case .done = self { true } else { false }
    }
}

extension [ReplyField] {
    /// The reply to a statement that is not run, since its transaction is committed already.
    fileprivate static func repeated(_ gtid: GTID?) -> [ReplyField] {
        [.text("outcome", "committed"), .number("affected", 0), .number("insert_id", 0), .number("warnings", 0)]
            + [.text("gtid", Position(gtid).description)]
    }
}

/// Hears the GTID of a commit.
@LoopActor final class CommitSink: ResultSink {
    private let done: @LoopActor (Result<GTID?, DatabaseError>) -> Void

    init(_ done: @escaping @LoopActor (Result<GTID?, DatabaseError>) -> Void) { self.done = done }

    func columns(_ columns: [ColumnDefinition]) {}
    func row(_ row: borrowing ResultRow) -> Bool { true }
    func ended(_ summary: ResultSummary) { done(.success(summary.gtid)) }
    func failed(_ error: DatabaseError) { done(.failure(error)) }
}

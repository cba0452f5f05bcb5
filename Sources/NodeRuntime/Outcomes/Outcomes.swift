import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import StatementGate

/// What became of a transaction that has an id.
enum Outcome: Equatable {
    /// It is on enough nodes. Its GTID is not known for a moment after that.
    case committed(GTID?)
    /// It is still to be decided: it is open, or waits for enough nodes.
    case open
    /// It is not committed, and will not be unless it is sent again.
    case notCommitted
}

/// The transactions with ids: which are open here, and what became of the others.
@LoopActor final class Outcomes {
    private struct Holder {
        weak var connection: MariaDBConnection?
    }

    private static let rememberedMax = 10_000
    private static let lostMax = 10_000

    private unowned let node: Node
    private var open: [TransactionID: Holder] = [:]
    /// The connection broke while the transaction was open: it may be committing still, in the server's session of that number.
    private var lost: [TransactionID: UInt] = [:]
    var remembered = RememberedOutcomes(entriesMax: rememberedMax)
    private lazy var upkeep = OutcomeUpkeep(node, self)
    /// By which ids age; nil before this node was about to serve as master.
    private(set) var time: RunningTime?

    init(_ node: Node) { self.node = node }

    // MARK: The master's database

    /// Before the node serves as master: the time goes on from what the table holds. `done` hears what is wrong.
    func readTime(_ done: @escaping @LoopActor (String?) -> Void) {
        node.control.query(OutcomeTable.latest) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let found):
                self.time = RunningTime(
                    after: found["latest"].flatMap { UInt64($0) }, wallMs: WallClock.milliseconds(), nowMs: EventLoop.nowMs())
                done(nil)
            case .failure(let error): done("the age of transactions' ids can't be read: \(error)")
            }
        }
    }

    /// The node serves as master.
    func serve() { upkeep.begin() }

    func rest() {
        // With the database its sessions end.
        lost = [:]
        upkeep.end()
    }

    // MARK: What is open

    /// The transaction on `connection` has this id from now on; false where another one has it that is open.
    func begin(_ id: TransactionID, on connection: MariaDBConnection) -> Bool {
        guard !isOpen(id, besides: connection), !waits(id) else { return false }
        open[id] = Holder(connection: connection)
        connection.transactionID = id
        return true
    }

    /// A statement is through. Where the server has rolled the transaction back by itself it does not say so: then it counts as open until the next one.
    func ran(_ what: Classification, on connection: MariaDBConnection, succeeded: Bool, gtid: GTID?) {
        guard connection.transactionID != nil else { return }
        if !connection.inTransaction || succeeded && what.transaction?.commits == true { ended(on: connection, gtid) }
    }

    /// The transaction is over; committed where there is a GTID.
    func ended(on connection: MariaDBConnection, _ gtid: GTID? = nil) {
        guard let id = connection.transactionID else { return }
        connection.transactionID = nil
        if open[id]?.connection === connection { open[id] = nil }
        if let gtid {
            remembered.remember(id, gtid)
        } else if !connection.isOpen, lost.count < Self.lostMax {
            lost[id] = connection.connectionID
        }
    }

    /// Called from time to time: a connection may go without a word.
    func forgetClosed() { open = open.filter { holds($1, $0) } }

    private func holds(_ holder: Holder, _ id: TransactionID) -> Bool { holder.connection.map { $0.isOpen && $0.transactionID == id } ?? false }

    private func isOpen(_ id: TransactionID, besides own: MariaDBConnection? = nil) -> Bool {
        guard let holder = open[id], holds(holder, id) else { return false }
        return holder.connection !== own
    }

    /// The database has committed it, and too few nodes have it.
    private func waits(_ id: TransactionID) -> Bool { remembered[id].map(isBeyondWatermark) ?? false }

    private func isBeyondWatermark(_ gtid: GTID) -> Bool { node.applied.limit.map { $0 < Position(gtid) } ?? false }

    // MARK: Telling

    /// What this node's database has of it: nil where nothing.
    func find(_ id: TransactionID, _ done: @escaping @LoopActor (Result<Outcome?, ReplyError>) -> Void) {
        node.lookups.query(OutcomeTable.find(id)) { [self] result in
            switch result {
            case .success(let found):
                guard !found.rows.isEmpty else { return done(.success(nil)) }
                let gtid = found.first.flatMap { GTID($0) } ?? remembered[id]
                done(.success(gtid.map(isBeyondWatermark) ?? false ? .open : .committed(gtid)))
            case .failure(let error) where OutcomeTable.missing.contains(error.number): done(.success(nil))
            case .failure(let error): done(.failure(PoolWords.reply(.databaseDown(error), node)))
            }
        }
    }

    /// The master's answer.
    func tell(_ id: TransactionID, _ done: @escaping @LoopActor (Result<Outcome, ReplyError>) -> Void) {
        if isOpen(id) || waits(id) { return done(.success(.open)) }
        guard let session = lost[id] else { return look(id, done) }
        node.lookups.query("SELECT COUNT(*) AS n FROM information_schema.processlist WHERE id=\(session)") { [self] result in
            guard (try? result.get())?.first == "0" else { return done(.success(.open)) }
            lost[id] = nil
            look(id, done)
        }
    }

    private func look(_ id: TransactionID, _ done: @escaping @LoopActor (Result<Outcome, ReplyError>) -> Void) {
        find(id) { [self] result in
            switch result {
            case .failure(let error): done(.failure(node.notReady ?? error))
            case .success(let found):
                // What a master's database has at its start counts once enough nodes have it, too.
                if let why = node.notReady { return done(found == nil ? .failure(why) : .success(.open)) }
                if let found { return done(.success(found)) }
                confirmNone(done)
            }
        }
    }

    private static let notConfirmed = ReplyError(
        .noQuorum, "it is not committed here, and too few nodes answered to confirm that this is the master still: its outcome is not known now")

    /// Another master may know more, where there can be one.
    private func confirmNone(_ done: @escaping @LoopActor (Result<Outcome, ReplyError>) -> Void) {
        guard node.commitsWait else { return done(.success(.notCommitted)) }
        node.confirmedPosition { done($0.map { _ in .notCommitted }.mapError { $0.code == .node(.noQuorum) ? Self.notConfirmed : $0 }) }
    }
}

extension Outcome {
    var fields: [ReplyField] {
        switch self {
        case .committed(let gtid): [.text("outcome", "committed"), .text("gtid", Position(gtid).description)]
        case .open: [.text("outcome", "open")]
        case .notCommitted: [.text("outcome", "none")]
        }
    }
}

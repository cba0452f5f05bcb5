import ClusterModel
import EventLoop
import MariaDBConnector
import NodeConfig

/// Looks after the table of outcomes on the master: stores GTIDs that have become known, removes what is old.
///
/// Its writes wait for other nodes as any, so they go over a connection of their own.
@LoopActor final class OutcomeUpkeep {
    private static let everyMs = 1000
    private static let rowsMax = 500
    private static let expiryEveryMs = 60_000
    /// Small steps between clients' transactions, none of which may wait for long.
    private static let setup = [
        "SET SESSION sql_mode='', autocommit=1, tx_isolation='READ-COMMITTED', innodb_lock_wait_timeout=1, max_statement_time=0"
    ]

    private unowned let node: Node
    private unowned let outcomes: Outcomes
    private let connection: ControlConnection
    private var timer: TimerID?
    /// Grows with each beginning and end: what was asked before answers for nobody.
    private var life = 0
    private var isAtWork = false
    private var expiryDueMs = 0

    init(_ node: Node, _ outcomes: Outcomes) {
        self.node = node
        self.outcomes = outcomes
        connection = ControlConnection(node.loop)
    }

    /// Looks after it from now on.
    func begin() {
        end()
        guard var target = node.administratorTarget else { return }
        target.setup = Self.setup
        connection.use(target)
        tickLater()
    }

    func end() {
        life += 1
        isAtWork = false
        node.loop.cancel(timer)
        timer = nil
        connection.use(nil)
    }

    /// Runs a statement; nobody hears of it when the database went meanwhile.
    private func query(_ sql: String, done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) {
        let asked = life
        connection.query(sql) { [weak self] in
            guard let self, self.life == asked else { return }
            done($0)
        }
    }

    // MARK: From time to time

    private func tickLater() {
        timer = node.loop.after(milliseconds: Self.everyMs) { [weak self] in
            guard let self else { return }
            self.tick()
            self.tickLater()
        }
    }

    private func tick() {
        outcomes.forgetClosed()
        guard !isAtWork, node.writeRefusal == nil else { return }
        let (entries, end) = outcomes.remembered.unstored(atMost: Self.rowsMax)
        if !entries.isEmpty { return store(entries, end) }
        outcomes.remembered.store(upTo: end)
        if EventLoop.nowMs() >= expiryDueMs { expire() }
    }

    private func store(_ entries: [RememberedOutcomes.Entry], _ end: Int) {
        isAtWork = true
        query(OutcomeTable.store(entries)) { [self] result in
            isAtWork = false
            switch result {
            case .success: outcomes.remembered.store(upTo: end)
            case .failure(let error): node.log.info("GTIDs of transactions with ids could not be stored yet", ["error": "\(error)"])
            }
        }
    }

    private func expire() {
        guard let time = outcomes.time else { return }
        isAtWork = true
        let keepMs = UInt64(node.settings.outcomes.keepMs)
        let horizon = time.horizon(keepMs: keepMs, nowMs: EventLoop.nowMs())
        query(OutcomeTable.expire(before: horizon, rowsMax: Self.rowsMax)) { [self] result in
            isAtWork = false
            let isFull = (try? result.get()).map { $0.rows.count == Self.rowsMax } ?? false
            expiryDueMs = EventLoop.nowMs() + (isFull ? Self.everyMs : min(Self.expiryEveryMs, Int(keepMs) / 4))
        }
    }
}

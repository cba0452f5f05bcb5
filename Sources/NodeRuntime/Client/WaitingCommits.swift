import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import StatementGate

/// Commits that wait until enough nodes have them.
extension LocalSession {
    /// Whether a commit may be part of the statement, so that it may wait, and must not be broken off.
    func mayCommit(_ what: Classification) -> Bool {
        let isOnlyStep = inTransaction && what.statementCount == 1 && what.classes == StatementClasses(.write)
        isHarmlessToBreak = !(what.isWrite || what.transaction != nil) || isOnlyStep
        return !isHarmlessToBreak
    }

    /// The server would break a commit off that waits too long, and so let it through.
    func limit(_ connection: MariaDBConnection, _ isLimited: Bool) {
        let milliseconds = node.settings.limits.statementMs
        guard milliseconds > 0, connection.isUnlimited == isLimited else { return }
        connection.isUnlimited = !isLimited
        connection.query("SET SESSION max_statement_time=\(isLimited ? Double(milliseconds) / 1000 : 0)") { _ in }
    }

    /// Calls `done` once: true when enough nodes hold `position`, false when they don't after `replication.ackTimeoutMs`.
    func whenHeld(_ position: Position, done: @escaping @LoopActor (Bool) -> Void) {
        guard node.commitsWait, node.applied.value < position else { return done(true) }
        heldWait = node.applied.wait(for: position, milliseconds: node.settings.replication.ackTimeoutMs) { [weak self] isHeld in
            self?.heldWait = nil
            done(isHeld)
        }
    }

    /// The state that MariaDB tells of a session whose commit waits.
    private static let waitingState = "Waiting for semi-sync ACK from slave"

    /// After `replication.ackTimeoutMs` the client is told, where it is the commit that takes so long.
    func watchCommit(_ connection: MariaDBConnection, _ statement: LocalStatement, _ stream: ReplyStream) {
        commitWatch = node.loop.after(milliseconds: node.settings.replication.ackTimeoutMs) { [weak self] in
            guard let self, self.running === connection else { return }
            let sql = """
                SELECT (SELECT state FROM information_schema.processlist WHERE id=\(connection.connectionID)) AS state, \
                @@GLOBAL.gtid_binlog_pos AS binlog
                """
            self.node.control.query(sql) { [weak self] result in
                guard let self, self.running === connection, self.commitWatch != nil else { return }
                guard case .success(let found) = result, found["state"] == Self.waitingState else {
                    return self.watchCommit(connection, statement, stream)
                }
                // Its own position is not known before it is through; the last one written is not before it.
                let position = Position(list: found["binlog"] ?? "") ?? .start
                self.commitWatch = nil
                stream.fail(.noQuorum(position, self.node))
                self.leave(connection)
                statement.done(false)
            }
        }
    }
}

extension TransactionVerb {
    /// Whether it ends the transaction that is open and keeps what that did.
    var commits: Bool {
        switch self {
        case .begin, .commit, .setAutocommit(true), .xa: true
        case .rollback, .savepoint, .rollbackToSavepoint, .releaseSavepoint, .setAutocommit(false), .setCharacteristics: false
        }
    }
}

extension ReplyError {
    /// The write is on the master's disk and not yet on enough nodes.
    @LoopActor static func noQuorum(_ position: Position, _ node: NodeContext) -> ReplyError {
        ReplyError(
            .noQuorum,
            "not on enough nodes after \(node.settings.replication.ackTimeoutMs) ms, so whether this write stays is not known yet: .wait \(position) tells when it does"
        )
    }
}

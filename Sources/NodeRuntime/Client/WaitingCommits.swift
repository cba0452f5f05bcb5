import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import StatementGate

/// Commits that wait until enough nodes have them.
extension LocalSession {
    /// What may commit though it reads like a query.
    private static let hidesCommits: SessionFacts = [.callsFunction, .callsRoutine, .implicitlyCommits, .executesPrepared]

    /// Whether a commit may be part of the statement, so that it may wait, and must not be broken off.
    func mayCommit(_ what: Classification) -> Bool {
        isHarmlessToBreak = !what.isWrite && what.transaction == nil && what.facts.isDisjoint(with: Self.hidesCommits)
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

    /// What MariaDB tells of a session whose commit waits, or waits behind others that do.
    private static let waitingStates: Set<String> = [
        "Waiting for semi-sync ACK from slave", "Commit", "Waiting for prior transaction to commit",
    ]

    func stopWatching() {
        commitWatch.map(node.loop.cancel)
        commitWatch = nil
    }

    /// After `replication.ackTimeoutMs` the client is told, where it is the commit that takes so long.
    func watchCommit(_ connection: MariaDBConnection, _ statement: LocalStatement, _ stream: ReplyStream) {
        commitWatch = node.loop.after(milliseconds: node.settings.replication.ackTimeoutMs) { [weak self] in
            guard let self, self.running === connection else { return }
            let sql = """
                SELECT (SELECT state FROM information_schema.processlist WHERE id=\(connection.connectionID)) AS state, \
                @@GLOBAL.gtid_binlog_pos AS binlog
                """
            self.node.positions.query(sql) { [weak self] result in
                guard let self, self.running === connection, self.stream === stream else { return }
                guard case .success(let found) = result, let position = Position(list: found["binlog"] ?? ""),
                    Self.waitingStates.contains(found["state"] ?? ""), position > self.node.applied.limit ?? position
                else { return self.watchCommit(connection, statement, stream) }
                // Its own position is not known before it is through; that of the last one written is not before it, as a rule.
                let hadState = !self.hold.isEmpty
                stream.fail(.noQuorum(position, self.node, hadState: hadState))
                self.leave(connection)
                self.refusal = .node(.noQuorum)
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
    @LoopActor static func noQuorum(_ position: Position, _ node: NodeContext, hadState: Bool = false) -> ReplyError {
        let state = hadState ? "; the session's settings and state are gone, it goes on as new" : ""
        return ReplyError(
            .noQuorum,
            """
            not on enough nodes after \(node.settings.replication.ackTimeoutMs) ms, so whether this write stays is not known yet: \
            .wait \(position) tells when it does\(state)
            """)
    }
}

package import EventLoop

/// Connections to the node's database, shared by the sessions that keep no state in them.
///
/// Connections of all accounts count against one limit. While the database is down callers wait, and the pool tries again with a
/// growing pause.
@LoopActor package final class ConnectionPool {
    private struct Idle {
        let connection: MariaDBConnection
        let sinceMs: Int
    }

    private struct Waiter {
        let ticket: PoolTicket
        /// Nil: the target's.
        let account: DatabaseAccount?
        let database: [UInt8]?
        let timer: TimerID
        let done: @LoopActor (Result<MariaDBConnection, PoolError>) -> Void
    }

    private static let retryFirstMs = 20
    private static let retryLastMs = 1000

    private let loop: EventLoop
    private let killing: Killing
    package var limits: PoolLimits
    /// How a connection is opened; nil while the database is known to be down. The account in it is the default one.
    private var target: DatabaseTarget?
    private var idle: [Idle] = []
    private var waiters: [Waiter] = []
    private var proofs: [AccountProof] = []
    private var opening = 0
    private var lastTicket: UInt64 = 0
    private var retryMs = ConnectionPool.retryFirstMs
    private var retryTimer: TimerID?
    private var lastError: DatabaseError?
    private var isClosed = false
    private var rights = AccountRights()
    /// Accounts' rights changed: no connection that is shared now is to serve another statement.
    package var retired: (@LoopActor () -> Void)?
    /// Connections that callers hold.
    package private(set) var inUse = 0
    package var idleCount: Int { idle.count }
    package var waiting: Int { waiters.count }

    package init(_ loop: EventLoop, limits: PoolLimits) {
        self.loop = loop
        self.limits = limits
        killing = Killing(loop)
        trimLater()
    }

    /// Follows the database: a target when it is up, nil when it is down. Idle connections to what was before are closed.
    package func use(_ target: DatabaseTarget?) {
        self.target = target
        killing.use(target)
        closeIdle()
        retryMs = Self.retryFirstMs
        openForWaiters()
    }

    /// What accounts may do may have changed: nobody is given a connection any more that was opened before. Those that are held end with their holders.
    package func rightsChanged() {
        rights.changed()
        retire()
    }

    private func retire() {
        closeIdle()
        retired?()
        openForWaiters()
    }

    // MARK: Taking and giving back

    /// Gives an idle connection of `account` (nil: the default one), the one of number `preferred` if that is idle, else one whose database is `database`;
    /// or opens one; or waits. `done` may be called before this returns; then the ticket means nothing any more.
    package func acquire(
        account: DatabaseAccount?, database: [UInt8]?, preferred: UInt?,
        done: @escaping @LoopActor (Result<MariaDBConnection, PoolError>) -> Void
    ) -> PoolTicket? {
        guard !isClosed else {
            done(.failure(.closed))
            return nil
        }
        if waiters.isEmpty || opening == 0, let wanted = account ?? target?.account, let connection = takeIdle(wanted, database, preferred) {
            inUse += 1
            done(.success(connection))
            return nil
        }
        guard waiters.count < limits.waitersMax else {
            done(.failure(.exhausted(connectionsMax: limits.connectionsMax)))
            return nil
        }
        let ticket = nextTicket()
        let timer = loop.after(milliseconds: limits.waitMs) { [weak self] in self?.waitedTooLong(ticket) }
        waiters.append(Waiter(ticket: ticket, account: account, database: database, timer: timer, done: done))
        openForWaiters()
        return ticket
    }

    /// Proves an account by a login of its own, never by a connection that is there already; the connection then serves as any other.
    ///
    /// Only a password proves a client: accounts that the server trusts for the node's own sake, and the node's accounts, are refused.
    /// - Parameters:
    ///   - question: a statement that leaves nothing behind, run by that login: what the account may do now, roles and PUBLIC counted, the server says.
    ///   - done: hears why there is no such login, or what the server said against the question, nil where it ran.
    package func prove(
        _ account: DatabaseAccount, asking question: String? = nil, done: @escaping @LoopActor (Result<DatabaseError?, PoolError>) -> Void
    ) {
        guard !isClosed, target != nil else { return done(.failure(isClosed ? .closed : .databaseDown(lastError))) }
        guard ClientAccount.isWritten(account) else { return done(.failure(.refused(ClientAccount.notForClients))) }
        guard proofs.count < limits.waitersMax else { return done(.failure(.exhausted(connectionsMax: limits.connectionsMax))) }
        let ticket = nextTicket()
        let timer = loop.after(milliseconds: limits.waitMs) { [weak self] in self?.waitedTooLong(ticket) }
        proofs.append(AccountProof(ticket: ticket, account: account, question: question, timer: timer, done: done))
        openForWaiters()
    }

    private func nextTicket() -> PoolTicket {
        lastTicket += 1
        return PoolTicket(number: lastTicket)
    }

    /// Stops waiting; `done` is not called.
    package func cancel(_ ticket: PoolTicket) {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else { return }
        loop.cancel(waiters.remove(at: index).timer)
    }

    /// Gives a connection back that keeps no state of a session.
    package func release(_ connection: MariaDBConnection) {
        inUse -= 1
        guard connection.isOpen, connection.isIdle, !isClosed, connection.rightsAge == rights.age, let target,
            target.endpoint == connection.target.endpoint
        else {
            connection.close()
            return openForWaiters()
        }
        if let index = waiters.firstIndex(where: { suits(connection, $0, target) }) {
            // One that came before needs a connection of its own.
            guard proofs.first.map({ $0.ticket.number > waiters[index].ticket.number }) ?? true || total + 1 < limits.connectionsMax else {
                connection.close()
                return openForWaiters()
            }
            hand(connection, to: waiters.remove(at: index))
        } else {
            connection.lostWhileIdle = { [weak self, unowned connection] in self?.idle.removeAll { $0.connection === connection } }
            idle.append(Idle(connection: connection, sinceMs: EventLoop.nowMs()))
            openForWaiters()
        }
    }

    /// Gives a connection back that can't be used again: it is closed.
    package func discard(_ connection: MariaDBConnection) {
        inUse -= 1
        connection.close()
        openForWaiters()
    }

    /// Leaves a connection to its statement, whose end nobody waits for: another may be opened in its place. It is the caller's to close.
    package func letGo(_ connection: MariaDBConnection) {
        inUse -= 1
        openForWaiters()
    }

    /// A session is over: what it may have left in idle connections, as a lock that a function took, goes now and not with their next use.
    package func renewIdle(leftBy session: UInt64) {
        let left = idle.filter { $0.connection.isTainted && $0.connection.lastUser == session }.map(\.connection)
        for connection in left {
            idle.removeAll { $0.connection === connection }
            connection.lostWhileIdle = nil
            inUse += 1
            connection.renew { [weak self] result in
                if case .success = result { self?.release(connection) } else { self?.discard(connection) }
            }
        }
    }

    private func takeIdle(_ account: DatabaseAccount, _ database: [UInt8]?, _ preferred: UInt?) -> MariaDBConnection? {
        // The most recent first: the others grow old and are closed.
        let index =
            // A session that runs statements under two accounts prefers none of the other account's.
            idle.lastIndex {
                $0.connection.connectionID == preferred && $0.connection.target.account == account
                    && (database != nil || $0.connection.database == nil)
            }
            ?? idle.lastIndex { $0.connection.target.account == account && $0.connection.database == database }
            ?? idle.lastIndex { $0.connection.target.account == account && (database != nil || $0.connection.database == nil) }
        guard let index else { return nil }
        let connection = idle.remove(at: index).connection
        connection.lostWhileIdle = nil
        return connection
    }

    /// A caller outside of any database can't leave the one that a connection is in.
    private func suits(_ connection: MariaDBConnection, _ waiter: Waiter, _ target: DatabaseTarget) -> Bool {
        (waiter.account ?? target.account) == connection.target.account && (waiter.database != nil || connection.database == nil)
    }

    private func hand(_ connection: MariaDBConnection, to waiter: Waiter) {
        loop.cancel(waiter.timer)
        connection.lostWhileIdle = nil
        inUse += 1
        waiter.done(.success(connection))
    }

    private func waitedTooLong(_ ticket: PoolTicket) {
        let error = target == nil || lastError != nil ? PoolError.databaseDown(lastError) : .exhausted(connectionsMax: limits.connectionsMax)
        if let index = waiters.firstIndex(where: { $0.ticket == ticket }) {
            waiters.remove(at: index).done(.failure(error))
        } else if let index = proofs.firstIndex(where: { $0.ticket == ticket }) {
            proofs.remove(at: index).done(.failure(error))
        }
    }

    // MARK: Opening

    private var total: Int { inUse + idle.count + opening }

    private func openForWaiters() {
        guard let target, !isClosed else { return }
        // An attempt may fail at once, and then the pause counts.
        while retryTimer == nil {
            let waiter = opening < openingMax && opening < waiters.count ? waiters[opening] : nil
            let proof = proofs.first
            guard waiter != nil || proof != nil, makeRoom() else { return }
            // Whoever came first.
            if let proof, waiter.map({ proof.ticket.number < $0.ticket.number }) ?? true {
                proofs.removeFirst()
                prove(proof, target)
            } else if let waiter {
                open(waiter.account ?? target.account, target)
            }
        }
    }

    /// A database that could not be reached is asked by one attempt, not by one for each who waits.
    private var openingMax: Int { lastError == nil ? .max : 1 }

    /// An idle connection of another account makes room.
    private func makeRoom() -> Bool {
        if total < limits.connectionsMax { return true }
        guard !idle.isEmpty else { return false }
        idle.removeFirst().connection.close()
        return true
    }

    private func open(_ account: DatabaseAccount, _ target: DatabaseTarget) {
        var target = target
        target.account = account
        opening += 1
        let age = rights.age
        MariaDBConnection.open(loop, target, for: self) { $0.opened($1, account, age) }
    }

    private func prove(_ proof: AccountProof, _ target: DatabaseTarget) {
        loop.cancel(proof.timer)
        var target = target
        target.account = proof.account
        inUse += 1
        let age = rights.age
        // Strong: until it is answered the connection is the check's.
        MariaDBConnection.open(loop, target) { [self] result in
            switch result {
            case .success(let connection):
                connection.rightsAge = age
                reached()
                ClientAccount.check(connection, asking: proof.question) { [self] found in
                    guard case .success = found else {
                        discard(connection)
                        return proof.done(found.mapError(PoolError.refused))
                    }
                    AccountRights.read(connection) { [self] lines in
                        if rights.learned(lines, of: proof.account) { retire() }
                        release(connection)
                        proof.done(found.mapError(PoolError.refused))
                    }
                }
            case .failure(let error):
                inUse -= 1
                let isUnreachable = Self.isUnreachable(error)
                if isUnreachable { retryLater(error) } else { openForWaiters() }
                proof.done(.failure(isUnreachable ? .databaseDown(error) : .refused(error)))
            }
        }
    }

    private func opened(_ result: Result<MariaDBConnection, DatabaseError>, _ account: DatabaseAccount, _ age: UInt64) {
        opening -= 1
        switch result {
        case .success(let connection):
            connection.rightsAge = age
            reached()
            inUse += 1
            release(connection)
        case .failure(let error) where Self.isUnreachable(error): retryLater(error)
        case .failure(let error):
            if let index = waiters.firstIndex(where: { ($0.account ?? target?.account) == account }) {
                let waiter = waiters.remove(at: index)
                loop.cancel(waiter.timer)
                waiter.done(.failure(.refused(error)))
            }
            openForWaiters()
        }
    }

    /// No word of the server's on the account: it can't be reached, has too many connections (1040), or is shutting down (1053).
    private static func isUnreachable(_ error: DatabaseError) -> Bool {
        error.number >= 2000 && error.number < 3000 || error.number == 1040 || error.number == 1053
    }

    private func reached() {
        lastError = nil
        retryMs = Self.retryFirstMs
    }

    private func retryLater(_ error: DatabaseError) {
        lastError = error
        guard retryTimer == nil else { return }
        retryTimer = loop.after(milliseconds: retryMs) { [weak self] in
            self?.retryTimer = nil
            self?.openForWaiters()
        }
        retryMs = min(retryMs * 2, Self.retryLastMs)
    }

    // MARK: Killing

    /// Ends what a connection runs, from a connection of its own; nobody waits for it.
    package func kill(_ connectionID: UInt) { killing.kill(connectionID) }

    // MARK: Ending

    private func closeIdle() {
        for entry in idle { entry.connection.close() }
        idle = []
    }

    private func trimLater() {
        loop.after(milliseconds: max(1000, limits.idleMs / 4)) { [weak self] in
            guard let self, !self.isClosed else { return }
            let old = EventLoop.nowMs() - self.limits.idleMs
            for entry in self.idle where entry.sinceMs < old { entry.connection.close() }
            self.idle.removeAll { $0.sinceMs < old }
            self.trimLater()
        }
    }

    /// Closes what is idle and turns everybody away; what callers hold they give back.
    package func close() {
        isClosed = true
        closeIdle()
        loop.cancel(retryTimer)
        let waiters = self.waiters
        self.waiters = []
        for waiter in waiters {
            loop.cancel(waiter.timer)
            waiter.done(.failure(.closed))
        }
        let proofs = self.proofs
        self.proofs = []
        for proof in proofs {
            loop.cancel(proof.timer)
            proof.done(.failure(.closed))
        }
    }
}

/// Why the pool could not give a connection.
package enum PoolError: Error, Sendable {
    /// The database can't be reached; the last reason, where one is known.
    case databaseDown(DatabaseError?)
    /// The database refused this account.
    case refused(DatabaseError)
    /// Every connection stayed in use for as long as a caller may wait.
    case exhausted(connectionsMax: Int)
    case closed
}

/// What a pool may take.
package struct PoolLimits: Sendable {
    package var connectionsMax: Int
    /// Idle connections are closed after this.
    package var idleMs: Int
    package var waitersMax: Int
    /// How long a caller waits for a connection.
    package var waitMs: Int

    package init(connectionsMax: Int, idleMs: Int, waitersMax: Int = 100_000, waitMs: Int = 10_000) {
        self.connectionsMax = connectionsMax
        self.idleMs = idleMs
        self.waitersMax = waitersMax
        self.waitMs = waitMs
    }
}

/// Names a caller that waits for a connection.
package struct PoolTicket: Hashable, Sendable {
    let number: UInt64
}

package import EventLoop

/// How many connections are shared by statements under way at the same time, and how.
package struct LaneLimits: Sendable {
    /// Connections for each account and database; a stalled one does not count.
    package var lanesMax = 4
    /// The lanes that are filled first: with few statements on each, a lane spares fewer wake-ups.
    package var lanesPreferred = 2
    /// Statements under way on each of those before others are used.
    package var crowdedAt = 32
    /// Statements under way on one connection.
    package var depthMax = 64
    /// A lane that answers nothing for so long, to twice as long, is stalled.
    package var stallMs = 50

    package init() {}
}

/// Short reads of many sessions on few connections, several on each at a time: that spares the database and this node most of their wake-ups.
///
/// The server answers a connection's statements in order, so a slow one holds up those behind it. Callers give only what has proven fast; what turns
/// out slow all the same stalls its lane, which is then left to that one statement, and those behind it are run again elsewhere. So a statement may be
/// run twice: it must change nothing.
@LoopActor package final class StatementLanes {
    private struct Place: Hashable {
        let account: DatabaseAccount?
        let database: [UInt8]?
    }

    private let loop: EventLoop
    private let pool: ConnectionPool
    private let limits: LaneLimits
    private let budget: LaneBudget
    private var groups: [Place: LaneGroup] = [:]
    /// Sessions mostly stay where they are.
    private var last: (place: Place, group: LaneGroup)?

    package init(_ loop: EventLoop, _ pool: ConnectionPool, limits: LaneLimits = LaneLimits()) {
        self.loop = loop
        self.pool = pool
        self.limits = limits
        budget = LaneBudget(pool)
    }

    /// Connections that are lanes now.
    package var count: Int { budget.taken }

    /// Whether there is a lane of that account and database, or room for one: lanes take no more than a quarter of the pool.
    package func isOpen(account: DatabaseAccount?, database: [UInt8]?) -> Bool {
        guard pool.waiting == 0 else { return false }
        if budget.hasRoom { return true }
        let place = Place(account: account, database: database)
        return (last?.place == place ? last?.group : groups[place])?.hasLane ?? false
    }

    /// Runs a statement on a lane of that account (nil: the pool's default one) and database.
    package func run(_ job: LaneJob, account: DatabaseAccount?, database: [UInt8]?) {
        group(Place(account: account, database: database)).add(job)
    }

    private func group(_ place: Place) -> LaneGroup {
        if let last, last.place == place { return last.group }
        let group = groups[place] ?? LaneGroup(loop, pool, limits, budget, account: place.account, database: place.database)
        groups[place] = group
        last = (place, group)
        return group
    }

    /// Gives every lane back as soon as it is idle: at the end, or since connections are to be set up in another way.
    package func retire() {
        for group in groups.values { group.retire() }
        groups = [:]
        last = nil
    }

    /// Gives back the lanes that were not used since the last call.
    package func trim() {
        for (place, group) in groups where group.trim() {
            groups[place] = nil
            if last?.place == place { last = nil }
        }
    }
}

/// How many connections of the pool are lanes.
@LoopActor final class LaneBudget {
    private unowned let pool: ConnectionPool
    var taken = 0

    init(_ pool: ConnectionPool) { self.pool = pool }

    var hasRoom: Bool { taken < pool.limits.connectionsMax / 4 }
}

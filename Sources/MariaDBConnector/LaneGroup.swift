import EventLoop

/// The lanes of one account and database.
@LoopActor final class LaneGroup {
    /// One shared connection.
    private final class Lane {
        let connection: MariaDBConnection
        /// Grows with each statement that is through, and with each row that was passed on.
        var progress = 0
        var progressAtTick = 0
        var wasBusyAtTick = false
        var isUsed = true
        var isStalled = false
        var first: LaneJob?

        init(_ connection: MariaDBConnection) { self.connection = connection }
    }

    private let loop: EventLoop
    private let pool: ConnectionPool
    private let limits: LaneLimits
    private let budget: LaneBudget
    private let account: DatabaseAccount?
    private let database: [UInt8]?
    private var lanes: [Lane] = []
    private var stalled: [Lane] = []
    private var waiting: [LaneJob] = []
    private var isOpening = false
    private var isTicking = false
    private var isRetired = false

    init(_ loop: EventLoop, _ pool: ConnectionPool, _ limits: LaneLimits, _ budget: LaneBudget, account: DatabaseAccount?, database: [UInt8]?) {
        self.loop = loop
        self.pool = pool
        self.limits = limits
        self.budget = budget
        self.account = account
        self.database = database
    }

    var hasLane: Bool { isOpening || !lanes.isEmpty }

    // MARK: Statements

    func add(_ job: LaneJob) {
        guard let lane = leastBusy(), lane.connection.inFlight < limits.depthMax else {
            waiting.append(job)
            return openAnother()
        }
        if lane.connection.inFlight >= (lanes.count < limits.lanesPreferred ? 1 : limits.crowdedAt) { openAnother() }
        run(job, on: lane)
    }

    /// The least busy of the preferred lanes, or of all when those are crowded.
    private func leastBusy() -> Lane? {
        var found: Lane?
        var seen = 0
        for lane in lanes where lane.connection.isOpen && !lane.connection.isTainted {
            if seen == limits.lanesPreferred, let found, found.connection.inFlight < limits.crowdedAt { return found }
            seen += 1
            let load = lane.connection.inFlight
            if load == 0 { return lane }
            if found.map({ load < $0.connection.inFlight }) ?? true { found = lane }
        }
        return found
    }

    private func run(_ job: LaneJob, on lane: Lane) {
        lane.isUsed = true
        job.hadLaneAlone = lane.connection.inFlight == 0
        job.connection = lane.connection
        job.whenOver = { [self] in isThrough(lane) }
        for statement in job.statements { lane.connection.execute(statement.sql, job) }
        tickLater()
    }

    /// A statement on the lane is through, or its reply was dropped.
    private func isThrough(_ lane: Lane) {
        lane.progress += 1
        guard !lane.isStalled, lane.connection.isOpen, lane.connection.inFlight < limits.depthMax, let job = waiting.first else { return }
        waiting.removeFirst()
        run(job, on: lane)
    }

    /// Those that wait, as far as there is room for them.
    private func feed() {
        while !waiting.isEmpty, let lane = leastBusy(), lane.connection.inFlight < limits.depthMax { run(waiting.removeFirst(), on: lane) }
        if !waiting.isEmpty { openAnother() }
    }

    // MARK: Lanes

    private func openAnother() {
        guard !isOpening, lanes.count < limits.lanesMax, !isRetired || !waiting.isEmpty else { return }
        // Those that wait for their first lane must have one.
        guard budget.hasRoom || lanes.isEmpty && !waiting.isEmpty else { return }
        isOpening = true
        budget.taken += 1
        _ = pool.acquire(account: account, database: database, preferred: nil) { [self] result in
            switch result {
            case .success(let connection): renewed(connection)
            case .failure(let error): couldNotOpen(error)
            }
        }
    }

    private func renewed(_ connection: MariaDBConnection) {
        guard connection.isTainted else { return enterDatabase(connection) }
        connection.renew { [self] result in
            switch result {
            case .success: enterDatabase(connection)
            case .failure(let error):
                pool.discard(connection)
                couldNotOpen(.databaseDown(error))
            }
        }
    }

    private func enterDatabase(_ connection: MariaDBConnection) {
        guard let database, connection.database != database else { return opened(connection) }
        connection.query(SQLText.use(database)) { [self] result in
            switch result {
            case .success: opened(connection)
            case .failure(let error):
                pool.release(connection)
                couldNotOpen(.refused(error))
            }
        }
    }

    private func opened(_ connection: MariaDBConnection) {
        isOpening = false
        // Whoever has it next finds nothing of the session before.
        connection.lastUser = 0
        let lane = Lane(connection)
        connection.lostWhileIdle = { [weak self, weak lane] in if let lane { self?.lost(lane) } }
        lanes.append(lane)
        while !waiting.isEmpty, connection.inFlight < limits.depthMax { run(waiting.removeFirst(), on: lane) }
        if !waiting.isEmpty { openAnother() }
        if isRetired { tickLater() }
    }

    private func couldNotOpen(_ error: PoolError) {
        isOpening = false
        budget.taken -= 1
        guard lanes.isEmpty else { return feed() }
        let jobs = waiting
        waiting = []
        for job in jobs { job.refused(error) }
    }

    private func lost(_ lane: Lane) {
        guard let index = lanes.firstIndex(where: { $0 === lane }) else { return }
        lanes.remove(at: index)
        giveBack(lane)
        feed()
    }

    // MARK: Stalls

    private func tickLater() {
        guard !isTicking else { return }
        isTicking = true
        loop.after(milliseconds: limits.stallMs) { [self] in
            isTicking = false
            tick()
        }
    }

    private func tick() {
        for lane in lanes {
            let isBusy = lane.connection.inFlight > 0
            if isBusy, lane.wasBusyAtTick, lane.progress == lane.progressAtTick { stall(lane) }
            lane.wasBusyAtTick = isBusy
            lane.progressAtTick = lane.progress
        }
        takeBack { !$0.connection.isOpen || $0.connection.isTainted }
        lanes.removeAll { $0.isStalled }
        let over = stalled.filter { $0.connection.inFlight == 0 }
        stalled.removeAll { $0.connection.inFlight == 0 }
        for lane in over { giveBack(lane) }
        endAbandoned()
        feed()
        if isRetired { giveBackIdle() }
        if lanes.contains(where: { $0.connection.inFlight > 0 }) || !stalled.isEmpty || !waiting.isEmpty { tickLater() }
    }

    /// Leaves the lane to the statement that holds it up, and runs the others elsewhere.
    private func stall(_ lane: Lane) {
        lane.isStalled = true
        stalled.append(lane)
        let (first, others) = lane.connection.disown { DroppedReply { [weak lane] in lane?.progress += 1 } }
        lane.first = first as? LaneJob
        lane.first?.hasStalled()
        for case let job as LaneJob in others where job !== waiting.last {
            job.whenOver = nil
            waiting.append(job)
        }
    }

    private func endAbandoned() {
        let going = stalled.filter { $0.first?.isAbandoned ?? false }
        stalled.removeAll { $0.first?.isAbandoned ?? false }
        for lane in going {
            pool.kill(lane.connection.connectionID)
            // Not kept: the end may come late, and then would hit whoever has the connection by then.
            lane.connection.close()
            giveBack(lane)
        }
    }

    private func giveBack(_ lane: Lane) {
        budget.taken -= 1
        lane.connection.lostWhileIdle = nil
        if lane.connection.isOpen { pool.release(lane.connection) } else { pool.discard(lane.connection) }
    }

    // MARK: Ending

    /// Gives back the lanes not used since the last call; true when there is nothing left.
    func trim() -> Bool {
        takeBack { !$0.isUsed || $0.connection.isTainted }
        for lane in lanes { lane.isUsed = false }
        return lanes.isEmpty && stalled.isEmpty && waiting.isEmpty && !isOpening && !isTicking
    }

    /// Gives those of the idle lanes back. Taken out first: a connection given back may become a lane again at once, of this very group.
    private func takeBack(_ isGoing: (Lane) -> Bool) {
        var going: [Lane] = []
        lanes.removeAll { lane in
            guard lane.connection.inFlight == 0, isGoing(lane) else { return false }
            going.append(lane)
            return true
        }
        for lane in going { giveBack(lane) }
    }

    /// Gives lanes back as they fall idle.
    func retire() {
        isRetired = true
        giveBackIdle()
        if !lanes.isEmpty || !stalled.isEmpty { tickLater() }
    }

    private func giveBackIdle() {
        if waiting.isEmpty { takeBack { _ in true } }
    }
}

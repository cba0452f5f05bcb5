import ClusterModel
import Digests
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication
import StatementGate

/// What clients' sessions need of the node they are served by.
typealias NodeContext = Node

/// One running node: its database, its role, its clients.
@LoopActor final class Node {
    private static let sweepMs = 1000

    let loop: EventLoop
    let log: NodeLog
    private(set) var settings: NodeSettings
    let directory: NodeDirectory
    /// What clients and other nodes are told to connect to.
    let address: String
    let masterAddress: NodeAddress?
    /// As messages tell it: `host:port`, or `-`.
    let masterWords: String
    let pool: ConnectionPool
    let lanes: StatementLanes
    var kinds = StatementKinds()
    let control: ControlConnection
    let leftCommits: LeftCommits
    let applied: AppliedPosition
    let linkIdentity: LinkIdentity
    private(set) lazy var verifier = Verifier(self)
    var epoch = Epoch.first
    private(set) var lexicalMode = LexicalMode.standard
    private var blocked: ReplyError? = ReplyError(.notReady, "this node is starting; try again shortly")
    private(set) var isStopping = false
    private var database: NodeDatabase?
    private var life: (any RoleLife)?
    private var sessions: [UInt64: ClientSession] = [:]
    private var lastSession: UInt64 = 0
    private var databaseVersion = "-"
    private let startedMs = EventLoop.nowMs()

    /// Told once, when clients' statements can run for the first time.
    var becameReady: (@LoopActor () -> Void)?
    /// The node can't go on: why.
    var failed: (@LoopActor (String) -> Void)?
    private var whenStopped: (@LoopActor () -> Void)?

    init(_ loop: EventLoop, _ settings: NodeSettings, _ directory: NodeDirectory, address: String, log: NodeLog) {
        self.loop = loop
        self.log = log
        self.settings = settings
        self.directory = directory
        self.address = address
        masterAddress = settings.role == .master ? NodeAddress(address) : settings.master
        masterWords = masterAddress?.description ?? "-"
        pool = ConnectionPool(loop, limits: PoolLimits(connectionsMax: settings.pool.connectionsMax, idleMs: settings.pool.idleMs))
        lanes = StatementLanes(loop, pool)
        control = ControlConnection(loop)
        leftCommits = LeftCommits(pool)
        applied = AppliedPosition(loop)
        let secret = settings.cluster.secret?.bytes
        linkIdentity = LinkIdentity(
            cluster: settings.cluster.name, prove: secret.map { key in { @Sendable in Digests.hmacSHA256(key: key, $0) } }, equal: Digests.equal)
        sweepLater()
    }

    // MARK: Who it is

    var role: Role { settings.role }

    /// The number the node has, or the one it answers with until its master gives it one.
    var id: NodeID { directory.state.id ?? settings.id ?? .unnamed }

    /// Why clients' statements can't run now; nil when they can.
    var notReady: ReplyError? { blocked.map { life?.notReady ?? $0 } }

    /// The `server_id` of its database: a master's stands in what it writes, a slave's must be in nothing that was ever written.
    var serverID: UInt32 { role == .master ? WriterID(epoch: epoch, node: id)?.server ?? WriterID.idle(id) : WriterID.idle(id) }

    var gateOptions: GateOptions {
        GateOptions(
            multiStatements: settings.session.multiStatements, files: settings.session.files && role == .master,
            sharesAccount: settings.authentication == .none)
    }
    var administrator: DatabaseAccount? { database?.administratorLogin }
    var administratorTarget: DatabaseTarget? { database?.administrator }

    // MARK: Starting

    /// Begins the role's life, then the database.
    func start() {
        do {
            switch role {
            case .master: begin(try MasterLife(self))
            case .slave: startSlave()
            }
        } catch {
            failed?("the list of members can't be read: \(error)")
        }
    }

    private func startSlave() {
        Journal.open(loop, directory: directory.path + "/journal", segmentBytes: settings.replication.journalSegmentBytes) { [self] result in
            do {
                guard let master = settings.master else { preconditionFailure("a slave's settings name its master") }
                begin(try SlaveLife(self, try result.get(), master: master))
            } catch let problem as JournalProblem {
                failed?("the journal can't be opened: \(problem)")
            } catch {
                failed?("the relay endpoint can't be opened: \(error)")
            }
        }
    }

    private func begin(_ life: any RoleLife) {
        self.life = life
        do {
            // A slave that has no number yet gets one when it joins; until then its database needs some number that is nobody's.
            let database = try NodeDatabase(loop, settings, directory, serverID: serverID, log: log) { [self] in heard($0) }
            self.database = database
            database.start()
        } catch {
            failed?("\(error)")
        }
    }

    private func heard(_ event: NodeDatabase.Event) {
        switch event {
        case .up(let version):
            databaseVersion = version
            control.use(database?.administrator)
            checkDatabase()
        case .down(let why):
            blocked = ReplyError(.databaseDown, "the database of node \(id) is down (\(why)); try again shortly")
            life?.databaseIsDown()
            control.use(nil)
            serve(nil)
        case .failed(let why):
            if life?.databaseFailed(why) != true { failed?(why) }
        case .stopped:
            whenStopped?()
        }
    }

    /// Stops the private database, has `work` change its files, and starts it again; `done` hears what went wrong with them.
    func replaceDatabase(_ work: @escaping @Sendable () throws -> Void, done: @escaping @LoopActor @Sendable ((any Error)?) -> Void) {
        database?.replaceFiles(work, done: done)
    }

    private func checkDatabase() {
        guard settings.database.mode == .external else { return prepareDatabase() }
        if role == .slave, let host = settings.database.host, !NodeAddress(host: host, port: 0).isLoopback {
            failed?("a slave's external database replicates from the node over loopback, so it must run on the same machine; it is at \(host)")
            return
        }
        ExternalCheck.run(control, role: role) { [self] problems in
            guard problems.isEmpty else {
                let list = problems.map { "  - \($0)" }.joined(separator: "\n")
                failed?("the external database is not fit for a \(role.rawValue):\n\(list)")
                return
            }
            prepareDatabase()
        }
    }

    private func prepareDatabase() {
        control.query("SELECT @@GLOBAL.sql_mode AS sql_mode, @@GLOBAL.gtid_binlog_pos AS binlog") { [self] result in
            let found: SmallResult
            do { found = try result.get() } catch { return retryPreparation("\(error)") }
            guard let life else { return retryPreparation("the node has no role yet") }
            sqlMode = found["sql_mode"] ?? ""
            lexicalMode = LexicalMode(sqlMode: sqlMode)
            if role == .master { applied.advanced(to: Position(list: found["binlog"] ?? "") ?? .start) }
            life.databaseIsUp { [self] problem in
                if let problem { return retryPreparation(problem) }
                serve(clientTarget)
                blocked = nil
                if let becameReady { becameReady() } else { log.notice("serving again", ["position": "\(applied.value)"]) }
                becameReady = nil
            }
        }
    }

    private var sqlMode = ""

    private func retryPreparation(_ why: String) {
        log.warning("the database could not be prepared; trying again", ["why": why])
        loop.after(milliseconds: 500) { [self] in
            guard database?.endpoint != nil, blocked != nil, !isStopping else { return }
            prepareDatabase()
        }
    }

    /// Clients' connections are opened so from now on.
    private func serve(_ target: DatabaseTarget?) {
        lanes.retire()
        pool.use(target)
    }

    /// Clients' sessions start alike on every connection: how their SQL is read must be what the gate thinks it is.
    private var clientTarget: DatabaseTarget? {
        let seconds = Double(settings.limits.statementMs) / 1000
        var setup = [
            """
            SET SESSION sql_mode='\(sqlMode)', session_track_system_variables='last_gtid,sql_mode', session_track_schema=1, \
            session_track_state_change=1, max_statement_time=\(seconds), wait_timeout=\(NodeDatabase.waitTimeoutS)
            """
        ]
        // A second wall behind the gate, whatever the account may do.
        if role == .slave { setup.append("SET SESSION TRANSACTION READ ONLY") }
        return database?.client(setup: setup, multiStatements: settings.session.multiStatements)
    }

    // MARK: Clients

    func accepted(_ descriptor: Int32) {
        let channel = Channel(loop, descriptor)
        guard sessions.count < settings.limits.connectionsMax, !isStopping else {
            let error =
                isStopping
                ? ReplyError(.shuttingDown, "this node is stopping; connect to another one")
                : ReplyError(.tooManyConnections, "this node serves \(sessions.count) clients already (limits.connectionsMax); try again later")
            Deaf.turnAway(channel, error)
            return
        }
        lastSession += 1
        let session = ClientSession(self, number: lastSession, channel)
        do throws(SystemError) {
            try channel.start(session)
            sessions[lastSession] = session
        } catch {
            log.warning("a client could not be served", ["error": "\(error)"])
        }
    }

    func sessionEnded(_ session: ClientSession) {
        sessions[session.number] = nil
        if isStopping, sessions.isEmpty { finishStopping() }
    }

    /// A session turned out to be another node.
    func linkArrived(_ session: ClientSession, version: Int, rest: [UInt8]) {
        forget(session)
        guard version == 1, let life, !isStopping else {
            log.warning("a node asked for a link that can't be made", ["version": "\(version)"])
            return session.channel.close()
        }
        life.linkArrived(session.channel, rest: rest)
    }

    /// What it did as a client is over.
    func forget(_ session: ClientSession) {
        sessions[session.number] = nil
        session.local.abandon()
        session.forwarded?.reset()
    }

    /// What keeps the database at one position for a moment, on a slave.
    var applyHold: ApplyHold? { life?.applyHold }

    func committed(_ gtid: GTID) {
        guard role == .master else { return }
        applied.committed(Position(gtid))
        life?.passed(Position(gtid))
    }

    private func sweepLater() {
        // Held by it: a node lives as long as its process.
        loop.after(milliseconds: Self.sweepMs) { [self] in
            guard !isStopping else { return }
            sweep()
            lanes.trim()
            sweepLater()
        }
    }

    private func sweep() {
        let limit = settings.limits.idleMs
        guard limit > 0 else { return }
        let old = EventLoop.nowMs() - limit
        for session in Array(sessions.values) where session.isIdle && session.lastActiveMs < old { session.tooIdle(limit) }
    }

    // MARK: Telling

    func nodes() -> [NodeStatus] { life?.nodes() ?? [] }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [
            ["node", "\(id)"], ["role", role.rawValue], ["epoch", "\(epoch)"], ["cluster", settings.cluster.name], ["address", address],
            ["master", masterWords], ["version", DDBVersion.text], ["database", database?.endpoint == nil ? "down" : "up"],
            ["database.mode", settings.database.mode.rawValue], ["database.version", databaseVersion],
            ["uptime_ms", "\(EventLoop.nowMs() - startedMs)"],
        ]
        rows += (life?.statusRows() ?? []) + verifier.statusRows
        rows += [
            ["clients", "\(sessions.count)"], ["clients.max", "\(settings.limits.connectionsMax)"],
            ["pool.in_use", "\(pool.inUse)"], ["pool.idle", "\(pool.idleCount)"], ["pool.waiting", "\(pool.waiting)"],
            ["pool.max", "\(settings.pool.connectionsMax)"],
            ["health", health],
        ]
        return rows
    }

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) {
        guard let life else { return done(.failure(ReplyError(.notReady, "this node is starting; try again shortly"))) }
        life.confirmedPosition(done)
    }

    var stalenessMs: Int? { life?.stalenessMs }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        guard let life else { throw ReplyError(.notReady, "this node is starting; try again shortly") }
        return try life.remove(id)
    }

    /// A write that would only wait for nodes that are away is refused.
    var writeRefusal: ReplyError? { life?.writeRefusal }
    /// Whether commits wait for other nodes: then a commit under way must not be broken off, since the database would let it through.
    var commitsWait: Bool { applied.limit != nil }
    private var health: String {
        guard let notReady else { return life?.health ?? "Starting." }
        let why = "Not serving: \(String(decoding: notReady.message, as: UTF8.self))."
        // A slave that starts may be held up by its master, and knows why.
        return role == .slave || commitsWait ? why + " " + (life?.health ?? "") : why
    }

    // MARK: Changing

    /// Takes over what can change while the node runs.
    func reload(_ new: NodeSettings) {
        settings.limits = new.limits
        settings.session = new.session
        settings.log.level = new.log.level
        settings.shutdown = new.shutdown
        settings.verify = new.verify
        settings.pool = new.pool
        settings.replication.binlogBytesMax = new.replication.binlogBytesMax
        settings.replication.binlogKeepMs = new.replication.binlogKeepMs
        settings.replication.ackTimeoutMs = new.replication.ackTimeoutMs
        settings.replication.heartbeatMs = new.replication.heartbeatMs
        settings.replication.peerTimeoutMs = new.replication.peerTimeoutMs
        settings.replication.journalBytesMax = new.replication.journalBytesMax
        settings.replication.sendBufferBytes = new.replication.sendBufferBytes
        settings.replication.compression = new.replication.compression
        settings.replication.snapshotAfterTransactions = new.replication.snapshotAfterTransactions
        pool.limits = PoolLimits(connectionsMax: new.pool.connectionsMax, idleMs: new.pool.idleMs)
        if blocked == nil { serve(clientTarget) }
    }

    // MARK: Stopping

    /// Lets running requests finish, within the limit, then stops the database. `done` is called once.
    func stop(_ done: @escaping @LoopActor () -> Void) {
        guard !isStopping else { return }
        isStopping = true
        whenStopped = done
        log.notice("stopping", ["clients": "\(sessions.count)"])
        verifier.stop()
        for session in Array(sessions.values) { session.drain() }
        if sessions.isEmpty { return finishStopping() }
        loop.after(milliseconds: settings.shutdown.drainMs) { [self] in
            guard !sessions.isEmpty else { return }
            log.warning("requests still running are given up", ["clients": "\(sessions.count)"])
            for session in Array(sessions.values) { session.channel.close() }
        }
    }

    private var isFinishing = false

    private func finishStopping() {
        guard !isFinishing else { return }
        isFinishing = true
        life?.stop()
        lanes.retire()
        pool.close()
        control.use(nil)
        if let database { database.stop() } else { whenStopped?() }
    }
}

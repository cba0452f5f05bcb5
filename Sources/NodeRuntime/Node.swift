import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Failover
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
    let pool: ConnectionPool
    let lanes: StatementLanes
    var kinds = StatementKinds()
    /// The node's own work on its database, some of it slow.
    let control: ControlConnection
    /// How far the database is, which clients wait for: nothing slow goes over it.
    let positions: ControlConnection
    /// What a client asks about, that the node looks up: outcomes.
    let lookups: ControlConnection
    let probe: DatabaseProbe
    private lazy var unfitMaster = UnfitMaster(self)
    let leftCommits: LeftCommits
    let applied: AppliedPosition
    let linkIdentity: LinkIdentity
    private(set) lazy var verifier = Verifier(self)
    private(set) lazy var databaseWatch = DatabaseWatch(self)
    private(set) lazy var snapshots = SnapshotDesk(self)
    private(set) lazy var electorate = Electorate(self, seed: .random(in: .min ... .max))
    var membership: Membership
    private(set) lazy var outcomes = Outcomes(self)
    private(set) var defaults = SessionDefaults()
    private(set) var lexicalMode = LexicalMode.standard
    var blocked: ReplyError? = ReplyError(.notReady, "this node is starting; try again shortly")
    private(set) var isStopping = false
    var database: NodeDatabase?
    var life: (any RoleLife)?
    /// The database ends, and the node's role with it.
    var isHalting = false
    /// How often it became master, or ceased to be.
    var roleChanges = 0
    /// The change of master that an operator asked for, under way.
    var change: ChangeOfMaster?
    /// An operator wants this node to be master.
    var promotion: Promotion?
    /// Writes wait: another node becomes master.
    var holdsWrites: Bool { change?.holdsWrites ?? false }
    private(set) var sessions: [UInt64: ClientSession] = [:]
    private var lastSession: UInt64 = 0
    /// Clients that were to log in, the oldest first; some have, or are gone.
    var strangers: [UInt64] = []
    /// Connections beyond the clients' places, and links that are not proven.
    private(set) lazy var newcomers = Doorstep(loop, milliseconds: Self.proofMs)
    private(set) lazy var unproven = Doorstep(loop, milliseconds: Self.proofMs)
    private(set) var databaseVersion = "-"
    let startedMs = EventLoop.nowMs()

    /// Told once, when clients' statements can run for the first time.
    var becameReady: (@LoopActor () -> Void)?
    /// The node can't go on: why.
    var failed: (@LoopActor (String) -> Void)?
    private var whenStopped: (@LoopActor () -> Void)?

    init(_ loop: EventLoop, _ settings: NodeSettings, _ directory: NodeDirectory, address: String, log: NodeLog) throws(StoredProblem) {
        self.loop = loop
        self.log = log
        self.settings = settings
        self.directory = directory
        self.address = address
        membership = try Membership(path: directory.path + "/members", own: directory.identity(settings), isExpected: directory.state.isListed)
        pool = ConnectionPool(loop, limits: PoolLimits(connectionsMax: settings.pool.connectionsMax, idleMs: settings.pool.idleMs))
        let lanes = StatementLanes(loop, pool)
        self.lanes = lanes
        pool.retired = { [weak lanes] in lanes?.retire() }
        (control, positions, lookups) = (ControlConnection(loop), ControlConnection(loop), ControlConnection(loop))
        control.besides = [positions, lookups]
        probe = DatabaseProbe(
            loop, paths: [directory.path, directory.path + "/mariadb"], silentAfterMs: settings.failover.silentDatabaseMs)
        leftCommits = LeftCommits(pool)
        applied = AppliedPosition(loop)
        let secret = settings.cluster.secret?.bytes
        linkIdentity = LinkIdentity(
            cluster: settings.cluster.name, uuid: directory.state.uuid,
            prove: secret.map { key in { @Sendable in Digests.hmacSHA256(key: key, $0) } }, equal: Digests.equal)
        probe.looked = { [unowned self] in unfitMaster.looked(probe.trouble) }
        sweepLater()
    }

    // MARK: Who it is

    /// How clients' statements are treated.
    var role: Role { life?.role ?? .slave }
    var epoch: Epoch { electorate.epoch }

    /// As clients are told it.
    var roleWord: String {
        if role == .master { return "master" }
        if isWitness { return "witness" }
        return life is MasterLife || electsByItself && electorate.leader == nil ? "candidate" : "slave"
    }

    /// Where the master is, as far as this node knows.
    var masterAddress: NodeAddress? {
        if role == .master { return NodeAddress(address) }
        if let leader = electorate.leader, leader != id, let member = membership.configuration.member(leader) { return member.address }
        return electsByItself ? nil : life?.leaderLink?.address
    }

    /// As messages tell it: `host:port`, or `-`.
    var masterWords: String { masterAddress?.description ?? "-" }

    /// The number the node has, or the one it answers with until its master gives it one.
    var id: NodeID { directory.state.id ?? settings.id ?? .unnamed }

    /// Why clients' statements can't run now; nil when they can.
    var notReady: ReplyError? { blocked.map { life?.notReady ?? $0 } }

    /// The `server_id` of its database: a master's stands in what it writes, a slave's must be in nothing that was ever written.
    var serverID: UInt32 { role == .master ? WriterID(epoch: epoch, node: id)?.server ?? WriterID.idle(id) : WriterID.idle(id) }

    var gateOptions: GateOptions {
        GateOptions(
            multiStatements: settings.session.multiStatements, files: settings.session.files && role == .master,
            sharesAccount: settings.authentication == .none, values: defaults.values)
    }
    var administratorTarget: DatabaseTarget? { database?.administrator }

    // MARK: The database

    func heard(_ event: NodeDatabase.Event) {
        switch event {
        case .up(let version):
            databaseVersion = version
            databaseWatch.begin()
            useDatabase(database?.administrator)
            checkDatabase()
        case .down(let why):
            block(ReplyError(.databaseDown, "the database of node \(id) is down (\(why)); try again shortly"))
            life?.databaseIsDown()
            useDatabase(nil)
        case .failed(let why):
            if life?.databaseFailed(why) != true { failed?(why) }
        case .halted: databaseHalted()
        case .stopped:
            syncBinlog()
            whenStopped?()
        }
    }

    /// The node's own connections; nil: the database is down.
    func useDatabase(_ target: DatabaseTarget?) {
        control.use(target)
        probe.use(target)
    }

    /// Clients' statements can't run for now.
    func block(_ error: ReplyError) {
        blocked = error
        serve(nil)
    }

    /// Stops the private database, has `work` change its files, and starts it again; `done` hears what went wrong with them.
    func replaceDatabase(_ work: @escaping @Sendable () throws -> Void, done: @escaping @LoopActor @Sendable ((any Error)?) -> Void) {
        database?.replaceFiles(work, done: done)
    }

    /// Lets go of an external database and connects to it anew.
    func reconnectDatabase(_ why: String) { database?.reconnect(why) }

    func checkDatabase() {
        guard settings.database.mode == .external else { return prepareDatabase() }
        if life is SlaveLife, let host = settings.database.host, !NodeAddress(host: host, port: 0).isLoopback {
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
        control.query(SessionDefaults.query) { [self] result in
            do { defaults = SessionDefaults(try result.get()) } catch { return retryPreparation("\(error)") }
            lexicalMode = defaults.lexicalMode
            findPosition()
        }
    }

    private func findPosition() {
        control.query("SELECT @@GLOBAL.gtid_binlog_pos AS binlog") { [self] result in
            let found: SmallResult
            do { found = try result.get() } catch { return retryPreparation("\(error)") }
            if role == .master { applied.advanced(to: Position(list: found["binlog"] ?? "") ?? .start) }
            makeOwnTables { [self] problem in
                if let problem { return retryPreparation(problem) }
                guard let life else { return retryPreparation("the node has no role yet") }
                life.databaseIsUp { [self] problem in
                    guard self.life === life else { return }
                    if let problem { return retryPreparation(problem) }
                    openForClients()
                }
            }
        }
    }

    private func openForClients() {
        serve(clientTarget)
        blocked = nil
        if let becameReady { becameReady() } else { log.notice("serving again", ["position": "\(applied.value)"]) }
        becameReady = nil
    }

    /// Clients can ask how the cluster is.
    func readyWithoutDatabase() {
        blocked = nil
        becameReady?()
        becameReady = nil
    }

    /// The database was opened for writes.
    func becameMaster() {
        roleChanges += 1
        openForClients()
        masterChanged()
    }

    private func retryPreparation(_ why: String) {
        log.warning("the database could not be prepared; trying again", ["why": why])
        loop.after(milliseconds: 500) { [self] in
            guard database?.endpoint != nil, blocked != nil, !isStopping else { return }
            prepareDatabase()
        }
    }

    /// Clients' connections are opened so from now on.
    func serve(_ target: DatabaseTarget?) {
        lanes.retire()
        pool.use(target)
    }

    /// Connections that sessions keep stay as they are.
    func renewClientConnections() { if blocked == nil { serve(clientTarget) } }

    /// Clients' sessions start alike on every connection: how their SQL is read must be what the gate thinks it is.
    private var clientTarget: DatabaseTarget? {
        var setup = [defaults.setup(statementMs: settings.limits.statementMs, waitTimeoutS: NodeDatabase.waitTimeoutS)]
        // A second wall behind the gate, whatever the account may do.
        if role == .slave { setup.append("SET SESSION TRANSACTION READ ONLY") }
        return database?.client(setup: setup, multiStatements: settings.session.multiStatements)
    }

    // MARK: Clients

    /// A session for that channel, without a place among the clients'.
    func newSession(_ channel: Channel) -> ClientSession {
        lastSession += 1
        return ClientSession(self, number: lastSession, channel)
    }

    func serve(_ session: ClientSession) {
        sessions[session.number] = session
        if !session.isAllowed { strangers.append(session.number) }
    }

    /// Clients were served at some time: a change of master is what they wait for.
    var wasReady: Bool { becameReady == nil }

    /// How many sessions write here, or have a transaction open.
    var openWrites: Int { sessions.values.count { $0.isOpen } }

    /// Sessions that have to do with the master that was.
    func masterChanged() {
        // Those that other nodes pass on are told at their next statement, which may be on its way: so it can be passed on elsewhere.
        for session in Array(sessions.values) { session.masterChanged() }
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
            databaseWatch.tick()
            lanes.trim()
            sweepLater()
        }
    }

    private func sweep() {
        sweepStrangers()
        let limit = settings.limits.idleMs
        guard limit > 0 else { return }
        let old = EventLoop.nowMs() - limit
        for session in Array(sessions.values) where session.isIdle && session.lastActiveMs < old { session.tooIdle(limit) }
    }

    // MARK: Changing

    /// Takes over what can change while the node runs.
    func reload(_ new: NodeSettings) {
        settings.reload(from: new)
        probe.silentAfterMs = new.failover.silentDatabaseMs
        pool.limits = PoolLimits(connectionsMax: new.pool.connectionsMax, idleMs: new.pool.idleMs)
        renewClientConnections()
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
        // An orderly end of the database would let through what waits for other nodes.
        let hasWaiting = commitsWait && (life as? MasterLife).map { $0.gate.trackedWatermark < $0.logEnd } ?? false
        electorate.stop()
        life?.stop()
        lanes.retire()
        pool.close()
        useDatabase(nil)
        if let database { database.stop(killing: hasWaiting) } else { whenStopped?() }
    }
}

import ClusterModel
import EventLoop
import MariaDBConnector
import Replication
import StatementGate

/// The slave's own database as a replica of the relay endpoint: set up, started, watched.
@LoopActor final class Applier {
    enum State: Equatable {
        case stopped
        case running
        /// MariaDB's replica threads stopped; they are started again at each look.
        case failed(ApplyTrouble)
    }

    private static let watchMs = 1000
    private static let retryMs = 2000

    private let loop: EventLoop
    private let control: ControlConnection
    private let log: NodeLog
    private var timer: TimerID?
    private(set) var state = State.stopped
    private var looks = ApplyWatch()
    /// At each look: why the database does not apply; nil while it does.
    var looked: (@LoopActor (ApplyTrouble?) -> Void)?
    private var isUp = false
    /// A crash cut a DDL statement off and its recovery finished it without the bookkeeping: the first transaction after this may be done already.
    private var doubtfulAfter: Position?
    private let applied: AppliedPosition
    /// The program that copies the database has stopped the applying threads, and its position is right only while they rest.
    var isCopied = false {
        // It starts them again itself, unless it was broken off.
        didSet { if oldValue, !isCopied, isUp { control.query("START SLAVE") { _ in } } }
    }

    /// What MariaDB answers to a DDL statement whose effect is there already: it exists, is a duplicate, is gone, is not there to be renamed.
    private static let alreadyDone: Set<Int> = [
        1007, 1008, 1022, 1050, 1051, 1060, 1061, 1068, 1091, 1146, 1304, 1305, 1359, 1360, 1396, 1468, 1507, 1508, 1517, 1537, 1539, 1826, 4091,
        4092,
    ]

    init(_ loop: EventLoop, _ control: ControlConnection, _ applied: AppliedPosition, _ log: NodeLog) {
        self.loop = loop
        self.control = control
        self.applied = applied
        self.log = log
    }

    /// Where the database is: what its tables hold, and what its binlog holds of the master's.
    struct Positions {
        let slave: Position
        let binlog: Position
        /// Its binlog ends with what this database wrote itself: the recovery of a DDL statement that a crash cut off logs its own clean-up.
        let hasOwnTail: Bool
    }

    /// `own`: the numbers this database writes under, or wrote under before its node had one.
    func positions(own: Set<NodeID>, _ done: @escaping @LoopActor (Result<Positions, DatabaseError>) -> Void) {
        let own = Set(own.map { WriterID.idle($0) })
        control.query("SELECT @@GLOBAL.gtid_slave_pos AS slave, @@GLOBAL.gtid_binlog_state AS binlog") { result in
            done(
                result.map { found in
                    // The state names the last transaction of every server that ever wrote it.
                    let logged = (found["binlog"] ?? "").split(separator: ",").compactMap { GTID($0) }.filter { $0.domain == 0 }
                    let foreign = logged.filter { !own.contains($0.server) }.map { Position($0) }.max() ?? .start
                    let ours = logged.filter { own.contains($0.server) }.map { Position($0) }.max() ?? .start
                    return Positions(slave: Position(list: found["slave"] ?? "") ?? .start, binlog: foreign, hasOwnTail: foreign < ours)
                })
        }
    }

    /// Makes the database replicate from the relay endpoint. `repaired`: its binlog ran ahead of its position table (a crash between a DDL statement and
    /// its bookkeeping), so that what the binlog holds counts as applied.
    func start(port: UInt16, login: RelayEndpoint.Login, repaired: Position?, doubtfulAfter: Position?, done: @escaping @LoopActor (String?) -> Void)
    {
        isUp = true
        self.doubtfulAfter = doubtfulAfter
        var statements = ["STOP SLAVE"]
        if let repaired { statements.append("SET GLOBAL gtid_slave_pos='\(repaired.gtid?.description ?? "")'") }
        statements.append(
            """
            CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=\(port), MASTER_USER='\(login.user)', MASTER_PASSWORD='\(login.password)', \
            MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_SSL=0, MASTER_SSL_VERIFY_SERVER_CERT=0, MASTER_HEARTBEAT_PERIOD=5
            """)
        // Run in the applying thread's session at each of its starts.
        statements.append("SET GLOBAL init_slave='\(SessionVariables.forAppliers)'")
        statements.append("START SLAVE")
        control.queries(statements) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                self.state = .running
                self.watchLater()
                done(nil)
            case .failure(let error): done("the database could not be made a replica: \(error)")
            }
        }
    }

    func databaseIsDown() {
        isUp = false
        state = .stopped
        loop.cancel(timer)
    }

    private func watchLater(_ milliseconds: Int = Applier.watchMs) {
        loop.cancel(timer)
        timer = loop.after(milliseconds: milliseconds) { [weak self] in self?.watch() }
    }

    private func watch() {
        control.query("SHOW SLAVE STATUS") { [weak self] status in
            guard let self, self.isUp else { return }
            self.control.query("SELECT @@GLOBAL.gtid_slave_pos") { [weak self] position in
                guard let self, self.isUp else { return }
                guard let status = try? status.get(), let text = try? position.get().first, let applied = Position(list: text) else {
                    return self.watchLater()
                }
                self.saw(status, at: applied)
            }
        }
    }

    private func saw(_ status: SmallResult, at applied: Position) {
        let errors = [status["Last_SQL_Error"], status["Last_IO_Error"]].compactMap { $0 }.filter { !$0.isEmpty }
        let error = Int(status["Last_SQL_Errno"] ?? "") ?? 0
        let look = ApplyWatch.Look(
            applies: status["Slave_SQL_Running"] == "Yes", receives: status["Slave_IO_Running"] != "No", error: error, words: errors.first ?? "",
            applied: applied)
        // A copy of the database is made: its program has stopped the threads.
        if isCopied, errors.isEmpty, !look.applies || !look.receives { return watchLater() }
        guard let trouble = looks.saw(look, nowMs: EventLoop.nowMs()) else {
            if case .failed = state { log.notice("the database applies again") }
            state = .running
            looked?(nil)
            return watchLater()
        }
        if !isCopied, skipsWhatIsDone(error) { return }
        if state != .failed(trouble) {
            log.error(
                trouble.isLasting ? "the database can't apply what its master could" : "the database does not apply; it is started to again",
                ["after": "\(trouble.after)", "error_number": "\(error)", "error": trouble.words])
        }
        state = .failed(trouble)
        // A lock wait or a full disk passes; to threads that run, START SLAVE does nothing.
        if !isCopied { control.query("START SLAVE") { _ in } }
        watchLater(Self.retryMs)
        looked?(trouble)
    }

    /// Passes over the one transaction that a crash left done but not counted, when the database says that it is done; once.
    private func skipsWhatIsDone(_ error: Int) -> Bool {
        guard let position = doubtfulAfter, position == applied.value, Self.alreadyDone.contains(error) else { return false }
        doubtfulAfter = nil
        log.notice("a definition that a crash had cut off is done already", ["after": "\(position)", "error": "\(error)"])
        control.queries(["STOP SLAVE", "SET GLOBAL sql_slave_skip_counter=1", "START SLAVE"]) { [weak self] _ in self?.watchLater() }
        return true
    }
}

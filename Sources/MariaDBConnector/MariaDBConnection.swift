import CMariaDB
package import EventLoop
import Glibc

/// One connection to MariaDB over libmariadb's non-blocking calls: no thread waits for it.
///
/// One statement at a time. Each call of libmariadb either is done at once or names what it waits for on the socket; the loop then
/// continues it.
@LoopActor package final class MariaDBConnection: Watcher {
    private enum State {
        case idle
        /// A call of libmariadb is suspended.
        case waiting(resume: (Int32) -> Int32, done: @LoopActor () -> Void)
        /// The sink asked for a pause between rows.
        case paused
        case closed
    }

    package let loop: EventLoop
    package let target: DatabaseTarget
    let mysql: UnsafeMutablePointer<MYSQL>
    private var descriptor: Int32 = -1
    private var watch: WatchID?
    private var interest: Readiness = []
    /// libmariadb connects: it may close the socket and open another at any step.
    private var isConnecting = true
    private var isLoggedIn = false
    private var state = State.idle
    private var timer: TimerID?
    /// The request's bytes, which libmariadb reads until it is sent.
    private var request: [UInt8] = []

    var run: StatementRun?

    /// The server's number of this connection, for `KILL`.
    package private(set) var connectionID: UInt = 0
    package private(set) var serverVersion = ""
    /// As the server last told it, over its session tracking.
    package internal(set) var sqlMode: String?
    package internal(set) var database: [UInt8]?
    /// Of the last commit that was told of.
    package var lastGTID: String?
    /// Which session ran the last statement: its diagnostics are still there.
    package var lastUser: UInt64 = 0
    /// Whose `LAST_INSERT_ID()` the connection holds; nil where that is not known.
    package var insertIDOwner: UInt64?
    /// Told once, when the connection is lost while no statement runs.
    package var lostWhileIdle: (@LoopActor () -> Void)?

    private init(_ loop: EventLoop, _ target: DatabaseTarget, _ mysql: UnsafeMutablePointer<MYSQL>) {
        self.loop = loop
        self.target = target
        self.mysql = mysql
    }

    isolated deinit {
        close()
    }

    /// True until it was closed or the server went away.
    package var isOpen: Bool { if case .closed = state { false } else { true } }
    package var isIdle: Bool { if case .idle = state { run == nil } else { false } }
    package var inTransaction: Bool { isOpen && mysql.pointee.server_status & UInt32(SERVER_STATUS_IN_TRANS) != 0 }
    package var autocommit: Bool { isOpen && mysql.pointee.server_status & UInt32(SERVER_STATUS_AUTOCOMMIT) != 0 }

    // MARK: Opening

    /// Connects, logs in and runs the target's setup; `done` is called once, possibly before this returns.
    package static func open(
        _ loop: EventLoop, _ target: DatabaseTarget, done: @escaping @LoopActor (Result<MariaDBConnection, DatabaseError>) -> Void
    ) {
        guard let mysql = mysql_init(nil) else {
            return done(.failure(DatabaseError(number: UInt32(CR_OUT_OF_MEMORY), state: "HY000", message: Array("out of memory".utf8))))
        }
        let connection = MariaDBConnection(loop, target, mysql)
        connection.connect { error in
            if let error {
                connection.close()
                done(.failure(error))
            } else {
                done(.success(connection))
            }
        }
    }

    private func connect(_ done: @escaping @LoopActor (DatabaseError?) -> Void) {
        _ = ddb_option_nonblock(mysql)
        _ = ddb_option_string(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        _ = ddb_option_uint(mysql, MYSQL_OPT_LOCAL_INFILE, 0)
        _ = ddb_option_flag(mysql, MYSQL_OPT_RECONNECT, 0)
        let (socket, host, port) =
            switch target.endpoint {
            case .socket(let path): (path as String?, nil as String?, UInt16(0))
            case .tcp(let host, let port): (nil, host, port)
            }
        if host != nil { _ = ddb_option_uint(mysql, MYSQL_OPT_PROTOCOL, UInt32(MYSQL_PROTOCOL_TCP.rawValue)) }
        let flags = UInt(CLIENT_MULTI_RESULTS) | (target.multiStatements ? UInt(CLIENT_MULTI_STATEMENTS) : 0)
        let strings = ConnectStrings(host: host, user: target.account.user, password: target.account.password, socket: socket)
        let result = UnsafeMutablePointer<UnsafeMutablePointer<MYSQL>?>.allocate(capacity: 1)
        result.initialize(to: nil)
        var finished = false
        let finish: @LoopActor (DatabaseError?) -> Void = { error in
            guard !finished else { return }
            finished = true
            result.deallocate()
            strings.free()
            done(error)
        }
        timer = loop.after(milliseconds: target.connectTimeoutMs) { [weak self] in
            guard let self, !finished else { return }
            self.close()
            finish(.connectTimedOut)
        }
        let mysql = self.mysql
        perform(
            mysql_real_connect_start(result, mysql, strings.host, strings.user, strings.password, nil, UInt32(port), strings.socket, flags),
            resume: { mysql_real_connect_cont(result, mysql, $0) }
        ) { [self] in
            isConnecting = false
            isLoggedIn = result.pointee != nil
            guard isLoggedIn else { return finish(DatabaseError(mysql)) }
            watchSocket()
            connectionID = mysql_thread_id(mysql)
            serverVersion = String(cString: mysql_get_server_info(mysql))
            runSetup(target.setup[...]) { [self] error in
                loop.cancel(timer)
                timer = nil
                finish(error)
            }
        }
    }

    private func runSetup(_ statements: ArraySlice<String>, _ done: @escaping @LoopActor (DatabaseError?) -> Void) {
        guard let statement = statements.first else { return done(nil) }
        query(statement) { [self] result in
            switch result {
            case .failure(let error): done(error)
            case .success: runSetup(statements.dropFirst(), done)
            }
        }
    }

    // MARK: The non-blocking calls

    /// Drives one call of libmariadb: `status` is what its `_start` returned, `resume` is its `_cont`, `done` runs once it is through.
    func perform(_ status: Int32, resume: @escaping (Int32) -> Int32, done: @escaping @LoopActor () -> Void) {
        guard status != 0 else { return done() }
        state = .waiting(resume: resume, done: done)
        waitFor(status)
    }

    private func waitFor(_ status: Int32) {
        if watch == nil { watchSocket() }
        want(status & Int32(MYSQL_WAIT_WRITE) != 0 ? [.readable, .writable] : [.readable])
    }

    private func watchSocket() {
        descriptor = mysql_get_socket(mysql)
        interest = [.readable]
        // Without a watch nothing would ever continue the call: the caller's timer ends it.
        watch = try? loop.watch(descriptor, for: interest, self)
    }

    private func unwatchSocket() {
        if let watch { loop.unwatch(watch, descriptor) }
        watch = nil
        descriptor = -1
    }

    private func want(_ new: Readiness) {
        guard new != interest, let watch else { return }
        interest = new
        loop.change(watch, of: descriptor, to: new)
    }

    package func became(_ ready: Readiness) {
        switch state {
        case .waiting(let resume, let done):
            var happened: Int32 = 0
            if !ready.isDisjoint(with: [.readable, .error, .hangUp]) { happened |= Int32(MYSQL_WAIT_READ) }
            if !ready.isDisjoint(with: [.writable, .error, .hangUp]) { happened |= Int32(MYSQL_WAIT_WRITE) }
            if isConnecting { unwatchSocket() }
            let status = resume(happened)
            guard status == 0 else { return waitFor(status) }
            state = .idle
            want([.readable])
            done()
        case .idle:
            if isAtEnd { lostNow() }
        case .paused:
            // The server is gone. What it had sent is still to be read: whoever resumes comes to the end.
            if !ready.isDisjoint(with: [.error, .hangUp]) { unwatchSocket() }
        case .closed:
            break
        }
    }

    /// Tells a real end from a stale event: nothing is expected while idle.
    private var isAtEnd: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) || count > 0
    }

    private func lostNow() {
        close()
        let lost = lostWhileIdle
        lostWhileIdle = nil
        lost?()
    }

    // MARK: Statements

    /// Sends one request; the sink hears everything of it. Traps when a statement is under way.
    package func execute(_ sql: [UInt8], _ sink: any ResultSink) {
        guard isOpen else { return sink.failed(.closed) }
        precondition(isIdle, "a connection runs one statement at a time")
        let run = StatementRun(sink)
        self.run = run
        request = sql
        let result = run.status
        let mysql = self.mysql
        let status = request.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { mysql_real_query_start(result, mysql, $0.baseAddress, UInt($0.count)) }
        }
        perform(status, resume: { mysql_real_query_cont(result, mysql, $0) }) { [self] in
            request = []
            answered(run)
        }
    }

    /// Runs a small statement of the node's own and gives its rows back as text; at most 1,000 rows.
    package func query(_ sql: String, done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) { query(Array(sql.utf8), done: done) }

    package func query(_ sql: [UInt8], done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) {
        execute(sql, CollectedRows(done))
    }

    /// Goes on after a sink's pause.
    package func resume() {
        guard case .paused = state, let run else { return }
        state = .idle
        if watch == nil { watchSocket() } else { want([.readable]) }
        continueRows(run)
    }

    func pause() {
        state = .paused
        want([])
    }

    /// Gives the authenticated socket away, for a protocol that libmariadb does not speak on it; the connection is kept until that is over, and
    /// runs no statement any more. The descriptor is a duplicate, which the caller closes.
    func takeOver() throws(SystemError) -> Int32 {
        precondition(isIdle, "a connection is taken over between statements")
        unwatchSocket()
        let duplicate = fcntl(mysql_get_socket(mysql), F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { throw SystemError("fcntl") }
        return duplicate
    }

    // MARK: Ending

    /// Closes at once. A statement under way is given up without a word to its sink; the server rolls its transaction back.
    package func close() {
        if case .closed = state { return }
        unwatchSocket()
        loop.cancel(timer)
        let isSuspended = if case .waiting = state { true } else { false }
        state = .closed
        run?.abandon()
        run = nil
        // After a login that failed libmariadb has no socket any more, and must not be asked for it.
        let socket = isSuspended || isLoggedIn ? mysql_get_socket(mysql) : -1
        let isForgotten = isConnecting && mysql.pointee.net.pvio == nil
        // No goodbye is sent: it would wait for the socket, or break into a suspended call.
        shutdown(socket, Int32(SHUT_RDWR))
        mysql_close(mysql)
        // A socket that is not through with connecting is not libmariadb's yet.
        if isForgotten, socket >= 0 { Glibc.close(socket) }
    }
}

/// C strings that live as long as the login they are used by.
private struct ConnectStrings {
    let host, user, password, socket: UnsafeMutablePointer<CChar>?

    init(host: String?, user: String, password: String, socket: String?) {
        self.host = host.flatMap { strdup($0) }
        self.user = strdup(user)
        self.password = strdup(password)
        self.socket = socket.flatMap { strdup($0) }
    }

    func free() { for string in [host, user, password, socket] { Glibc.free(string) } }
}

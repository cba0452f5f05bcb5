import CMariaDB
import EventLoop
import Glibc
import MySQLProtocol

/// What a login leaves: an authenticated socket, and what the server said of itself.
struct LoggedIn: Sendable {
    /// Non-blocking; its owner closes it.
    let descriptor: Int32
    let connectionID: UInt
    let serverVersion: String
    let status: ServerStatus
}

/// One login over libmariadb's non-blocking calls: no thread waits for it. libmariadb knows the ways to authenticate; the socket is then taken
/// from it, since what follows is done faster without.
@LoopActor final class Login: Watcher {
    private let loop: EventLoop
    private let mysql: UnsafeMutablePointer<MYSQL>
    private let strings: ConnectStrings
    private let port: UInt16
    private let flags: UInt
    private let endpoint: DatabaseEndpoint
    private let result = UnsafeMutablePointer<UnsafeMutablePointer<MYSQL>?>.allocate(capacity: 1)
    private var done: (@LoopActor (Result<LoggedIn, DatabaseError>) -> Void)?
    private var descriptor: Int32 = -1
    private var watch: WatchID?
    private var isSuspended = false

    /// `target` names a socket or a numeric address. `done` is called once, possibly before `start()` returns, unless `cancel()` came first.
    init?(_ loop: EventLoop, _ target: DatabaseTarget, done: @escaping @LoopActor (Result<LoggedIn, DatabaseError>) -> Void) {
        guard let mysql = mysql_init(nil) else { return nil }
        self.loop = loop
        self.mysql = mysql
        self.done = done
        endpoint = target.endpoint
        switch target.endpoint {
        case .socket(let path):
            strings = ConnectStrings(host: nil, target.account, socket: path)
            port = 0
        case .tcp(let host, let port):
            strings = ConnectStrings(host: host, target.account, socket: nil)
            self.port = port
            _ = ddb_option_uint(mysql, MYSQL_OPT_PROTOCOL, UInt32(MYSQL_PROTOCOL_TCP.rawValue))
        }
        _ = ddb_option_nonblock(mysql)
        _ = ddb_option_string(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        _ = ddb_option_uint(mysql, MYSQL_OPT_LOCAL_INFILE, 0)
        _ = ddb_option_flag(mysql, MYSQL_OPT_RECONNECT, 0)
        _ = ddb_option_flag(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, 0)
        flags = UInt(CLIENT_MULTI_RESULTS) | (target.multiStatements ? UInt(CLIENT_MULTI_STATEMENTS) : 0)
        // As an option, since libmariadb takes it for no flag of its callers'.
        mysql.pointee.options.client_flag |= StatementReply.neededCapability
        result.initialize(to: nil)
    }

    isolated deinit {
        strings.free()
        result.deallocate()
    }

    func start() {
        if case .socket(let path) = endpoint, let problem = LocalSocket.problem(path) {
            mysql_close(mysql)
            return finish(.failure(problem))
        }
        step(mysql_real_connect_start(result, mysql, strings.host, strings.user, strings.password, nil, UInt32(port), strings.socket, flags))
    }

    func became(_ ready: Readiness) {
        guard done != nil else { return }
        var happened: Int32 = 0
        if !ready.isDisjoint(with: [.readable, .error, .hangUp]) { happened |= Int32(MYSQL_WAIT_READ) }
        if !ready.isDisjoint(with: [.writable, .error, .hangUp]) { happened |= Int32(MYSQL_WAIT_WRITE) }
        // It may close the socket and open another at any step.
        unwatch()
        step(mysql_real_connect_cont(result, mysql, happened))
    }

    private func step(_ status: Int32) {
        isSuspended = status != 0
        guard isSuspended else { return finished() }
        descriptor = mysql_get_socket(mysql)
        // Without a watch nothing would ever continue the call: the caller's timer ends it.
        watch = try? loop.watch(descriptor, for: status & Int32(MYSQL_WAIT_WRITE) != 0 ? [.readable, .writable] : [.readable], self)
    }

    private func unwatch() {
        if let watch { loop.unwatch(watch, descriptor) }
        watch = nil
        descriptor = -1
    }

    private func finished() {
        guard result.pointee != nil else {
            let error = DatabaseError(mysql)
            mysql_close(mysql)
            return finish(.failure(error))
        }
        let login = takeOver()
        mysql_close(mysql)
        finish(login)
    }

    private func finish(_ login: Result<LoggedIn, DatabaseError>) {
        let done = self.done
        self.done = nil
        done?(login)
    }

    /// Takes the socket from libmariadb, which keeps a dead one in its place: so its goodbye, which would end the session, goes nowhere.
    private func takeOver() -> Result<LoggedIn, DatabaseError> {
        guard mysql.pointee.server_capabilities & StatementReply.neededCapability != 0 else { return .failure(.tooOld) }
        guard mysql_get_ssl_cipher(mysql) == nil else { return .failure(.encrypted) }
        let theirs = mysql_get_socket(mysql)
        let ours = fcntl(theirs, F_DUPFD_CLOEXEC, 3)
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard ours >= 0, dead >= 0, dup2(dead, theirs) >= 0 else {
            let error = DatabaseError(number: UInt32(CR_SOCKET_CREATE_ERROR), state: "HY000", message: Array(SystemError("dup").description.utf8))
            if ours >= 0 { close(ours) }
            if dead >= 0 { close(dead) }
            return .failure(error)
        }
        close(dead)
        return .success(
            LoggedIn(
                descriptor: ours, connectionID: mysql_thread_id(mysql), serverVersion: String(cString: mysql_get_server_info(mysql)),
                status: ServerStatus(rawValue: UInt16(truncatingIfNeeded: mysql.pointee.server_status))))
    }

    /// Gives up; `done` is not called.
    func cancel() {
        guard done != nil else { return }
        done = nil
        unwatch()
        // Not asked for after a login that failed: there is none then.
        let socket = isSuspended ? mysql_get_socket(mysql) : -1
        // A socket that is not through with connecting is not libmariadb's yet.
        let isForgotten = mysql.pointee.net.pvio == nil
        // No goodbye is sent: it would break into the suspended call.
        shutdown(socket, Int32(SHUT_RDWR))
        mysql_close(mysql)
        if isForgotten, socket >= 0 { close(socket) }
    }
}

/// C strings that live as long as the login they are used by.
private struct ConnectStrings {
    let host, user, password, socket: UnsafeMutablePointer<CChar>?

    init(host: String?, _ account: DatabaseAccount, socket: String?) {
        self.host = host.flatMap { strdup($0) }
        user = strdup(account.user)
        password = strdup(account.password)
        self.socket = socket.flatMap { strdup($0) }
    }

    func free() { for string in [host, user, password, socket] { Glibc.free(string) } }
}

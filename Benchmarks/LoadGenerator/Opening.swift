import CMariaDB
import CSystem
import Glibc

/// A connected socket, past the login where there is one.
struct OpenSocket {
    let descriptor: Int32
    /// libmariadb's connection, which owns the descriptor; nil of a node's.
    private let mysql: UnsafeMutablePointer<MYSQL>?

    private static let connectSeconds = 10

    init(_ endpoint: Endpoint, _ account: Account) throws(Failure) {
        switch endpoint {
        case .node(let port):
            descriptor = try Self.dial(port)
            mysql = nil
        case .server, .socket:
            let login = try Self.logIn(endpoint, account)
            mysql = login
            descriptor = mysql_get_socket(login)
        }
    }

    private static func dial(_ port: UInt16) throws(Failure) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .ofCall("socket") }
        // Bounds connect() as well.
        setWaitLimit(of: descriptor, seconds: connectSeconds)
        guard connectLoopback(descriptor, port) == 0 else {
            let failure = Failure.ofCall("connect to 127.0.0.1:\(port)")
            close(descriptor)
            throw failure
        }
        return descriptor
    }

    private static func logIn(_ endpoint: Endpoint, _ account: Account) throws(Failure) -> UnsafeMutablePointer<MYSQL> {
        guard let mysql = mysql_init(nil) else { throw Failure("out of memory") }
        _ = ddb_option_uint(mysql, MYSQL_OPT_CONNECT_TIMEOUT, UInt32(connectSeconds))
        _ = ddb_option_string(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        let connected: UnsafeMutablePointer<MYSQL>?
        switch endpoint {
        case .socket(let path):
            connected = mysql_real_connect(mysql, nil, account.user, account.password, nil, 0, path, 0)
        case .server(let port), .node(let port):
            _ = ddb_option_uint(mysql, MYSQL_OPT_PROTOCOL, UInt32(MYSQL_PROTOCOL_TCP.rawValue))
            connected = mysql_real_connect(mysql, "127.0.0.1", account.user, account.password, nil, UInt32(port), nil, 0)
        }
        guard connected != nil else {
            let failure = Failure("login: \(String(cString: mysql_error(mysql)))")
            mysql_close(mysql)
            throw failure
        }
        return mysql
    }

    func becomeNonBlocking() throws(Failure) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else { throw .ofCall("fcntl") }
    }

    func becomeBlocking() throws(Failure) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 else { throw .ofCall("fcntl") }
    }

    /// Ends it at once: what was still under way is not waited for.
    func end() {
        if let mysql {
            // mysql_close would say goodbye first, which blocks where the server has stopped reading.
            shutdown(descriptor, Int32(SHUT_RDWR))
            mysql_close(mysql)
        } else {
            close(descriptor)
        }
    }
}

/// Connects to a port of 127.0.0.1, with small requests sent at once; what connect() returns.
func connectLoopback(_ descriptor: Int32, _ port: UInt16) -> Int32 {
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}

/// How long one blocking call on the socket may take.
func setWaitLimit(of descriptor: Int32, seconds: Int) {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
}

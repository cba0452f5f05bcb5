import Glibc
import LineProtocol
import Testing

/// Why a client got no reply.
enum ClientError: Error, Equatable {
    case cannotConnect(Int32)
    case closed
    case timeout
    case broken(Int32)
    case unintelligible(String)
}

/// A client as any program could be: a blocking socket, and lines.
final class Client {
    private let descriptor: Int32
    private var reader = ReplyReader(lineBytesMax: 256 << 20)
    private var isOpen = true

    init(port: UInt16, timeout seconds: Int = 60) throws(ClientError) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard code == 0 else {
            let error = errno
            Glibc.close(descriptor)
            isOpen = false
            throw .cannotConnect(error)
        }
    }

    /// A socket that holds a port of loopback, whose caller closes it.
    static func listener(port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard code == 0, listen(descriptor, 8) == 0 else { throw NotInTime(description: "cannot listen on \(port): \(errno)") }
        return descriptor
    }

    deinit { close() }

    // MARK: Sending

    func send(_ text: String) throws(ClientError) { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws(ClientError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw errno == EAGAIN ? .timeout : .broken(errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends a request as a line, or with its length where it has line breaks.
    func ask(_ request: String) throws(ClientError) {
        guard request.contains("\n") else { return try send(request + "\n") }
        try send(".sql \(request.utf8.count)\n\(request)\n")
    }

    // MARK: Reading

    /// The next part of a reply.
    func event() throws(ClientError) -> ReplyEvent {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            do throws(ReplyReadError) {
                if let event = try reader.next() { return event }
            } catch {
                throw .unintelligible("\(error)")
            }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count != 0 else { throw .closed }
            guard count > 0 else { throw errno == EAGAIN ? .timeout : .broken(errno) }
            chunk.withUnsafeBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    /// The next whole reply.
    func reply() throws(ClientError) -> Reply {
        var reply = Reply()
        while true {
            if reply.take(try event()) { return reply }
        }
    }

    /// One line as it comes, for the forms that `Reply` does not read.
    func line() throws(ClientError) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            // Looked at first: what is behind the line end is left for whoever reads next.
            let seen = recv(descriptor, &chunk, chunk.count, Int32(MSG_PEEK))
            if seen < 0, errno == EINTR { continue }
            guard seen > 0 else { throw seen == 0 ? .closed : errno == EAGAIN ? .timeout : .broken(errno) }
            let end = chunk[..<seen].firstIndex(of: UInt8(ascii: "\n"))
            let taken = recv(descriptor, &chunk, end.map { $0 + 1 } ?? seen, 0)
            bytes += chunk[..<(end ?? taken)]
            if end != nil { return String(decoding: bytes, as: UTF8.self) }
        }
    }

    /// Reads that many bytes of whatever comes.
    func discard(_ count: Int) throws(ClientError) {
        var chunk = [UInt8](repeating: 0, count: 65536)
        var left = count
        while left > 0 {
            let got = recv(descriptor, &chunk, min(left, chunk.count), 0)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw got == 0 ? .closed : errno == EAGAIN ? .timeout : .broken(errno) }
            left -= got
        }
    }

    /// Whatever bytes come next; none at the end.
    func bytes() throws(ClientError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else { throw errno == EAGAIN ? .timeout : .broken(errno) }
        return Array(chunk.prefix(count))
    }

    // MARK: Both

    /// A request and its reply, whatever that is.
    @discardableResult func run(_ request: String) throws(ClientError) -> Reply {
        try ask(request)
        return try reply()
    }

    /// A request that must succeed.
    @discardableResult func ok(_ request: String, at location: SourceLocation = #_sourceLocation) throws -> Reply {
        let reply = try run(request)
        try #require(reply.error == nil, "\(request.prefix(300)): \(reply.words)", sourceLocation: location)
        return reply
    }

    /// A request that must be refused, with that code; what was said.
    @discardableResult func refused(_ code: String, _ request: String, at location: SourceLocation = #_sourceLocation) throws -> String {
        let reply = try run(request)
        try #require(reply.error?.code == code, "\(request.prefix(300)): \(reply.words)", sourceLocation: location)
        return reply.words
    }

    /// The one value that a query gives.
    func value(_ sql: String, at location: SourceLocation = #_sourceLocation) throws -> String? {
        try ok(sql, at: location).rows.first?.first ?? nil
    }

    /// Columns of a query, each row joined by `|`, NULL as `NULL`.
    func rows(_ sql: String, at location: SourceLocation = #_sourceLocation) throws -> [String] {
        try ok(sql, at: location).rows.map { $0.map { $0 ?? "NULL" }.joined(separator: "|") }
    }

    // MARK: Ends

    /// No more requests will come; replies are still read.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The other side has closed it; what it said before is dropped.
    var isClosedByPeer: Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            if count == 0 || count < 0 && errno != EAGAIN { return true }
            if count < 0 { return false }
        }
    }

    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }

    /// Ends without a farewell: the other side gets a reset.
    func abort() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}

/// A reply: its last result, and the rows of all.
struct Reply: Sendable {
    private(set) var columns: [String] = []
    private(set) var rows: [[String?]] = []
    private(set) var fields: [String: String] = [:]
    private(set) var error: (code: String, state: String, message: String)?

    var gtid: String? { fields["gtid"] }

    /// The reply for people.
    var words: String {
        if let error { return "\(error.code) \(error.state) \(error.message)" }
        return "\(rows.prefix(20).map { $0.map { $0 ?? "NULL" } }) \(fields)"
    }

    /// Whether the reply is whole.
    mutating func take(_ event: ReplyEvent) -> Bool {
        switch event {
        case .ok(let pairs), .end(let pairs):
            for pair in pairs.all { fields[pair.key] = pair.value }
            return pairs["more"] != "1"
        case .columns(let names):
            columns = names.map { String(decoding: $0, as: UTF8.self) }
            return false
        case .row(let values):
            rows.append(values.map { $0.map { String(decoding: $0, as: UTF8.self) } })
            return false
        case .error(let failure), .endError(let failure):
            error = (failure.code, failure.state, String(decoding: failure.message, as: UTF8.self))
            return true
        }
    }
}

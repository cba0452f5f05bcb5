package import ClusterModel
import Glibc
package import LineProtocol

/// Why a request has no reply.
package struct NoReply: Error {
    package let words: String

    package init(words: String) { self.words = words }

    static func ofCall(_ call: String) -> NoReply {
        NoReply(words: "\(call): \(errno == EAGAIN ? "no answer in time" : String(cString: strerror(errno)))")
    }
}

/// A reply: its last result, and the rows of all.
package struct Reply {
    package private(set) var rows: [[String?]] = []
    package private(set) var fields: [String: String] = [:]
    package private(set) var error: (code: String, message: String)?

    /// The reply for people.
    package var words: String { error.map { "\($0.code) \($0.message)" } ?? fields["gtid"].map { "OK gtid=\($0)" } ?? "OK" }

    /// Whether the reply is whole.
    fileprivate mutating func take(_ event: ReplyEvent) -> Bool {
        switch event {
        case .ok(let pairs), .end(let pairs):
            for pair in pairs.all { fields[pair.key] = pair.value }
            return pairs["more"] != "1"
        case .columns: return false
        case .row(let values):
            rows.append(values.map { $0.map { String(decoding: $0, as: UTF8.self) } })
            return false
        case .error(let failure), .endError(let failure):
            error = (failure.code, String(decoding: failure.message, as: UTF8.self))
            return true
        }
    }
}

/// One connection to a node: a blocking socket, and lines.
package final class Client {
    /// Longer than a node takes to say that it can't tell (`replication.ackTimeoutMs`, `failover.clientWaitMs`).
    package static let replySecondsMax = 8

    private let descriptor: Int32
    private var reader = ReplyReader(lineBytesMax: 16 << 20)
    private var chunk = [UInt8](repeating: 0, count: 65536)

    package init(_ address: NodeAddress, secondsMax: Int = replySecondsMax) throws(NoReply) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .ofCall("socket") }
        // Bounds connect() as well.
        Self.limit(descriptor, seconds: 2)
        guard Self.connect(descriptor, address) else {
            let failure = NoReply.ofCall("connect")
            close(descriptor)
            throw failure
        }
        Self.limit(descriptor, seconds: secondsMax)
    }

    deinit { close(descriptor) }

    private static func limit(_ descriptor: Int32, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) }
    }

    private static func connect(_ descriptor: Int32, _ address: NodeAddress) -> Bool {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var socketAddress = sockaddr_in()
        socketAddress.sin_family = sa_family_t(AF_INET)
        socketAddress.sin_port = address.port.bigEndian
        guard inet_pton(AF_INET, address.host, &socketAddress.sin_addr) == 1 else { return false }
        return withUnsafePointer(to: &socketAddress) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// A request and its reply, whatever that says.
    @discardableResult package func run(_ request: String) throws(NoReply) -> Reply {
        try send(Array((request + "\n").utf8))
        var reply = Reply()
        while true {
            if reply.take(try event()) { return reply }
        }
    }

    /// A statement, line breaks and all, and each event of its reply as it comes, until `isOver` says that it was the last.
    package func run(_ sql: [UInt8], isOver: (ReplyEvent) -> Bool) throws(NoReply) {
        try send(Array(".sql \(sql.count)\n".utf8) + sql + Array("\n".utf8))
        while !isOver(try event()) {}
    }

    /// A request that must succeed.
    @discardableResult package func ok(_ request: String) throws(NoReply) -> Reply {
        let reply = try run(request)
        if let error = reply.error { throw NoReply(words: "\(request.prefix(60)): \(error.code) \(error.message)") }
        return reply
    }

    private func send(_ bytes: [UInt8]) throws(NoReply) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .ofCall("send") }
            rest = rest.dropFirst(count)
        }
    }

    private func event() throws(NoReply) -> ReplyEvent {
        while true {
            do throws(ReplyReadError) {
                if let event = try reader.next() { return event }
            } catch {
                throw NoReply(words: "no reply of the protocol: \(error)")
            }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count != 0 else { throw NoReply(words: "the connection was closed") }
            guard count > 0 else { throw .ofCall("recv") }
            chunk.withUnsafeBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}

import ClusterModel
import Glibc

/// A blocking connection to a node; closed when released.
final class NodeConnection {
    /// The connection could not be made, or broke: why, in words.
    struct Failure: Error, Equatable {
        let reason: String

        init(_ reason: String) { self.reason = reason }

        /// What the system says of `errno`.
        init(code: Int32) {
            let text = String(cString: strerror(code))
            self.reason = text.prefix(1).lowercased() + text.dropFirst()
        }
    }

    private static let connectSecondsMax = 10

    private let descriptor: Int32
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { Glibc.close(descriptor) }

    /// Tries each address of the host in turn.
    static func open(_ address: NodeAddress) throws(Failure) -> NodeConnection {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, String(address.port), &hints, &list)
        guard code == 0 else { throw Failure("\(address.host) is no known host (\(String(cString: gai_strerror(code))))") }
        defer { freeaddrinfo(list) }
        var failure = Failure("the host has no address")
        var next = list
        while let info = next?.pointee {
            switch connect(info) {
            case .success(let descriptor): return NodeConnection(descriptor: descriptor)
            case .failure(let reason): failure = reason
            }
            next = info.ai_next
        }
        throw failure
    }

    private static func connect(_ info: addrinfo) -> Result<Int32, Failure> {
        let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
        guard descriptor >= 0 else { return .failure(Failure(code: errno)) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
        // Linux bounds connect with the time limit for sending.
        setSendLimit(descriptor, seconds: connectSecondsMax)
        guard Glibc.connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            return .failure(code == EINPROGRESS ? Failure("no answer in \(connectSecondsMax) s") : Failure(code: code))
        }
        setSendLimit(descriptor, seconds: 0)
        return .success(descriptor)
    }

    private static func setSendLimit(_ descriptor: Int32, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { throw Failure(code: errno) }
        }
    }

    /// Waits for bytes and gives them to `use`.
    func receive(_ use: (UnsafeRawBufferPointer) -> Void) throws(Failure) {
        while true {
            let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 { return chunk.withUnsafeBytes { use(UnsafeRawBufferPointer(rebasing: $0[..<count])) } }
            if count == 0 { throw Failure("the node closed it") }
            if errno != EINTR { throw Failure(code: errno) }
        }
    }

    /// Whether bytes, or the end, come within that time.
    func isReadable(within milliseconds: Int32) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, milliseconds) > 0
    }

    /// While no reply is due: what the node said unasked, which it does only before it closes; nil while the connection stands.
    func lastWords() -> [UInt8]? {
        var words: [UInt8] = []
        while words.count < 4096 {
            let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
            if count > 0 { words.append(contentsOf: chunk[..<count]) } else if count == 0 { return words } else if errno != EINTR { break }
        }
        return errno == EAGAIN && words.isEmpty ? nil : words
    }
}

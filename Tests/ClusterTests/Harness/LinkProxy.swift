import Dispatch
import Glibc
import Synchronization

/// Stands between a node and the one it dials; what goes either way can be held and let go on.
final class LinkProxy: Sendable {
    enum Way { case forth, back }

    private struct State {
        var held: Set<Way> = []
        var isOver = false
        /// Bytes that came in, either way, passed on or not.
        var came: [Way: Int] = [:]
    }

    let port: UInt16
    private let target: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    /// Listens on a port of its own, and passes on to `target`.
    init(to target: UInt16) throws {
        self.target = target
        port = Ports.next()
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard Self.withLoopback(port, { bind(listener, $0, $1) }) == 0, listen(listener, 8) == 0 else {
            throw NotInTime(description: "cannot listen on \(port): \(errno)")
        }
        DispatchQueue(label: "proxy").async { [self] in
            while case let near = accept(listener, nil, nil), near >= 0 { join(near) }
            close(listener)
        }
    }

    /// Keeps what comes that way from now on.
    func hold(_ way: Way) { state.withLock { _ = $0.held.insert(way) } }
    func letGo(_ way: Way) { state.withLock { _ = $0.held.remove(way) } }
    func came(_ way: Way) -> Int { state.withLock { $0.came[way] ?? 0 } }

    func stop() {
        state.withLock { $0.isOver = true }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    private func join(_ near: Int32) {
        let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard Self.withLoopback(target, { connect(far, $0, $1) }) == 0 else {
            close(near)
            close(far)
            return
        }
        let both = DispatchGroup()
        DispatchQueue(label: "forth").async(group: both) { [self] in pump(near, far, .forth) }
        DispatchQueue(label: "back").async(group: both) { [self] in pump(far, near, .back) }
        both.notify(queue: DispatchQueue(label: "end")) {
            close(near)
            close(far)
        }
    }

    private func pump(_ from: Int32, _ to: Int32, _ way: Way) {
        var (chunk, pending) = ([UInt8](repeating: 0, count: 1 << 16), [UInt8]())
        var look = pollfd(fd: from, events: Int16(POLLIN), revents: 0)
        loop: while true {
            if poll(&look, 1, 5) > 0 {
                let count = read(from, &chunk, chunk.count)
                guard count > 0 else { break loop }
                state.withLock { $0.came[way, default: 0] += count }
                pending += chunk[..<count]
            }
            let (isHeld, isOver) = state.withLock { ($0.held.contains(way), $0.isOver) }
            if isOver { break loop }
            if !isHeld, !pending.isEmpty {
                guard send(to, pending, pending.count, Int32(MSG_NOSIGNAL)) == pending.count else { break loop }
                pending = []
            }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }
}

import CSystem
import Glibc

/// Accepts TCP connections on one address.
@LoopActor package final class Listener: Watcher {
    private static let acceptsPerEvent = 64
    private static let backlog: Int32 = 1024
    /// How long a listener rests when descriptors run out: the waiting connection keeps it readable.
    private static let restMs = 100

    private let loop: EventLoop
    private let descriptor: Int32
    private var watch: WatchID?
    private let accepted: @LoopActor (Int32) -> Void
    private let exhausted: @LoopActor (SystemError) -> Void
    /// Held open so that, with every descriptor in use, a newcomer can still be accepted and told so.
    private var reserve: Int32
    /// The port it listens on, chosen by the system when 0 was asked for.
    package let port: UInt16

    /// Binds and listens. `accepted` is given each new socket, non-blocking, which it owns; `exhausted` hears when one had to be
    /// turned away for want of descriptors.
    package init(
        _ loop: EventLoop, host: String, port: UInt16, accepted: @escaping @LoopActor (Int32) -> Void,
        exhausted: @escaping @LoopActor (SystemError) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.accepted = accepted
        self.exhausted = exhausted
        descriptor = try Self.bound(host, port)
        reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)
        self.port = Self.localPort(descriptor)
        do {
            watch = try loop.watch(descriptor, for: .readable, self)
        } catch {
            for open in [descriptor, reserve] where open >= 0 { Glibc.close(open) }
            throw error
        }
    }

    private static func bound(_ host: String, _ port: UInt16) throws(SystemError) -> Int32 {
        let addresses = try Resolver.addresses(host: host, port: port, passive: true)
        var failure = SystemError("bind", EADDRNOTAVAIL)
        for address in addresses {
            let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else {
                failure = SystemError("socket")
                continue
            }
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            if address.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0, listen(descriptor, backlog) == 0 { return descriptor }
            failure = SystemError("bind")
            Glibc.close(descriptor)
        }
        throw failure
    }

    private static func localPort(_ descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &size) }
            // The port sits at the same place in both families.
            return UnsafeRawPointer($0).loadUnaligned(fromByteOffset: 2, as: UInt16.self).byteSwapped
        }
    }

    package func became(_ ready: Readiness) {
        for _ in 0..<Self.acceptsPerEvent {
            guard watch != nil else { return }
            let socket = ddb_accept(descriptor)
            if socket >= 0 {
                var on: Int32 = 1
                setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
                KeepAlive.toClient.set(on: socket)
                accepted(socket)
            } else if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
                return turnAway(SystemError("accept"))
            } else if errno == EAGAIN {
                return
            }
            // Anything else is the one connection's own trouble (it was gone again): on to the next.
        }
    }

    private func turnAway(_ error: SystemError) {
        if reserve >= 0 { Glibc.close(reserve) }
        let socket = ddb_accept(descriptor)
        if socket >= 0 {
            let words: StaticString =
                "ERR TOO-MANY-CONNECTIONS 08004 this node has no descriptor left; try again later or raise its open-files limit\n"
            _ = send(socket, words.utf8Start, words.utf8CodeUnitCount, Int32(MSG_NOSIGNAL))
            Glibc.close(socket)
        }
        reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)
        exhausted(error)
        if let watch { loop.change(watch, of: descriptor, to: []) }
        loop.after(milliseconds: Self.restMs) { [weak self] in
            guard let self, let watch = self.watch else { return }
            self.loop.change(watch, of: self.descriptor, to: .readable)
        }
    }

    /// Stops listening; connections already accepted live on.
    package func close() {
        guard let watch else { return }
        loop.unwatch(watch, descriptor)
        self.watch = nil
        Glibc.close(descriptor)
        if reserve >= 0 { Glibc.close(reserve) }
        reserve = -1
    }
}

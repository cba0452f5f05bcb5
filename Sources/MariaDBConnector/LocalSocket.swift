import EventLoop
import Glibc

/// A look at a Unix socket before libmariadb connects to it: where it can't, it closes the descriptor twice, and the second time may hit what
/// another thread has just opened.
enum LocalSocket {
    /// Why nobody can be reached there; nil when a server holds the socket. It hears nothing of the look.
    static func problem(_ path: String) -> DatabaseError? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .notWatched(SystemError("socket").description) }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= room else { return .unreachable(path, "the path is longer than \(room) bytes") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        // A datagram socket can't speak to a server's; that it is there is known by then.
        return result == 0 || errno == EPROTOTYPE ? nil : .unreachable(path, String(cString: strerror(errno)))
    }
}

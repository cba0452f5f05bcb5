import EventLoop
import Glibc

/// A listening socket that nobody answers at.
struct SilentServer: Sendable {
    let port: UInt16
    private let descriptors: [Int32]

    /// On a Unix socket: connections are taken by the kernel and hear nothing.
    init(path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
        try Self.listen(descriptor, &address, backlog: 5)
        port = 0
        descriptors = [descriptor]
    }

    private init(port: UInt16, _ descriptors: [Int32]) {
        self.port = port
        self.descriptors = descriptors
    }

    /// On a port of loopback whose queue is full: connections are not even taken.
    static func full() throws -> SilentServer {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try listen(descriptor, &address, backlog: 0)
        let fillers = (0..<3).map { _ in
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            _ = with(&address) { connect(filler, $0, $1) }
            return filler
        }
        return SilentServer(port: UInt16(bigEndian: address.sin_port), fillers + [descriptor])
    }

    private static func with<Address>(_ address: inout Address, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
        }
    }

    private static func listen<Address>(_ descriptor: Int32, _ address: inout Address, backlog: Int32) throws {
        let failed = with(&address) { pointer, size in
            var size = size
            return bind(descriptor, pointer, size) | Glibc.listen(descriptor, backlog) | getsockname(descriptor, pointer, &size)
        }
        if failed != 0 { throw SystemError("listen") }
    }

    func close() { for descriptor in descriptors { Glibc.close(descriptor) } }
}

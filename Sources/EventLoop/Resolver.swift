import Glibc

/// A socket address of either family.
struct SocketAddress: Sendable {
    let family: Int32
    private let storage: sockaddr_storage
    private let size: socklen_t

    init(_ address: UnsafePointer<sockaddr>, _ size: socklen_t) {
        family = Int32(address.pointee.sa_family)
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(size))) }
        self.storage = storage
        self.size = size
    }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) } }
    }
}

enum Resolver {
    /// The addresses of a host name. Blocks while a name server is asked: not for the loop, unless `host` is numeric.
    static func addresses(host: String, port: UInt16, passive: Bool) throws(SystemError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw code == EAI_SYSTEM ? SystemError("getaddrinfo") : SystemError("cannot resolve \(host)", ENOENT)
        }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0?.pointee.ai_next }).compactMap { node in
            node?.pointee.ai_addr.map { SocketAddress($0, node?.pointee.ai_addrlen ?? 0) }
        }
    }
}

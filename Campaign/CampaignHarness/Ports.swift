import Glibc

/// Ports of 127.0.0.1.
package enum Ports {
    /// One that is free just now.
    package static func free() throws(Failure) -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .ofCall("socket") }
        defer { close(descriptor) }
        // From below the range that the kernel gives to those who connect, who could take it while its node is down.
        for _ in 0..<1000 {
            let port = UInt16.random(in: 20000...30000)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
            address.sin_port = port.bigEndian
            let isFree = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
            }
            if isFree { return port }
        }
        throw Failure("no port of 127.0.0.1 is free")
    }
}

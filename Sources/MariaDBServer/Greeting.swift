import CSystem
import Glibc

/// The first packet that a server sends to whoever connects; it comes only after the `--init-file` has run.
enum Greeting {
    /// A connection to the socket, not yet greeted; nil when nobody listens yet.
    static func connect(to path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        if descriptor < 0 { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(ServerPaths.socketBytesMax)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        if result == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    /// The server's version from what has arrived, nil when it is no greeting (or an error packet). The greeting is sent in one write.
    static func version(from descriptor: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 512)
        let got = recv(descriptor, &bytes, bytes.count, 0)
        return got > 0 ? version(in: bytes[..<got]) : nil
    }

    /// Three bytes length, one sequence number, the protocol's version 10, then the server's version up to a zero byte. MariaDB
    /// before 11 puts `5.5.5-` in front of it, for old replicas.
    static func version(in packet: ArraySlice<UInt8>) -> String? {
        let payload = packet.dropFirst(4)
        guard payload.first == 10, let end = payload.firstIndex(of: 0) else { return nil }
        let version = String(decoding: payload.dropFirst()[..<end], as: UTF8.self)
        return version.hasPrefix("5.5.5-") ? String(version.dropFirst(6)) : version
    }
}

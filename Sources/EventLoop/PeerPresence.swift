import Dispatch
import Glibc

/// Tells a peer that closed its socket from one that only has no more to send: to TCP both look alike until something is sent.
///
/// On this machine the peer's own end of the connection is listed by the kernel, with inode 0 once no process holds it. From another machine only time
/// tells: keep-alive probes are answered with a reset when its system has forgotten the connection.
enum PeerPresence {
    private static let queue = DispatchQueue(label: "ddbnode.peer-presence", qos: .utility)

    /// Calls `done` on the loop: true when the peer is on this machine and its end is held by no process any more.
    @LoopActor static func isGone(_ loop: EventLoop, _ descriptor: Int32, done: @escaping @LoopActor @Sendable (Bool) -> Void) {
        guard let own = endpoint(descriptor, getsockname), let peer = endpoint(descriptor, getpeername), own.isLoopback, peer.isLoopback else {
            return done(false)
        }
        queue.async {
            let gone = !isHeld(local: peer.text, remote: own.text, table: peer.isV6 ? "/proc/net/tcp6" : "/proc/net/tcp")
            loop.post { done(gone) }
        }
    }

    private struct Endpoint: Sendable {
        /// As the kernel's table has it: `0100007F:1B59`.
        let text: String
        let isLoopback: Bool
        let isV6: Bool
    }

    private static func endpoint(
        _ descriptor: Int32, _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Endpoint? {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var size = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes { raw -> Int32 in
            guard let address = raw.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
            return ask(descriptor, address, &size)
        }
        guard result == 0 else { return nil }
        let family = Int32(bytes[0]) | Int32(bytes[1]) << 8
        let port = hex(bytes[2]) + hex(bytes[3])
        if family == AF_INET {
            return Endpoint(text: bytes[4..<8].reversed().map(hex).joined() + ":" + port, isLoopback: bytes[4] == 127, isV6: false)
        }
        guard family == AF_INET6 else { return nil }
        let address = bytes[8..<24]
        // Words of four bytes in the machine's order.
        let text = stride(from: 8, to: 24, by: 4).map { bytes[$0..<($0 + 4)].reversed().map(hex).joined() }.joined()
        let isLoopback = address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
        return Endpoint(text: text + ":" + port, isLoopback: isLoopback, isV6: true)
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return byte < 16 ? "0" + digits : digits
    }

    /// Whether some process holds that end. Where the table can't be read: yes, for all that is known.
    private static func isHeld(local: String, remote: String, table: String) -> Bool {
        guard let file = fopen(table, "re") else { return true }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, file) > 0, let text = line.map({ String(cString: $0) }) {
            guard text.contains(local) else { continue }
            let fields = text.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[1] == local, fields[2] == remote else { continue }
            return fields[9] != "0"
        }
        return false
    }
}

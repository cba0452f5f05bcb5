import Glibc

/// How the system probes the other end of a silent TCP connection, and when it gives the connection up.
package struct KeepAlive: Sendable {
    /// Silence before the first probe, and from one probe to the next; in seconds.
    let idleS, everyS: Int32
    /// Probes without an answer.
    let probesMax: Int32
    /// How long what was sent may stay without an acknowledgement; 0 leaves that to the system.
    let unacknowledgedMs: Int32

    /// For connections that the node opened: somebody waits for the answer.
    package static let toServer = KeepAlive(idleS: 10, everyS: 5, probesMax: 3, unacknowledgedMs: 30_000)
    /// For connections that others opened to the node.
    static let toClient = KeepAlive(idleS: 60, everyS: 5, probesMax: 3, unacknowledgedMs: 0)
    /// For a peer that may be gone already.
    static let toDoubtful = KeepAlive(idleS: 5, everyS: 5, probesMax: 3, unacknowledgedMs: 0)

    /// Takes effect at once, on a connected socket too; what the system does not take stays as it is.
    package func set(on descriptor: Int32) {
        Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        let tcp = Int32(IPPROTO_TCP)
        Self.set(descriptor, tcp, TCP_KEEPIDLE, idleS)
        Self.set(descriptor, tcp, TCP_KEEPINTVL, everyS)
        Self.set(descriptor, tcp, TCP_KEEPCNT, probesMax)
        if unacknowledgedMs > 0 { Self.set(descriptor, tcp, TCP_USER_TIMEOUT, unacknowledgedMs) }
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

import Glibc
import LoadGeneratorCore

/// One non-blocking connection with up to so many requests under way.
final class Connection {
    private let socket: OpenSocket
    private let poller: Poller
    private let token: Int
    private let wire: Wire
    private var replies: ReplyFinder
    private var outgoing: [UInt8] = []
    private var sentBytes = 0
    private var waitsToWrite = false
    /// When each request under way began to count, oldest first.
    private var starts: Ring<UInt64>
    private(set) var isOpen = true

    /// Shared by all: what is in it is gone with the next read.
    private static let readBytes = 256 << 10

    init(_ endpoint: Endpoint, _ account: Account, _ poller: Poller, token: Int, depth: Int) throws(Failure) {
        socket = try OpenSocket(endpoint, account)
        try socket.becomeNonBlocking()
        self.poller = poller
        self.token = token
        wire = endpoint.wire
        replies = ReplyFinder(endpoint.wire)
        starts = Ring(capacity: depth)
        try poller.add(socket.descriptor, token: token)
    }

    var underWay: Int { starts.count }
    var lastValue: String { replies.lastValue }

    /// Takes one more request, to go with the next `flush()`.
    func ask(_ workload: inout Workload, startNs: UInt64) {
        wire.append(to: &outgoing) { workload.appendStatement(to: &$0) }
        starts.append(startNs)
    }

    func flush() {
        while isOpen, sentBytes < outgoing.count {
            let count = outgoing.withUnsafeBytes { bytes in
                send(socket.descriptor, bytes.baseAddress?.advanced(by: sentBytes), bytes.count - sentBytes, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sentBytes += count
            } else if errno == EAGAIN {
                return setWaitsToWrite(true)
            } else if errno != EINTR {
                return end()
            }
        }
        outgoing.removeAll(keepingCapacity: true)
        sentBytes = 0
        setWaitsToWrite(false)
    }

    private func setWaitsToWrite(_ waits: Bool) {
        guard isOpen, waits != waitsToWrite else { return }
        waitsToWrite = waits
        poller.change(socket.descriptor, token: token, writable: waits)
    }

    /// Reads once, and tells of each reply that ended: how, and when its request began to count.
    func read(into buffer: UnsafeMutableRawBufferPointer, _ replied: (ReplyEnd, UInt64) -> Void) {
        let count = recv(socket.descriptor, buffer.baseAddress, buffer.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return end() }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        var offset = 0
        while let reply = replies.next(in: bytes, from: &offset) {
            guard reply != .unintelligible, let start = starts.popFirst() else {
                replied(.unintelligible, 0)
                return end()
            }
            replied(reply, start)
        }
    }

    static func makeReadBuffer() -> UnsafeMutableRawBufferPointer { .allocate(byteCount: readBytes, alignment: 16) }

    func end() {
        guard isOpen else { return }
        isOpen = false
        poller.remove(socket.descriptor)
        socket.end()
    }
}

import CSystem
import Glibc
import LoadGeneratorCore

/// One connection that asks and waits, a request at a time.
final class Session {
    private let socket: OpenSocket
    private let wire: Wire
    private var replies: ReplyFinder
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    /// `waitSeconds` bounds each wait for the other side.
    init(_ endpoint: Endpoint, _ account: Account, waitSeconds: Int) throws(Failure) {
        socket = try OpenSocket(endpoint, account)
        wire = endpoint.wire
        replies = ReplyFinder(wire)
        try socket.becomeBlocking()
        setWaitLimit(of: socket.descriptor, seconds: waitSeconds)
    }

    deinit { buffer.deallocate() }

    /// The first column of the reply's last row; empty where it has none.
    @discardableResult
    func ask(_ sql: String) throws(Failure) -> String {
        try ask { $0.append(contentsOf: sql.utf8) }
    }

    @discardableResult
    func ask(_ statement: (inout [UInt8]) -> Void) throws(Failure) -> String {
        try send(statement)
        while true {
            let bytes = try read()
            var offset = 0
            switch replies.next(in: bytes, from: &offset) {
            case .ok: return replies.lastValue
            case .failed(let words): throw Failure(words)
            case .unintelligible: throw Failure("bytes that are no reply")
            case nil: continue
            }
        }
    }

    /// Sends a request without waiting for its reply.
    func send(_ statement: (inout [UInt8]) -> Void) throws(Failure) {
        var request: [UInt8] = []
        wire.append(to: &request, statement)
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes {
                Glibc.send(socket.descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count >= 0 || errno == EINTR else { throw .ofCall("send") }
            sent += max(0, count)
        }
    }

    /// What has come, at least a byte; gone with the next read.
    func read() throws(Failure) -> UnsafeRawBufferPointer {
        while true {
            let count = recv(socket.descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<count]) }
            guard count < 0 else { throw Failure("the connection was closed") }
            guard errno == EINTR else { throw .ofCall("recv") }
        }
    }

    func end() { socket.end() }

    /// Ends it with a reset, as a program that crashed or a network that cuts off.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        socket.end()
    }
}

/// Waits `milliseconds`, or less where a signal comes.
func pause(milliseconds: Int) { _ = poll(nil, 0, Int32(milliseconds)) }

func raiseDescriptorLimit() { _ = ddb_raise_descriptor_limit() }

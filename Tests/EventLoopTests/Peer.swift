import EventLoop
import Glibc
import TestSupport

/// Hears a channel: keeps what came, and calls what a test wants to happen meanwhile.
@LoopActor final class Recorder: ChannelHandler {
    var bytes: [UInt8] = []
    var inputEnds = 0
    var drains = 0
    var ends: [ChannelEnd] = []
    var onReceived: (@LoopActor () -> Void)?
    var onInputEnded: (@LoopActor () -> Void)?
    var onDrained: (@LoopActor () -> Void)?

    func received(_ bytes: UnsafeRawBufferPointer) {
        self.bytes += bytes
        onReceived?()
    }

    func inputEnded() {
        inputEnds += 1
        onInputEnded?()
    }

    func drained() {
        drains += 1
        onDrained?()
    }

    func ended(_ end: ChannelEnd) { ends.append(end) }
}

/// A channel on the loop, and the other end of its connection as a plain blocking socket.
struct Wire: Sendable {
    let channel: Channel
    let recorder: Recorder
    let peer: Int32

    /// Over TCP on loopback, with small buffers, so that little data fills them.
    static func open() async throws -> Wire {
        let (near, far) = try tcpPair()
        return try await start(near, far)
    }

    private static func start(_ near: Int32, _ far: Int32) async throws -> Wire {
        let recorder = Recorder()
        let channel = try await onLoop { loop in
            let channel = Channel(loop, near)
            try channel.start(recorder)
            return channel
        }
        return Wire(channel: channel, recorder: recorder, peer: far)
    }

    /// Reads on a thread of its own until the peer's input ends, after `bytes` at most.
    func readAll(upTo bytes: Int = .max) async -> [UInt8] {
        await offThread { [peer] in
            var all: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 50_000)
            while all.count < bytes, case let count = read(peer, &chunk, min(chunk.count, bytes - all.count)), count > 0 { all += chunk[..<count] }
            return all
        }
    }

    /// Writes on a thread of its own.
    func send(_ bytes: [UInt8]) async {
        await offThread { [peer] in
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes { Glibc.send(peer, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { return }
                done += count
            }
        }
    }

    /// Ends both sides, whatever state they are in.
    func close() async throws {
        try await onLoop { _ in self.channel.close() }
        _ = Glibc.close(peer)
    }
}

/// Runs what blocks where it holds nobody up.
func offThread<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Job { continuation.resume(returning: body()) })
        pthread_create(
            &thread, nil,
            { job in
                if let job { Unmanaged<Job>.fromOpaque(job).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }
}

private final class Job {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Bytes that tell every place in them from its neighbours.
func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
    (start..<start + count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
}

func loopbackAddress(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

/// A plain listening socket on 127.0.0.1, and its port.
func plainListener(backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopbackAddress(port: 0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, size) != 0 || listen(descriptor, backlog) != 0 || getsockname(descriptor, $0, &size) != 0
        }
    }
    if failed { throw SystemError("listen") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// Connects a plain socket; 0, or -1 with errno.
@discardableResult
func plainConnect(_ descriptor: Int32, port: UInt16) -> Int32 {
    var address = loopbackAddress(port: port)
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}

func plainSocket() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }

/// Both ends of a TCP connection on loopback: the first does not block, the second does.
func tcpPair() throws -> (Int32, Int32) {
    let listener = try plainListener(backlog: 1)
    defer { close(listener.descriptor) }
    let far = plainSocket()
    var small: Int32 = 16 << 10
    setsockopt(far, SOL_SOCKET, SO_RCVBUF, &small, 4)
    guard plainConnect(far, port: listener.port) == 0 else { throw SystemError("connect") }
    let near = accept(listener.descriptor, nil, nil)
    guard near >= 0 else { throw SystemError("accept") }
    setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, 4)
    _ = fcntl(near, F_SETFL, O_NONBLOCK)
    return (near, far)
}

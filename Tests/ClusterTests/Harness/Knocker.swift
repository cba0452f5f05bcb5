import ClusterModel
import Dispatch
import Glibc
import Replication
import Synchronization

/// Dials a node as a brand-new slave does, again at once whenever it is not let in, until it has an id. It stays connected until it is stopped.
final class Knocker: Sendable {
    private let port: UInt16
    private let uuid: String
    private let welcomed = Mutex<UInt32?>(nil)
    private let isStopped = Atomic(false)
    private let refusals = Atomic(0)
    private let group = DispatchGroup()

    init(port: UInt16, uuid: String) {
        (self.port, self.uuid) = (port, uuid)
        DispatchQueue(label: uuid).async(group: group) { [self] in
            while !isStopped.load(ordering: .relaxed), !knock() {}
        }
    }

    /// The id that it was given; nil: none yet.
    var id: UInt32? { welcomed.withLock { $0 } }
    /// How often it was told to come later.
    var refused: Int { refusals.load(ordering: .relaxed) }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        group.wait()
    }

    /// One link; true when there need not be another.
    private func knock() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard code == 0 else {
            // The process is not there yet.
            poll(nil, 0, 1)
            return false
        }
        write(Array(".link 1\n".utf8), to: descriptor)
        return talk(descriptor)
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) { _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    private func talk(_ descriptor: Int32) -> Bool {
        var frames = FrameReader(takesEvents: true)
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !isStopped.load(ordering: .relaxed) {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return id != nil }
            chunk.withUnsafeBytes { frames.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            while let frame = try? frames.next() {
                switch frame {
                case .challenge(let challenge): greet(challenge, descriptor)
                case .welcome(let welcome): welcomed.withLock { $0 = welcome.id.rawValue }
                case .refused: refusals.wrappingAdd(1, ordering: .relaxed)
                default: break
                }
            }
        }
        return true
    }

    private func greet(_ challenge: Frame.Challenge, _ descriptor: Int32) {
        let hello = Frame.Hello(
            cluster: challenge.cluster, uuid: uuid, id: 0, address: "127.0.0.1:1", nonce: [UInt8](repeating: 7, count: 32), proof: [])
        var bytes: [UInt8] = []
        Frame.hello(hello).encode(into: &bytes)
        write(bytes, to: descriptor)
    }
}

import Dispatch
import Glibc
import Synchronization

/// Stands between a slave and its master, passes on what both say, and leaves out one whole frame of events when it is told to.
final class FrameDropper: Sendable {
    private static let eventKinds: Set<UInt8> = [6, 10]

    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let isWanted = Atomic(false)
    private let dropped = Atomic(0)

    init(to target: UInt16) throws {
        self.target = target
        port = Ports.next()
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        var on: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard Self.withAddress(port, { bind(listener, $0, $1) }) == 0, listen(listener, 8) == 0 else {
            throw NotInTime(description: "cannot listen on \(port): \(errno)")
        }
        DispatchQueue(label: "dropper").async { [self] in
            while case let slave = accept(listener, nil, nil), slave >= 0 { connect(slave) }
            close(listener)
        }
    }

    /// The next frame of events is not passed on.
    func dropNext() { isWanted.store(true, ordering: .sequentiallyConsistent) }
    /// How many were left out.
    var count: Int { dropped.load(ordering: .sequentiallyConsistent) }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func withAddress(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    private func connect(_ slave: Int32) {
        let master = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard Self.withAddress(target, { Glibc.connect(master, $0, $1) }) == 0 else {
            close(master)
            close(slave)
            return
        }
        let group = DispatchGroup()
        DispatchQueue(label: "to the master").async(group: group) { self.pass(slave, master) { $0 } }
        DispatchQueue(label: "to the slave").async(group: group) {
            var waiting: [UInt8] = []
            self.pass(master, slave) { bytes in
                waiting += bytes
                return self.whole(&waiting)
            }
        }
        group.notify(queue: .global()) {
            close(master)
            close(slave)
        }
    }

    private func pass(_ from: Int32, _ to: Int32, _ change: ([UInt8]) -> [UInt8]) {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        loop: while case let count = read(from, &chunk, chunk.count), count > 0 {
            var rest = change(Array(chunk[..<count]))[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard sent > 0 else { break loop }
                rest = rest.dropFirst(sent)
            }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }

    /// The whole frames of what came: their length, their kind, the rest.
    private func whole(_ waiting: inout [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        while waiting.count >= 5 {
            let length = waiting[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard waiting.count >= 4 + length else { break }
            let frame = waiting[..<(4 + length)]
            if Self.eventKinds.contains(frame[4]), isWanted.exchange(false, ordering: .sequentiallyConsistent) {
                dropped.wrappingAdd(1, ordering: .sequentiallyConsistent)
            } else {
                out += frame
            }
            waiting.removeFirst(4 + length)
        }
        return out
    }
}

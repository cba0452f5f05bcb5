import CSystem
import Glibc
import Synchronization

/// A wish to stop that any thread can make, once and for all, and that a thread can wait for together with other descriptors.
final class StopRequest: Sendable {
    /// Readable for good once stop was asked for; -1 when the system had no descriptor left.
    let descriptor: Int32
    private let kills = Atomic(false)
    private let lasts = Atomic(false)

    init() { descriptor = Self.counter() }

    /// A descriptor that becomes readable by a write of eight bytes; -1 when the system has none left.
    static func counter() -> Int32 { ddb_event() }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The stop that is asked for, or will be, is a SIGKILL.
    func kill() { kills.store(true, ordering: .sequentiallyConsistent) }
    var isKill: Bool { kills.load(ordering: .sequentiallyConsistent) }

    /// The server is not started again after an end of its own.
    func makeLast() { lasts.store(true, ordering: .sequentiallyConsistent) }
    var isLast: Bool { lasts.load(ordering: .sequentiallyConsistent) }

    func make() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    var isMade: Bool { wait(ms: 0) }

    /// Waits until stop is asked for, or that long; true when it was.
    func wait(ms: UInt64) -> Bool {
        Wait.first(stop: self, untilMs: System.monotonicMs() + ms) == .stop
    }
}

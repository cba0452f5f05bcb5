import Glibc
import Synchronization

/// A count that one thread raises and another waits for.
final class Signal: Sendable {
    private let count = Mutex(0)
    private let wake = StopRequest.counter()

    deinit { if wake >= 0 { close(wake) } }

    func make() {
        count.withLock { $0 += 1 }
        var one: UInt64 = 1
        _ = write(wake, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for one and takes it; false when stop was asked for.
    func take(orStop stop: StopRequest) -> Bool {
        while true {
            if stop.isMade { return false }
            let isThere = count.withLock { count in
                guard count > 0 else { return false }
                count -= 1
                return true
            }
            if isThere { return true }
            if Wait.first(stop: stop, readable: wake, untilMs: .max) == .readable {
                var value: UInt64 = 0
                _ = read(wake, &value, MemoryLayout<UInt64>.size)
            }
        }
    }
}

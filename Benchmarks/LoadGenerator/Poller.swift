import CSystem
import Glibc
import Synchronization

/// One epoll set, level-triggered.
final class Poller {
    struct Readiness {
        /// What the descriptor was added with.
        let token: Int
        let isReadable: Bool
        let isWritable: Bool
    }

    private static let batch = 256

    private let descriptor: Int32
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Poller.batch)

    init() throws(Failure) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .ofCall("epoll_create1") }
    }

    deinit {
        close(descriptor)
        events.deallocate()
    }

    func add(_ socket: Int32, token: Int) throws(Failure) {
        guard ddb_epoll_set(descriptor, EPOLL_CTL_ADD, socket, EPOLLIN.rawValue, UInt64(token)) == 0 else { throw .ofCall("epoll_ctl") }
    }

    func change(_ socket: Int32, token: Int, writable: Bool) {
        let wanted = writable ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue
        _ = ddb_epoll_set(descriptor, EPOLL_CTL_MOD, socket, wanted, UInt64(token))
    }

    func remove(_ socket: Int32) { _ = ddb_epoll_set(descriptor, EPOLL_CTL_DEL, socket, 0, 0) }

    /// Waits until something is ready, a signal comes, or the monotonic clock shows `untilNs`.
    func wait(untilNs: UInt64, _ handle: (Readiness) throws(Failure) -> Void) throws(Failure) {
        let now = monotonicNs()
        let rest = untilNs > now ? untilNs - now : 0
        var limit = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
        let count = epoll_pwait2(descriptor, events, Int32(Self.batch), &limit, nil)
        guard count >= 0 || errno == EINTR else { throw .ofCall("epoll_pwait2") }
        for index in 0..<max(0, Int(count)) {
            let event = events[index]
            let readable = event.events & ~EPOLLOUT.rawValue != 0
            try handle(Readiness(token: Int(event.data.u64), isReadable: readable, isWritable: event.events & EPOLLOUT.rawValue != 0))
        }
    }
}

/// The monotonic clock, in nanoseconds.
func monotonicNs() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }

/// Whether the run was told to end before its time, by SIGTERM or SIGINT.
enum EarlyEnd {
    private static let wanted = Atomic<Bool>(false)

    static var isWanted: Bool { wanted.load(ordering: .relaxed) }

    static func watchSignals() {
        for number in [SIGTERM, SIGINT] { signal(number) { _ in EarlyEnd.wanted.store(true, ordering: .relaxed) } }
    }
}

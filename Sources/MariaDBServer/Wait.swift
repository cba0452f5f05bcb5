import Glibc

/// What a wait ended with.
enum Wait: Equatable {
    case stop, exit, readable, timeout

    /// Blocks the calling thread until one of these happens; when several did, the first in this order counts: exit, stop, readable.
    static func first(stop: StopRequest?, exitOf process: Int32 = -1, readable: Int32 = -1, untilMs: UInt64) -> Wait {
        while true {
            var watched = [process, stop?.descriptor ?? -1, readable].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let now = System.monotonicMs()
            let ready = poll(&watched, nfds_t(watched.count), Int32(clamping: untilMs > now ? untilMs - now : 0))
            if watched[0].revents != 0, ready > 0 { return .exit }
            if watched[1].revents != 0, ready > 0 { return .stop }
            if watched[2].revents != 0, ready > 0 { return .readable }
            if System.monotonicMs() >= untilMs { return .timeout }
        }
    }
}

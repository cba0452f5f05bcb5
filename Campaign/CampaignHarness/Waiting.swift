import Glibc
import Synchronization

/// What ends a campaign before its checks could be made, in words.
package struct Failure: Error {
    package let words: String

    package init(_ words: String) { self.words = words }

    /// `call` failed just now.
    package static func ofCall(_ call: String) -> Failure { Failure("\(call): \(String(cString: strerror(errno)))") }
}

/// Somebody wants the program to end: SIGINT or SIGTERM came.
package enum EarlyEnd {
    private static let wanted = Atomic<Bool>(false)

    package static var isWanted: Bool { wanted.load(ordering: .relaxed) }

    package static func watchSignals() {
        for number in [SIGTERM, SIGINT] { signal(number) { _ in EarlyEnd.wanted.store(true, ordering: .relaxed) } }
    }
}

/// Milliseconds since the program's first look at it.
package enum Clock {
    private static let start = ContinuousClock.now

    /// That moment as the nodes' logs write it.
    package static var startWords: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ms = now.tv_sec * 1000 + now.tv_nsec / 1_000_000 - nowMs
        var (seconds, parts, text) = (ms / 1000, tm(), [CChar](repeating: 0, count: 32))
        gmtime_r(&seconds, &parts)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let milliseconds = String(ms % 1000 + 1000).dropFirst()
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) + ".\(milliseconds)Z"
    }

    package static var nowMs: Int {
        let passed = (ContinuousClock.now - start).components
        return Int(passed.seconds) * 1000 + Int(passed.attoseconds / 1_000_000_000_000_000)
    }
}

/// Waits so long, or less where a signal comes.
package func pause(milliseconds: Int) { _ = poll(nil, 0, Int32(max(0, milliseconds))) }

/// Waits so long; fails where the program shall end.
package func hold(milliseconds: Int) throws(Failure) {
    let untilMs = Clock.nowMs + milliseconds
    while Clock.nowMs < untilMs {
        guard !EarlyEnd.isWanted else { throw Failure("ended by a signal") }
        pause(milliseconds: min(50, untilMs - Clock.nowMs))
    }
}

/// Looks again and again until it is so; nil then, else what the last look said, when the time is over.
package func wait(milliseconds: Int, until isSo: () -> String?) throws(Failure) -> String? {
    let untilMs = Clock.nowMs + milliseconds
    while true {
        guard let words = isSo() else { return nil }
        guard !EarlyEnd.isWanted else { throw Failure("ended by a signal") }
        guard Clock.nowMs < untilMs else { return words }
        pause(milliseconds: 50)
    }
}

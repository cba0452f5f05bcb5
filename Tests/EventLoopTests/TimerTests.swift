import Dispatch
import EventLoop
import TestSupport
import Testing

@Suite(.serialized)
struct TimerTests {
    @LoopActor private final class Log {
        var fired: [Int] = []
        var early = 0
    }

    @Test func `timers fire in the order of their deadlines, none early`() async throws {
        let log = Log()
        // Between which two moments each timer's deadline lies.
        let due: [ClosedRange<UInt64>] = try await answer("the last timer") { loop, done in
            let set = Due()
            for number in 0..<10_000 {
                let wait = Int.random(in: 0...150)
                let began = EventLoop.now()
                loop.after(milliseconds: wait) {
                    log.fired.append(number)
                    if EventLoop.now() < set.ranges[number].lowerBound { log.early += 1 }
                    if log.fired.count == 10_000 { done(set.ranges) }
                }
                let nanoseconds = UInt64(wait) * 1_000_000
                set.ranges.append(began + nanoseconds...EventLoop.now() + nanoseconds)
            }
        }
        #expect(await log.early == 0)
        var latest: UInt64 = 0
        var unordered = 0
        for number in await log.fired {
            if due[number].upperBound < latest { unordered += 1 }
            latest = max(latest, due[number].lowerBound)
        }
        #expect(unordered == 0)
    }

    @LoopActor private final class Due { var ranges: [ClosedRange<UInt64>] = [] }

    @Test func `timers of different deadlines keep their order, however they were set`() async throws {
        let log = Log()
        try await onLoop { loop in for wait in [40, 10, 30, 0, 20] { loop.after(milliseconds: wait) { log.fired.append(wait) } } }
        try await until("five timers") { log.fired.count == 5 }
        #expect(await log.fired == [0, 10, 20, 30, 40])
    }

    @Test func `a cancelled timer does not fire`() async throws {
        let log = Log()
        try await onLoop { loop in
            let timers = (0..<10_000).map { number in loop.after(milliseconds: 5 + number % 20) { log.fired.append(number) } }
            for (number, timer) in timers.enumerated() where number % 10 != 0 { loop.cancel(timer) }
            for timer in timers.prefix(3) { loop.cancel(timer) }
            loop.cancel(nil)
        }
        let _: Bool = try await answer { loop, done in loop.after(milliseconds: 60) { done(true) } }
        #expect(await log.fired.sorted() == Array(stride(from: 10, to: 10_000, by: 10)))
    }

    @Test func `a timer cancels one that is due in the same moment`() async throws {
        let log = Log()
        let _: Bool = try await answer { loop, done in
            let held = Held()
            loop.after(milliseconds: 1) {
                log.fired.append(1)
                loop.cancel(held.timer)
            }
            held.timer = loop.after(milliseconds: 1) { log.fired.append(2) }
            // Both are due before the loop gets to look.
            let end = EventLoop.now() + 5_000_000
            while EventLoop.now() < end {}
            loop.after(milliseconds: 10) { done(true) }
        }
        #expect(await log.fired == [1])
    }

    @LoopActor private final class Held { var timer: TimerID? }

    @Test func `a timer that sets itself again for now lets others have their turn`() async throws {
        let log = Log()
        try await onLoop { loop in
            loop.after(milliseconds: 20) { log.fired.append(20) }
            again(loop, log)
        }
        try await until("the other timer") { log.fired == [20] }
    }

    @LoopActor private func again(_ loop: EventLoop, _ log: Log) {
        guard log.fired.isEmpty else { return }
        loop.after(milliseconds: 0) { again(loop, log) }
    }

    @Test func `posts of each thread arrive in their order`() async throws {
        @LoopActor final class Arrivals { var byThread = [[Int]](repeating: [], count: 8) }
        let arrivals = Arrivals()
        let loop = try await onLoop { $0 }
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask { for number in 0..<5000 { loop.post { arrivals.byThread[thread].append(number) } } }
            }
        }
        try await until("all posts") { arrivals.byThread.allSatisfy { $0.count == 5000 } }
        #expect(await arrivals.byThread.allSatisfy { $0 == Array(0..<5000) })
    }
}

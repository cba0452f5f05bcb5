package import EventLoop

/// The loop of the test process: made once, never released.
@LoopActor private enum TestLoop {
    static let made: Result<EventLoop, SystemError> = {
        do throws(SystemError) { return .success(try EventLoop()) } catch { return .failure(error) }
    }()
}

/// What was waited for did not come in time.
package struct Overdue: Error, CustomStringConvertible {
    let what: String
    let seconds: Double
    package var description: String { "\(what) did not come within \(seconds) s" }
}

@LoopActor private func testLoop() throws(SystemError) -> EventLoop { try TestLoop.made.get() }

/// Runs `body` on the loop as a turn of its own, as an event would.
package func onLoop<T: Sendable>(_ body: @escaping @LoopActor @Sendable (EventLoop) throws -> T) async throws -> T {
    let loop = try await testLoop()
    return try await withCheckedThrowingContinuation { continuation in
        loop.post { continuation.resume(with: Result { try body(loop) }) }
    }
}

/// Resumes a continuation once.
@LoopActor private final class Once<T: Sendable> {
    private var continuation: CheckedContinuation<T, any Error>?

    init(_ continuation: CheckedContinuation<T, any Error>) { self.continuation = continuation }

    var isDone: Bool { continuation == nil }

    func resume(_ result: Result<T, any Error>) {
        continuation?.resume(with: result)
        continuation = nil
    }
}

/// Starts something on the loop and waits for the value it is called back with; throws `Overdue` after `seconds`.
///
/// Whoever calls back a second time is not heard.
package func answer<T: Sendable>(
    _ what: String = "the answer", within seconds: Double = 30,
    _ start: @escaping @LoopActor @Sendable (EventLoop, @escaping @LoopActor @Sendable (T) -> Void) throws -> Void
) async throws -> T {
    let loop = try await testLoop()
    return try await withCheckedThrowingContinuation { continuation in
        loop.post {
            let once = Once(continuation)
            let timer = loop.after(milliseconds: Int(seconds * 1000)) { once.resume(.failure(Overdue(what: what, seconds: seconds))) }
            do {
                try start(loop) {
                    loop.cancel(timer)
                    once.resume(.success($0))
                }
            } catch {
                loop.cancel(timer)
                once.resume(.failure(error))
            }
        }
    }
}

/// Looks on the loop every few milliseconds until `look` gives something; throws `Overdue` after `seconds`.
@discardableResult
package func until<T: Sendable>(_ what: String, within seconds: Double = 30, _ look: @escaping @LoopActor @Sendable () -> T?) async throws -> T {
    try await answer(what, within: seconds) { loop, done in
        Polling(loop, endMs: EventLoop.nowMs() + Int(seconds * 1000), look, done).poll()
    }
}

/// Waits until a condition holds.
package func until(_ what: String, within seconds: Double = 30, holds condition: @escaping @LoopActor @Sendable () -> Bool) async throws {
    _ = try await answer(what, within: seconds) { loop, done in
        Polling(loop, endMs: EventLoop.nowMs() + Int(seconds * 1000), { condition() ? true : nil }, done).poll()
    }
}

@LoopActor private struct Polling<T: Sendable> {
    private let loop: EventLoop
    private let endMs: Int
    private let look: @LoopActor @Sendable () -> T?
    private let done: @LoopActor @Sendable (T) -> Void

    init(_ loop: EventLoop, endMs: Int, _ look: @escaping @LoopActor @Sendable () -> T?, _ done: @escaping @LoopActor @Sendable (T) -> Void) {
        self.loop = loop
        self.endMs = endMs
        self.look = look
        self.done = done
    }

    func poll() {
        if let found = look() { return done(found) }
        guard EventLoop.nowMs() < endMs else { return }
        loop.after(milliseconds: 3) { poll() }
    }
}

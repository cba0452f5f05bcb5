package import Dispatch
import Synchronization

/// Runs the loop's jobs on one serial Dispatch queue, so that a call from elsewhere is a compile error, or traps.
final class LoopExecutor: SerialExecutor {
    let queue = DispatchQueue(label: "ddbnode.loop")
    private let loop = Mutex<EventLoop?>(nil)

    /// A job that waits for Dispatch waits until the loop gives the queue back, up to 20 ms; within the loop's own turns it does not.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let run: @Sendable () -> Void = { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
        if let loop = loop.withLock({ $0 }) { loop.post { run() } } else { queue.async(execute: run) }
    }

    /// From now on jobs run in this loop's turns.
    func run(in loop: EventLoop) { self.loop.withLock { $0 = loop } }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}

/// The isolation of everything that runs on the event loop. One process has one loop.
@globalActor package actor LoopActor {
    package static let shared = LoopActor()
    private static let executor = LoopExecutor()

    static func run(in loop: EventLoop) { executor.run(in: loop) }

    /// The loop's queue: a target for Dispatch sources, and the way in from other threads (see `EventLoop.post`).
    package static var queue: DispatchQueue { executor.queue }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    /// Enters the isolation from a callback that is known to run on the loop's queue; traps when it does not.
    ///
    /// The standard library offers this for MainActor alone, by the same cast: the two closure types differ in isolation only.
    package static func assumeIsolated<T: Sendable>(_ body: @LoopActor () -> T) -> T {
        dispatchPrecondition(condition: .onQueue(queue))
        return withoutActuallyEscaping(body) { unsafeBitCast($0, to: (() -> T).self)() }
    }
}

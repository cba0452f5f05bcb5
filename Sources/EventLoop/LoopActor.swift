package import Dispatch

/// Runs the loop's jobs on one serial Dispatch queue, so that a call from elsewhere is a compile error, or traps.
final class LoopExecutor: SerialExecutor {
    let queue = DispatchQueue(label: "ddbnode.loop")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}

/// The isolation of everything that runs on the event loop. One process has one loop.
@globalActor package actor LoopActor {
    package static let shared = LoopActor()
    private static let executor = LoopExecutor()

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

import Dispatch
import Glibc

/// Turns signals into calls on the loop; their default action is off from then on.
@LoopActor package final class Signals {
    private var sources: [any DispatchSourceSignal] = []

    package init() { signal(SIGPIPE, SIG_IGN) }

    /// Calls `action` on the loop each time the process receives `number`.
    package func on(_ number: Int32, _ action: @escaping @LoopActor () -> Void) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: LoopActor.queue)
        source.setEventHandler { action() }
        source.activate()
        sources.append(source)
    }
}

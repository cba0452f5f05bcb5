import Glibc

/// The node's own mariadbd: made on the first start, reachable through a socket only, started again when it dies, and gone when the
/// node is, however that ended.
///
/// It has one life: `start()` once, `stop()`, then it is over; for another make another, after `stopped`. All work is done on a thread of
/// its own, so no call here waits. Letting go of it stops the server too.
package final class PrivateServer: Sendable {
    private let options: PrivateServerOptions
    private let onEvent: @Sendable (ServerEvent) -> Void
    private let stopRequest = StopRequest()

    /// - Parameter onEvent: called on the server's thread, in order; it must return soon.
    package init(options: PrivateServerOptions, onEvent: @escaping @Sendable (ServerEvent) -> Void) {
        self.options = options
        self.onEvent = onEvent
    }

    deinit { stopRequest.make() }

    /// Begins the server's life. Call it once: a second one finds the directory in use by the first, and says so as an event.
    package func start() {
        let (options, stopRequest, onEvent) = (options, stopRequest, onEvent)
        let started = SpawningThread.run {
            var life = ServerLife(options: options, stop: stopRequest, report: onEvent)
            life.run()
        }
        if let code = started { onEvent(.failed(.system(trying: "start", path: "the database's thread", code: code))) }
    }

    /// Asks for the end: SIGTERM, the time to stop, SIGKILL; a creation is broken off. `stopped` follows. More calls do nothing more.
    ///
    /// - Parameter killing: SIGKILL at once. An orderly end would let commits through that wait for other nodes.
    package func stop(killing: Bool = false) {
        if killing { stopRequest.kill() }
        stopRequest.make()
    }

    /// From now on an end of its own is followed by `exited` and `stopped`: what becomes of commits that waited is not for a restart to decide.
    package func neverRestart() { stopRequest.makeLast() }
}

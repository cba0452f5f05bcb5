import Glibc

/// A system thread that lives exactly as long as its body runs. The queues of Dispatch won't do: the kernel binds a child to the thread
/// that made it, and a queue's threads come and go.
enum SpawningThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Returns nil, or the error's number when there is no thread to be had.
    static func run(_ body: @escaping @Sendable () -> Void) -> Int32? {
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        if code != 0 {
            box.release()
            return code
        }
        pthread_detach(thread)
        return nil
    }

    /// Runs `body`; `failed` hears what it throws, or that there is no thread for it.
    static func run(failed: @escaping @Sendable (ServerProblem) -> Void, _ body: @escaping @Sendable () throws(ServerProblem) -> Void) {
        let code = run {
            do throws(ServerProblem) { try body() } catch { failed(error) }
        }
        if let code { failed(.system(trying: "start", path: "a thread", code: code)) }
    }
}

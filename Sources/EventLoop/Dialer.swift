import Dispatch
import Glibc

/// Opens one outgoing TCP connection.
@LoopActor package final class Dialer: Watcher {
    private let loop: EventLoop
    private var addresses: ArraySlice<SocketAddress> = []
    private var descriptor: Int32 = -1
    private var watch: WatchID?
    private var timer: TimerID?
    private var done: (@LoopActor (Result<Int32, SystemError>) -> Void)?

    /// Tries every address of `host` in turn, all within `timeoutMs`; `done` is called once, with a connected non-blocking socket that `owner`
    /// owns from then on, unless `cancel()` came first. An owner that is gone by then gets nothing, and the socket is closed.
    package init<Owner: AnyObject & Sendable>(
        _ loop: EventLoop, for owner: Owner, host: String, port: UInt16, timeoutMs: Int,
        done: @escaping @LoopActor @Sendable (Owner, Result<Int32, SystemError>) -> Void
    ) {
        self.loop = loop
        self.done = { [weak owner] result in
            if let owner { return done(owner, result) }
            if case .success(let descriptor) = result { close(descriptor) }
        }
        timer = loop.after(milliseconds: timeoutMs) { [weak self] in self?.finish(.failure(SystemError("connect", ETIMEDOUT))) }
        HostNames.queue.async { [weak self] in
            let result: Result<[SocketAddress], SystemError>
            do throws(SystemError) {
                result = .success(try Resolver.addresses(host: host, port: port, passive: false))
            } catch {
                result = .failure(error)
            }
            loop.post { self?.resolved(result) }
        }
    }

    private func resolved(_ result: Result<[SocketAddress], SystemError>) {
        guard done != nil else { return }
        switch result {
        case .failure(let error): finish(.failure(error))
        case .success(let list):
            addresses = list[...]
            tryNext(after: SystemError("connect", EADDRNOTAVAIL))
        }
    }

    private func tryNext(after failure: SystemError) {
        guard let address = addresses.popFirst() else { return finish(.failure(failure)) }
        descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return finish(.failure(SystemError("socket"))) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        KeepAlive.toServer.set(on: descriptor)
        if address.withPointer({ connect(descriptor, $0, $1) }) != 0, errno != EINPROGRESS { return abandon(SystemError("connect")) }
        do { watch = try loop.watch(descriptor, for: .writable, self) } catch { abandon(error) }
    }

    package func became(_ ready: Readiness) {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        if code != 0 { return abandon(SystemError("connect", code)) }
        let connected = descriptor
        forgetWatch()
        descriptor = -1
        finish(.success(connected))
    }

    private func abandon(_ failure: SystemError) {
        closeAttempt()
        tryNext(after: failure)
    }

    private func forgetWatch() {
        if let watch { loop.unwatch(watch, descriptor) }
        watch = nil
    }

    private func closeAttempt() {
        guard descriptor >= 0 else { return }
        forgetWatch()
        close(descriptor)
        descriptor = -1
    }

    private func finish(_ result: Result<Int32, SystemError>) {
        loop.cancel(timer)
        closeAttempt()
        let done = self.done
        self.done = nil
        done?(result)
    }

    /// Gives up; `done` is not called.
    package func cancel() {
        done = nil
        loop.cancel(timer)
        closeAttempt()
    }
}

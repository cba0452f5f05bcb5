import CSystem
import Glibc

/// One end of a pipe to or from a program, used by one thread without ever waiting longer than until it is told to stop.
final class PipeEnd {
    private(set) var descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// A pipe with room for that many bytes, where the system grants it.
    static func pair(bytes: Int32) throws(ServerProblem) -> (reading: PipeEnd, writing: PipeEnd) {
        var ends: [Int32] = [-1, -1]
        try System.call("make", "a pipe") { ddb_pipe(&ends, bytes) }
        return (PipeEnd(ends[0]), PipeEnd(ends[1]))
    }

    /// Only this end's own calls return at once: the program at the other end has its own.
    func makeNonBlocking() { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | Int32(O_NONBLOCK)) }

    enum Step: Equatable {
        case moved(Int)
        /// Nobody is at the other end any more.
        case over
        case stop
    }

    /// Reads what there is, waiting until there is some.
    func read(into bytes: UnsafeMutableRawBufferPointer, stop: StopRequest) throws(ServerProblem) -> Step {
        try move("read from", stop, POLLIN) { Glibc.read(descriptor, bytes.baseAddress, bytes.count) }
    }

    /// Writes what there is room for, waiting until there is some.
    func write(_ bytes: UnsafeRawBufferPointer, stop: StopRequest) throws(ServerProblem) -> Step {
        try move("write to", stop, POLLOUT) { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }

    private func move(_ trying: String, _ stop: StopRequest, _ events: Int32, _ body: () -> Int) throws(ServerProblem) -> Step {
        while true {
            if stop.isMade { return .stop }
            let count = body()
            if count > 0 { return .moved(count) }
            if count == 0 || errno == EPIPE { return .over }
            guard errno == EAGAIN || errno == EINTR else { throw .system(trying: trying, path: "a pipe", code: errno) }
            var watched = [pollfd(fd: descriptor, events: Int16(events), revents: 0), pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
            _ = poll(&watched, 2, -1)
        }
    }
}

import CSystem
import Glibc

/// A program that runs as long as this node does at most: the kernel kills it when the thread that spawned it ends.
final class ChildProcess {
    /// What `reap` says of a program that did its work.
    static let success = "ended with exit code 0"

    let pid: Int32
    /// Readable when the process ended.
    private(set) var descriptor: Int32
    private var reaped = false

    /// `input` and `output`: its standard streams, the caller's to close; -1: none, and the log.
    init(
        _ program: String, _ arguments: [String], in directory: String, input: Int32 = -1, output: Int32 = -1, log: ServerLog
    ) throws(ServerProblem) {
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let pid = try System.call("run", program) { ddb_spawn_piped(program, &words, directory, input, output, log.descriptor) }
        let descriptor = ddb_process_descriptor(pid)
        if descriptor < 0 {
            let code = errno
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw .system(trying: "watch", path: program, code: code)
        }
        self.pid = pid
        self.descriptor = descriptor
    }

    deinit {
        if !reaped { end(graceMs: 0) }
        close(descriptor)
    }

    /// As `Wait.first`; an exit is this process's.
    func wait(stop: StopRequest?, readable: Int32 = -1, untilMs: UInt64) -> Wait {
        while true {
            // Without a descriptor it is looked after now and then.
            let lookMs = descriptor < 0 ? min(untilMs, System.monotonicMs() + 1000) : untilMs
            let wait = Wait.first(stop: stop, exitOf: descriptor, readable: readable, untilMs: lookMs)
            if hasEnded { return .exit }
            guard wait == .exit || wait == .timeout && System.monotonicMs() < untilMs else { return wait }
            // A library closed what was not its own, and the number may be another file's by now: not for this one to close.
            descriptor = ddb_process_descriptor(pid)
        }
    }

    private var hasEnded: Bool { ddb_has_ended(pid) != 0 }

    /// Collects the ended process and says how it ended, in words; waits for the end.
    func reap() -> String {
        var status: Int32 = 0
        var result: Int32
        repeat { result = waitpid(pid, &status, 0) } while result < 0 && errno == EINTR
        reaped = true
        if result < 0 { return "ended in an unknown way" }
        let signal = status & 0x7F
        return signal == 0 ? "ended with exit code \(status >> 8 & 0xFF)" : "was killed by signal \(signal)"
    }

    /// SIGTERM, that long to leave, SIGKILL to it and what it started.
    func end(graceMs: UInt64) {
        if graceMs > 0 {
            _ = ddb_signal_process(descriptor, SIGTERM)
            _ = wait(stop: nil, untilMs: System.monotonicMs() + graceMs)
        }
        kill(-pid, SIGKILL)  // it leads a group of its own; not reaped yet, so the number is still its
        _ = reap()
    }
}

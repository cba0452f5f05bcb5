import CSystem
import Dispatch
import Glibc
import Synchronization

/// The processes of this machine, as the tests start and look at them.
enum Processes {
    /// What a command said, both kinds of output together, and how it ended.
    struct Ended: Sendable {
        let output: String
        let code: Int32
    }

    /// The kernel ends a child with the thread that made it, so one thread makes them all and stays: no server outlives a killed test run.
    private static let spawning = SpawningThread()

    /// Starts a program with its output in a file, in that directory; its pid.
    static func start(_ arguments: [String], in directory: String, log: String) throws -> pid_t {
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw NotInTime(description: "cannot open \(log): \(errno)") }
        defer { close(descriptor) }
        let pid = spawning.perform {
            var pointers = arguments.map { strdup($0) }
            defer { for pointer in pointers { free(pointer) } }
            pointers.append(nil)
            return ddb_spawn_bound(arguments[0], pointers, directory, descriptor)
        }
        guard pid > 0 else { throw NotInTime(description: "cannot start \(arguments[0])") }
        return pid
    }

    /// Runs a shell command to its end.
    @discardableResult static func shell(_ command: String) -> Ended {
        guard let pipe = popen("exec 2>&1 </dev/null; " + command, "r") else { return Ended(output: "", code: -1) }
        var bytes: [UInt8] = []
        while case let byte = getc(pipe), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        let status = pclose(pipe)
        return Ended(output: String(decoding: bytes, as: UTF8.self), code: status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F))
    }

    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    /// How a child ended: its exit code, or the negated signal; nil while it runs.
    static func ended(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
    }

    /// Whether there is no such process, or only what is left of it until its parent asks.
    static func isGone(_ pid: pid_t) -> Bool { state(pid).map { $0 == "Z" } ?? true }

    /// Stops it by SIGSTOP, which its threads heed some time after the call.
    static func hold(_ pid: pid_t) throws {
        kill(pid, SIGSTOP)
        try waitUntil("process \(pid) stands still") {
            numbers(in: "/proc/\(pid)/task").allSatisfy { thread in state("/proc/\(pid)/task/\(thread)").map { "TZX".contains($0) } ?? true }
        }
    }

    /// The letter that the system has for it; nil where there is no such process.
    private static func state(_ pid: pid_t) -> Character? { state("/proc/\(pid)") }

    private static func state(_ folder: String) -> Character? {
        guard let status = text(ofFile: "\(folder)/stat"), let name = status.lastIndex(of: ")") else { return nil }
        return status[name...].dropFirst(2).first
    }

    /// Every process of this machine.
    static func all() -> [pid_t] { numbers(in: "/proc") }

    /// How many entries a folder of numbers has.
    static func count(in path: String) -> Int { numbers(in: path).count }

    private static func numbers(in path: String) -> [pid_t] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var numbers: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
            if let number = pid_t(name) { numbers.append(number) }
        }
        return numbers
    }

    /// Resident memory in bytes.
    static func memory(_ pid: pid_t) -> Int {
        let pages = text(ofFile: "/proc/\(pid)/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }

    static func text(ofFile path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        let bytes = Array(text.utf8)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw NotInTime(description: "cannot write \(path): \(errno)")
        }
        close(descriptor)
    }
}

/// A thread that lives as long as the process, and does what it is given.
private final class SpawningThread: Sendable {
    private let work = Mutex<(@Sendable () -> Void)?>(nil)
    private let given = DispatchSemaphore(value: 0)
    private let lock = Mutex(())

    init() {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let this = Unmanaged<SpawningThread>.fromOpaque(argument).takeRetainedValue()
                while true {
                    this.given.wait()
                    this.work.withLock { work in
                        defer { work = nil }
                        return work
                    }?()
                }
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "no thread to start servers from")
    }

    func perform<T: Sendable>(_ body: @escaping @Sendable () -> T) -> T {
        lock.withLock { _ in
            let answer = Mutex<T?>(nil)
            let done = DispatchSemaphore(value: 0)
            let box = Answer(answer, done)
            work.withLock { $0 = { box.give(body()) } }
            given.signal()
            done.wait()
            guard let value = box.value else { preconditionFailure("given before the signal") }
            return value
        }
    }

    private final class Answer<T: Sendable>: Sendable {
        private let slot: Mutex<T?>
        private let done: DispatchSemaphore
        init(_ slot: consuming Mutex<T?>, _ done: DispatchSemaphore) {
            self.slot = slot
            self.done = done
        }
        func give(_ value: T) {
            slot.withLock { $0 = value }
            done.signal()
        }
        var value: T? { slot.withLock { $0 } }
    }
}

/// A piece of work on a thread of its own, for what must happen while the test goes on.
final class Background<T: Sendable>: Sendable {
    private let result = Mutex<Result<T, any Error>?>(nil)
    private let group = DispatchGroup()

    init(_ body: @escaping @Sendable () throws -> T) {
        DispatchQueue(label: "background").async(group: group) { [self] in
            let outcome = Result { try body() }
            result.withLock { $0 = outcome }
        }
    }

    var isDone: Bool { result.withLock { $0 != nil } }

    /// What came of it.
    func value(within seconds: Double = 60) throws -> T {
        guard group.wait(timeout: .now() + seconds) == .success, let result = result.withLock({ $0 }) else {
            throw NotInTime(description: "background work not done within \(seconds) s")
        }
        return try result.get()
    }
}

import CSystem
import Glibc

/// Processes of this machine. All are started by the main thread: the kernel ends a child with the thread that made it.
package enum Processes {
    /// Starts a program with its output behind what is in `log`, in that directory; its pid.
    package static func start(_ arguments: [String], in directory: String, log: String) throws(Failure) -> Int32 {
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .ofCall("open \(log)") }
        defer { close(descriptor) }
        var pointers = arguments.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        let pid = ddb_spawn_bound(arguments[0], pointers, directory, descriptor)
        guard pid > 0 else { throw .ofCall("start \(arguments[0])") }
        return pid
    }

    /// Runs a program to its end; its exit code, or the negated signal. After the time it is killed.
    package static func run(_ arguments: [String], log: String, within milliseconds: Int = 10_000) throws(Failure) -> Int32 {
        let pid = try start(arguments, in: "/", log: log)
        let untilMs = Clock.nowMs + milliseconds
        while true {
            if let code = ended(pid) { return code }
            if Clock.nowMs >= untilMs { kill(pid, SIGKILL) }
            pause(milliseconds: 5)
        }
    }

    /// How a child ended; nil while it runs.
    package static func ended(_ pid: Int32) -> Int32? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
    }

    /// Whether the process is there and has this word in its command line, so that it is the one that is meant.
    package static func isRunning(_ pid: Int32, with word: String) -> Bool { Files.text("/proc/\(pid)/cmdline")?.contains(word) ?? false }
}

/// Files, as whole texts.
package enum Files {
    package static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    package static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return bytes
    }

    package static func write(_ text: String, to path: String) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .ofCall("open \(path)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw .ofCall("write \(path)") }
    }

    package static func makeDirectory(_ path: String) throws(Failure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .ofCall("mkdir \(path)") }
    }
}

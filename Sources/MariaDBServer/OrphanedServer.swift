import CSystem
import Glibc

/// A mariadbd that an earlier node left behind on our files.
enum OrphanedServer {
    /// Ends every process that works on these files; the caller holds the directory's lock, so they are nobody's. Returns their ids.
    static func stopAll(_ paths: ServerPaths, graceMs: UInt64) throws(ServerProblem) -> [Int32] {
        var stopped: [Int32] = []
        for directory in [paths.data, paths.creating] {
            for pid in processes(workingOn: directory) where try stop(pid, on: directory, graceMs: graceMs) { stopped.append(pid) }
        }
        return stopped
    }

    /// Processes with this data directory on their command line *and* as their working directory, compared by inode: the same path in
    /// another container is another directory.
    private static func processes(workingOn directory: String) -> [Int32] {
        System.entries(of: "/proc").compactMap { Int32($0) }.filter { $0 != getpid() && isWorking($0, on: directory) }
    }

    private static func isWorking(_ pid: Int32, on directory: String) -> Bool {
        guard let line = System.read("/proc/\(pid)/cmdline", bytesMax: 64 << 10) else { return false }
        let option = Array("--datadir=".utf8)
        guard line.split(separator: 0).contains(where: { $0.starts(with: option) }) else { return false }
        var own = stat()
        var theirs = stat()
        return stat(directory, &own) == 0 && stat("/proc/\(pid)/cwd", &theirs) == 0 && own.st_dev == theirs.st_dev && own.st_ino == theirs.st_ino
    }

    private static func stop(_ pid: Int32, on directory: String, graceMs: UInt64) throws(ServerProblem) -> Bool {
        let descriptor = ddb_process_descriptor(pid)
        if descriptor < 0 { return false }
        defer { close(descriptor) }
        // The number may have passed to another process before the descriptor was there; from here on it cannot.
        guard isWorking(pid, on: directory) else { return false }
        for (signal, waitMs) in [(SIGTERM, graceMs), (SIGKILL, 10_000)] {
            if ddb_signal_process(descriptor, signal) != 0, errno != ESRCH {
                throw .system(trying: "stop the database left behind, process", path: String(pid), code: errno)
            }
            if Wait.first(stop: nil, exitOf: descriptor, untilMs: System.monotonicMs() + waitMs) == .exit { return true }
        }
        throw .system(trying: "stop the database left behind, process", path: String(pid), code: ETIMEDOUT)
    }
}

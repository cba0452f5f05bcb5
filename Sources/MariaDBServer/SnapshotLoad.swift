import Glibc

/// Has the client program run a spooled snapshot's statements on a server, without a word in its binlog. `start()` once; letting go of it, or
/// `cancel()`, ends the program. All work is done on a thread of its own.
package final class SnapshotLoad: Sendable {
    private let directory: String
    private let login: ServerLogin
    private let onEnd: @Sendable (ServerProblem?) -> Void
    private let stop = StopRequest()

    /// - Parameters:
    ///   - directory: the node's data directory, absolute.
    ///   - onEnd: called on the load's thread with what went wrong, or nil; not after `cancel()`.
    package init(directory: String, _ login: ServerLogin, onEnd: @escaping @Sendable (ServerProblem?) -> Void) {
        self.directory = directory
        self.login = login
        self.onEnd = onEnd
    }

    deinit { stop.make() }

    package func cancel() { stop.make() }

    package func start() {
        let (directory, login, stop, onEnd) = (directory, login, stop, onEnd)
        SpawningThread.run(failed: { onEnd($0) }) { () throws(ServerProblem) in
            if try Self.run(directory, login, stop) { onEnd(nil) }
        }
    }

    /// False when it is to stop.
    private static func run(_ directory: String, _ login: ServerLogin, _ stop: StopRequest) throws(ServerProblem) -> Bool {
        let paths = try ServerPaths(directory: directory)
        let program = try ProgramSearch.client()
        let lock = try SnapshotLock(paths)
        defer { withExtendedLifetime(lock) {} }
        try System.removeTree(paths.copying)
        try System.makeDirectory(paths.copying)
        defer { try? System.removeTree(paths.copying) }
        let file = paths.copying + "/login.cnf"
        try System.writePrivate(file, try login.file())
        try System.removeTree(paths.snapshotLog)
        let log = try ServerLog(path: paths.snapshotLog)
        let input = PipeEnd(try System.call("open", paths.spool) { open(paths.spool, O_RDONLY | O_CLOEXEC) })
        let child = try ChildProcess(
            program,
            [
                "--defaults-file=\(file)", "--batch", "--binary-mode", "--skip-reconnect", "--max-allowed-packet=1G",
                "--default-character-set=utf8mb4", "--init-command=SET SESSION sql_log_bin=0, max_statement_time=0",
            ], in: paths.copying, input: input.descriptor, log: log)
        input.close()
        guard child.wait(stop: stop, untilMs: .max) == .exit else {
            child.end(graceMs: 0)
            return false
        }
        let how = child.reap()
        guard how == ChildProcess.success else { throw .snapshotFailed(program: "mariadb", how: how, lastLogLines: log.lastLines()) }
        return true
    }
}

import Glibc

/// The life of one private server, from start to stop, told in order; runs on the thread that spawns and therefore outlives it.
struct ServerLife {
    /// A recovery that long would be unheard of.
    private static let startTimeoutMsMax: UInt64 = 3_600_000
    private static let probeEveryMs: UInt64 = 25

    private(set) var options: PrivateServerOptions
    let stop: StopRequest
    let report: (ServerEvent) -> Void
    private var restarts = RestartPolicy()

    /// How one run of the server ended.
    private enum RunEnd {
        case stopped
        case exited(how: String, lastLogLines: [String], healthyMs: UInt64)
    }

    init(options: PrivateServerOptions, stop: StopRequest, report: @escaping (ServerEvent) -> Void) {
        self.options = options
        self.stop = stop
        self.report = report
    }

    /// Returns when stop was asked for and the server is gone; then the last event has been reported.
    mutating func run() {
        do throws(ServerProblem) {
            try live()
        } catch {
            report(.failed(error))
            while !stop.wait(ms: 3_600_000) {}
        }
        report(.stopped)
    }

    private mutating func live() throws(ServerProblem) {
        if stop.descriptor < 0 { throw .system(trying: "make", path: "an event descriptor", code: EMFILE) }
        let paths = try ServerPaths(directory: options.directory)
        try paths.prepare()
        let lock = try DirectoryLock(paths)
        defer { withExtendedLifetime(lock) {} }
        for pid in try OrphanedServer.stopAll(paths, graceMs: options.stopTimeoutMs) { report(.orphanStopped(pid: pid)) }
        try SnapshotFiles(paths).recover()
        while case .exited(let how, let lines, let healthyMs) = try runOnceOrSayWhyNot(paths) {
            guard case .restart(let inMs) = restarts.ended(healthyMs: healthyMs) else { throw .startFailed(how: how, lastLogLines: lines) }
            let isLast = stop.isLast
            report(
                .exited(
                    ServerExit(words: how, lastLogLines: lines, restartInMs: isLast ? nil : inMs, failuresInARow: restarts.failuresInARow)))
            if isLast || stop.wait(ms: inMs) { return }
        }
    }

    /// Once it has worked, what keeps it from starting may pass (a full disk, a package being upgraded): that counts as an end like others.
    private mutating func runOnceOrSayWhyNot(_ paths: ServerPaths) throws(ServerProblem) -> RunEnd {
        do throws(ServerProblem) {
            return try runOnce(paths)
        } catch {
            guard restarts.wasEverReady else { throw error }
            return .exited(how: "could not be started again: \(error)", lastLogLines: [], healthyMs: 0)
        }
    }

    private mutating func runOnce(_ paths: ServerPaths) throws(ServerProblem) -> RunEnd {
        let log = try ServerLog(path: paths.log)
        try System.removeTree(paths.temporary)
        try System.makeDirectory(paths.temporary)
        guard try create(paths, log) else { return .stopped }
        let program = try ProgramSearch.server(named: options.program)
        let arguments = try Arguments.server(options, paths)
        try System.writePrivate(paths.accounts, AccountScript.text(for: options.accounts))
        // A socket that a killed server left would let nobody in, but a look at the directory would say otherwise.
        defer { for path in [paths.accounts, paths.socket] { unlink(path) } }
        unlink(paths.socket)
        let child = try ChildProcess(program, arguments, in: paths.data, log: log)
        report(.starting(pid: child.pid))
        switch untilReady(child, paths, log) {
        // A SIGTERM before it is ready makes mariadbd hang for good. Nobody was let in yet, so a SIGKILL takes nothing from anyone.
        case .stop:
            child.end(graceMs: 0)
            return .stopped
        case .timeout:
            child.end(graceMs: 0)
            return .exited(how: "took no connections in time and was stopped", lastLogLines: log.lastLines(), healthyMs: 0)
        case .exit:
            return .exited(how: child.reap(), lastLogLines: log.lastLines(), healthyMs: 0)
        case .ready(let version):
            unlink(paths.accounts)
            return try whileReady(child, version, paths, log)
        }
    }

    /// False when stop was asked for meanwhile.
    private func create(_ paths: ServerPaths, _ log: ServerLog) throws(ServerProblem) -> Bool {
        let files = ServerFiles(paths: paths)
        try files.removeHalfMade()
        if files.exist { return !stop.isMade }
        // Without mariadbd the installer would fail with words of its own.
        _ = try ProgramSearch.server(named: options.program)
        let installer = try ProgramSearch.installer(named: options.installProgram)
        report(.creating)
        return try files.create(installer: installer, log: log, stop: stop)
    }

    private enum Start {
        case ready(version: String)
        case exit, stop, timeout
    }

    /// Waits for the greeting. A server that writes to its log is at work, mostly at recovery, and gets its time.
    private func untilReady(_ child: ChildProcess, _ paths: ServerPaths, _ log: ServerLog) -> Start {
        let begin = System.monotonicMs()
        var lastGrowth = begin
        var bytes = log.bytes
        var connection: Int32?
        defer { if let connection { close(connection) } }
        while true {
            if connection == nil { connection = Greeting.connect(to: paths.socket) }
            switch child.wait(stop: stop, readable: connection ?? -1, untilMs: System.monotonicMs() + Self.probeEveryMs) {
            case .exit: return .exit
            case .stop: return .stop
            case .readable:
                if let open = connection {
                    if let version = Greeting.version(from: open) { return .ready(version: version) }
                    close(open)
                    connection = nil
                    if stop.wait(ms: Self.probeEveryMs) { return .stop }
                }
            case .timeout: break
            }
            let now = System.monotonicMs()
            if log.bytes != bytes { (bytes, lastGrowth) = (log.bytes, now) }
            if now - lastGrowth > options.startTimeoutMs || now - begin > Self.startTimeoutMsMax { return .timeout }
        }
    }

    private mutating func whileReady(
        _ child: ChildProcess, _ version: String, _ paths: ServerPaths, _ log: ServerLog
    ) throws(ServerProblem) -> RunEnd {
        if let line = log.initFileError() {
            child.end(graceMs: options.stopTimeoutMs)
            throw .accountsRefused(line)
        }
        restarts.becameReady()
        // What waited is taken back. What it may find after another crash is of another kind, and it would refuse to start on some of that.
        options.rollsBack = false
        report(.ready(RunningServer(socket: paths.socket, pid: child.pid, version: version)))
        let since = System.monotonicMs()
        while true {
            switch child.wait(stop: stop, untilMs: .max) {
            case .exit:
                let how = child.reap()
                return .exited(how: how, lastLogLines: log.lastLines(), healthyMs: System.monotonicMs() - since)
            case .stop:
                child.end(graceMs: stop.isKill ? 0 : options.stopTimeoutMs)
                return .stopped
            case .readable, .timeout: continue
            }
        }
    }
}

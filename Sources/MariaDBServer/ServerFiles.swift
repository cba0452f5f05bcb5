import Glibc

/// Makes the database's files, whole or not at all.
struct ServerFiles {
    /// The files, the redo log of the first start, and some room.
    private static let spaceNeededMiB: UInt64 = 256
    private static let createTimeoutMs: UInt64 = 300_000

    let paths: ServerPaths

    var exist: Bool { System.exists(paths.data) }

    /// Removes what a crash left half-made.
    func removeHalfMade() throws(ServerProblem) {
        try System.removeTree(paths.creating)
    }

    /// Runs the installer beside the final place and renames its work when it is whole and on disk. False when stop was asked for.
    func create(installer: String, log: ServerLog, stop: StopRequest) throws(ServerProblem) -> Bool {
        try checkSpace()
        try System.makeDirectory(paths.creating)
        let child = try ChildProcess(installer, Arguments.installer(), in: paths.creating, log: log)
        switch child.wait(stop: stop, untilMs: System.monotonicMs() + Self.createTimeoutMs) {
        case .exit: break
        case .stop:
            child.end(graceMs: 0)
            try removeHalfMade()
            return false
        case .timeout, .readable:
            child.end(graceMs: 0)
            throw .creationFailed(how: "took longer than \(Self.createTimeoutMs / 1000) s", lastLogLines: log.lastLines())
        }
        let how = child.reap()
        guard how == ChildProcess.success else {
            // The installer buries the reason under a page of advice.
            let errors = log.errorLines()
            throw .creationFailed(how: how, lastLogLines: errors.isEmpty ? log.lastLines() : errors)
        }
        try System.syncFileSystem(of: paths.creating)
        try System.call("rename", paths.creating) { rename(paths.creating, paths.data) }
        try System.syncFileSystem(of: paths.directory)
        return true
    }

    private func checkSpace() throws(ServerProblem) {
        var status = statvfs()
        try System.call("look at", paths.directory) { statvfs(paths.directory, &status) }
        let freeMiB = (UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20
        if freeMiB < Self.spaceNeededMiB { throw .noSpace(path: paths.directory, freeMiB: freeMiB, neededMiB: Self.spaceNeededMiB) }
    }
}

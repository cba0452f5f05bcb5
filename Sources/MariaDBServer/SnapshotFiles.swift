package import ClusterModel
import Glibc

/// Where a snapshot's files are until they are the database's, and how they become that.
///
///     mariadb.receiving ──swap()──► mariadb, marked      the copy that is under way, then the one that the server is to start on
///     mariadb           ──swap()──► mariadb.before       what was there, ──accept()──► removed, or ──undo()──► back again
///
/// The mark is a file in the copy itself, so that it comes and goes with it: the position that the server does not know yet. Every call waits
/// for the disk.
package struct SnapshotFiles: Sendable {
    private static let markName = "ddbnode.snapshot"

    let paths: ServerPaths

    init(_ paths: ServerPaths) { self.paths = paths }

    /// `directory`: the node's data directory, absolute.
    package init(directory: String) throws(ServerProblem) { paths = try ServerPaths(directory: directory) }

    private var mark: String { paths.data + "/" + Self.markName }

    /// Brings the files back into order after a crash; no server may run on them, and no snapshot be under way.
    func recover() throws(ServerProblem) {
        try System.removeTree(paths.receiving)
        try System.removeTree(paths.copying)
        guard System.exists(paths.before) else { return }
        if !System.exists(paths.data) {
            // Between the two renames of `swap()`.
            try System.call("rename", paths.before) { rename(paths.before, paths.data) }
            try System.syncFileSystem(of: paths.directory)
        } else if !System.exists(mark) {
            try System.removeTree(paths.before)
        }
    }

    /// Makes an empty directory for a copy.
    func prepare() throws(ServerProblem) {
        try System.removeTree(paths.receiving)
        try System.makeDirectory(paths.receiving)
    }

    /// Removes the copy under way.
    package func discard() throws(ServerProblem) { try System.removeTree(paths.receiving) }

    /// Takes from the whole copy what belongs to the server it was taken from, and marks it with its position; durable when this returns.
    func finish(_ position: Position) throws(ServerProblem) {
        for name in System.entries(of: paths.receiving) where Self.isForeign(name) {
            let path = paths.receiving + "/" + name
            // A directory is somebody's database, whatever its name.
            if !System.isDirectory(path) { try System.removeTree(path) }
        }
        try PositionFile.write(paths.receiving + "/" + Self.markName, position)
        try System.syncFileSystem(of: paths.receiving)
    }

    /// Logs, positions and names that hold on another server only, and what the copying program left.
    private static func isForeign(_ name: String) -> Bool {
        ["binlog.", "relay", "master", "multi-master", "xtrabackup_", "mariadb_backup_", "backup-my.cnf", "auto.cnf", "tc.log", "mariadb.pid"]
            .contains { name.hasPrefix($0) }
    }

    /// Puts the whole copy in the database's place; no server may run. What was there is kept aside.
    package func swap() throws(ServerProblem) {
        let lock = try DirectoryLock(paths)
        defer { withExtendedLifetime(lock) {} }
        guard System.exists(paths.receiving + "/" + Self.markName) else { throw .snapshotUnusable("it is not whole") }
        try System.removeTree(paths.before)
        if System.exists(paths.data) { try System.call("rename", paths.data) { rename(paths.data, paths.before) } }
        try System.call("rename", paths.receiving) { rename(paths.receiving, paths.data) }
        try System.syncFileSystem(of: paths.directory)
    }

    /// Takes the snapshot's files away again, and puts back what was there; no server may run.
    package func undo() throws(ServerProblem) {
        let lock = try DirectoryLock(paths)
        defer { withExtendedLifetime(lock) {} }
        guard System.exists(mark) else { return }
        // Renamed first: files half removed must not look like a database.
        try System.removeTree(paths.receiving)
        try System.call("rename", paths.data) { rename(paths.data, paths.receiving) }
        if System.exists(paths.before) { try System.call("rename", paths.before) { rename(paths.before, paths.data) } }
        try System.syncFileSystem(of: paths.directory)
        try System.removeTree(paths.receiving)
    }

    /// The position of the snapshot that the server runs on without knowing its position yet; nil where there is none such.
    package func pending() throws(ServerProblem) -> Position? {
        guard System.exists(mark) else { return nil }
        return try PositionFile.read(mark)
    }

    /// The server runs on the snapshot and knows its position, durably: it is an ordinary database from now on.
    package func accept() throws(ServerProblem) {
        try System.removeTree(mark)
        try System.syncFileSystem(of: paths.directory)
    }

    /// Removes what the snapshot replaced, once that is accepted; takes its time.
    package func removeReplaced() throws(ServerProblem) {
        guard !System.exists(mark) else { return }
        try System.removeTree(paths.before)
    }
}

import CSystem
import Glibc

/// Holds a data directory's snapshot files for one copy at a time: the one before may still be removing what it leaves.
final class SnapshotLock {
    private let descriptor: Int32

    /// Waits for the one before, which is at its end.
    init(_ paths: ServerPaths) throws(ServerProblem) {
        try System.makeDirectory(paths.directory)
        let descriptor = try System.call("open", paths.snapshotLock) { open(paths.snapshotLock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        self.descriptor = descriptor
        try System.call("lock", paths.snapshotLock) { flock(descriptor, LOCK_EX) }
    }

    deinit { close(descriptor) }
}

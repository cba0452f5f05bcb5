import CSystem
import Glibc

/// Holds a data directory for one node: while it lives, a server found running there is nobody else's.
/// The kernel lets go of it when the process ends, however it ends.
final class DirectoryLock {
    private let descriptor: Int32

    init(_ paths: ServerPaths) throws(ServerProblem) {
        let descriptor = try System.call("open", paths.lock) { open(paths.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw .directoryInUse(paths.directory) }
            throw .system(trying: "lock", path: paths.lock, code: code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

import Dispatch
import Glibc
import Synchronization

/// Keeps a logical snapshot's stream in a file, and compares it with what was sent: until then nothing of the database is touched.
package final class SnapshotSpool: SnapshotReceiver {
    private let directory: String
    private let digest: any StreamDigest
    private let onEvent: @Sendable (SnapshotRestore.Event) -> Void
    private let queue = DispatchQueue(label: "ddbnode.snapshot-spool")
    private let file = Mutex(File())

    private struct File {
        var descriptor: Int32 = -1
        var bytes: UInt64 = 0
        /// Nothing more is written, or told.
        var isOver = false

        mutating func close() {
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
            isOver = true
        }
    }

    /// - Parameters:
    ///   - directory: the node's data directory, absolute.
    ///   - onEvent: called on a queue of its own; it must return soon. Of the events `preparing` does not come.
    package init(directory: String, digest: any StreamDigest, onEvent: @escaping @Sendable (SnapshotRestore.Event) -> Void) {
        self.directory = directory
        self.digest = digest
        self.onEvent = onEvent
    }

    package func start() { perform { spool, paths throws(ServerProblem) in try spool.open(paths) } }
    package func give(_ piece: [UInt8]) { perform { spool, paths throws(ServerProblem) in try spool.append(piece, paths) } }
    package func finish(_ summary: SnapshotSummary) { perform { spool, paths throws(ServerProblem) in try spool.check(summary, paths) } }

    package func cancel() {
        queue.async { [self] in
            file.withLock { file in
                guard !file.isOver else { return }
                file.close()
                if let paths = try? ServerPaths(directory: directory) { try? System.removeTree(paths.spooling) }
            }
        }
    }

    private func perform(_ step: @escaping @Sendable (SnapshotSpool, ServerPaths) throws(ServerProblem) -> SnapshotRestore.Event?) {
        queue.async { [self] in
            guard !file.withLock({ $0.isOver }) else { return }
            do throws(ServerProblem) {
                if let event = try step(self, try ServerPaths(directory: directory)) { onEvent(event) }
            } catch {
                file.withLock { $0.close() }
                if let paths = try? ServerPaths(directory: directory) { try? System.removeTree(paths.spooling) }
                onEvent(.failed(error))
            }
        }
    }

    private func open(_ paths: ServerPaths) throws(ServerProblem) -> SnapshotRestore.Event? {
        // Looked for now: without it all that is received would be of no use.
        _ = try ProgramSearch.client()
        try System.writePrivate(paths.spooling, "")
        let descriptor = try System.call("open", paths.spooling) { Glibc.open(paths.spooling, O_WRONLY | O_CLOEXEC) }
        file.withLock { $0.descriptor = descriptor }
        return nil
    }

    private func append(_ piece: [UInt8], _ paths: ServerPaths) throws(ServerProblem) -> SnapshotRestore.Event? {
        let descriptor = file.withLock { $0.descriptor }
        var written = 0
        while written < piece.count {
            written += Int(
                try System.call("write", paths.spooling) {
                    Int32(clamping: piece.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) })
                })
        }
        piece.withUnsafeBytes { digest.update($0) }
        return .taken(
            file.withLock {
                $0.bytes += UInt64(piece.count)
                return $0.bytes
            })
    }

    private func check(_ claimed: SnapshotSummary, _ paths: ServerPaths) throws(ServerProblem) -> SnapshotRestore.Event? {
        try claimed.check(bytes: file.withLock { $0.bytes }, digest)
        file.withLock { $0.close() }
        try System.call("rename", paths.spooling) { rename(paths.spooling, paths.spool) }
        try System.syncFileSystem(of: paths.directory)
        return .ready(claimed.position)
    }
}

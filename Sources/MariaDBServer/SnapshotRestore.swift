package import ClusterModel
import Glibc
import Synchronization

/// Makes a data directory of a snapshot's stream, beside the database that is there: unpacks it, compares it with what was sent, has
/// mariadb-backup finish it, and leaves it ready for `SnapshotFiles.swap()`.
///
/// It has one life: `start()`, `give()` for each piece, `finish()`; or `cancel()` at any time, which removes what there is. What was given and
/// not yet `taken` waits in memory: whoever gives must keep that small. All work is done on a thread of its own.
package final class SnapshotRestore: Sendable {
    package enum Event: Sendable, Equatable {
        /// So many of the bytes given have gone to the unpacking program, from the first on.
        case taken(UInt64)
        /// All is unpacked and is what was sent; the program that makes it consistent runs.
        case preparing
        /// The copy is whole and on disk.
        case ready(Position)
        /// The copy is gone.
        case failed(ServerProblem)
    }

    private enum Command: Sendable {
        case piece([UInt8])
        case finish(SnapshotSummary)
    }

    private static let pipeBytes: Int32 = 1 << 20
    /// How much comes until the system is told to write it to the disk. It would begin much later by itself, and the end would wait for all of it.
    /// With many files it is more, as each is looked at then.
    private static let writeOutBytes: UInt64 = 64 << 20
    private static let writeOutBytesPerFile: UInt64 = 64 << 10

    private let directory: String
    private let digest: any StreamDigest
    private let onEvent: @Sendable (Event) -> Void
    private let stop = StopRequest()
    private let inbox = Inbox()

    private final class Inbox: Sendable {
        let commands = Mutex<[Command]>([])
        let signal = Signal()
    }

    /// - Parameters:
    ///   - directory: the node's data directory, absolute.
    ///   - onEvent: called on the restore's thread; it must return soon.
    package init(directory: String, digest: any StreamDigest, onEvent: @escaping @Sendable (Event) -> Void) {
        self.directory = directory
        self.digest = digest
        self.onEvent = onEvent
    }

    deinit { stop.make() }

    /// Begins. Call it once.
    package func start() {
        let (directory, digest, stop, inbox, onEvent) = (directory, digest, stop, inbox, onEvent)
        SpawningThread.run(failed: { onEvent(.failed($0)) }) { () throws(ServerProblem) in
            try Work(files: try SnapshotFiles(directory: directory), digest: digest, stop: stop, inbox: inbox, report: onEvent).run()
        }
    }

    package func give(_ piece: [UInt8]) { send(.piece(piece)) }

    /// That was all; it must be what `summary` says.
    package func finish(_ summary: SnapshotSummary) { send(.finish(summary)) }

    /// Ends at once, and removes the copy unless it was `ready`.
    package func cancel() { stop.make() }

    private func send(_ command: Command) {
        inbox.commands.withLock { $0.append(command) }
        inbox.signal.make()
    }

    /// What one restore does, in order, on its thread.
    private struct Work {
        let files: SnapshotFiles
        let digest: any StreamDigest
        let stop: StopRequest
        let inbox: Inbox
        let report: (Event) -> Void

        func run() throws(ServerProblem) {
            let lock = try SnapshotLock(paths)
            defer { withExtendedLifetime(lock) {} }
            do throws(ServerProblem) {
                try files.prepare()
                guard let summary = try unpack(), try makeConsistent(summary) else { return try files.discard() }
                report(.ready(summary.position))
            } catch {
                try? files.discard()
                throw error
            }
        }

        private var paths: ServerPaths { files.paths }

        /// Nil when it is to stop.
        private func unpack() throws(ServerProblem) -> SnapshotSummary? {
            let program = try ProgramSearch.unpacker()
            // Looked for now: without it all that is received would be of no use.
            _ = try ProgramSearch.backup()
            let log = try newLog()
            let pipe = try PipeEnd.pair(bytes: SnapshotRestore.pipeBytes)
            let child = try ChildProcess(
                program, ["-x", "-C", paths.receiving], in: paths.receiving, input: pipe.reading.descriptor, log: log)
            pipe.reading.close()
            pipe.writing.makeNonBlocking()
            guard let (claimed, found) = try feed(pipe.writing, child, log) else {
                child.end(graceMs: 0)
                return nil
            }
            pipe.writing.close()
            guard child.wait(stop: stop, untilMs: .max) == .exit else {
                child.end(graceMs: 0)
                return nil
            }
            let how = child.reap()
            guard how == ChildProcess.success else { throw .snapshotFailed(program: "mbstream", how: how, lastLogLines: log.lastLines()) }
            try claimed.check(bytes: found, digest)
            return claimed
        }

        private func newLog() throws(ServerProblem) -> ServerLog {
            try System.removeTree(paths.snapshotLog)
            return try ServerLog(path: paths.snapshotLog)
        }

        /// Passes the pieces on, until the last; nil when it is to stop.
        private func feed(_ pipe: PipeEnd, _ child: ChildProcess, _ log: ServerLog) throws(ServerProblem) -> (SnapshotSummary, UInt64)? {
            var taken: UInt64 = 0
            var writesOutAt = SnapshotRestore.writeOutBytes
            while inbox.signal.take(orStop: stop) {
                guard let command = inbox.commands.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { continue }
                switch command {
                case .finish(let summary): return (summary, taken)
                case .piece(let piece):
                    guard try write(piece, pipe, child, log) else { return nil }
                    taken += UInt64(piece.count)
                    if taken >= writesOutAt {
                        let files = UInt64(System.beginSync(of: paths.receiving))
                        writesOutAt = taken + max(SnapshotRestore.writeOutBytes, files * SnapshotRestore.writeOutBytesPerFile)
                    }
                    report(.taken(taken))
                }
            }
            return nil
        }

        private func write(_ piece: [UInt8], _ pipe: PipeEnd, _ child: ChildProcess, _ log: ServerLog) throws(ServerProblem) -> Bool {
            let result = piece.withUnsafeBytes { bytes in
                Result { () throws(ServerProblem) in
                    digest.update(bytes)
                    var written = 0
                    while written < bytes.count {
                        switch try pipe.write(UnsafeRawBufferPointer(rebasing: bytes[written...]), stop: stop) {
                        case .moved(let count): written += count
                        case .stop: return false
                        case .over: throw .snapshotFailed(program: "mbstream", how: child.reap(), lastLogLines: log.lastLines())
                        }
                    }
                    return true
                }
            }
            return try result.get()
        }

        /// False when it is to stop.
        private func makeConsistent(_ summary: SnapshotSummary) throws(ServerProblem) -> Bool {
            report(.preparing)
            let log = try newLog()
            let child = try ChildProcess(
                try ProgramSearch.backup(), ["--no-defaults", "--prepare", "--target-dir=\(paths.receiving)", "--tmpdir=\(paths.receiving)"],
                in: paths.receiving, log: log)
            guard child.wait(stop: stop, untilMs: .max) == .exit else {
                child.end(graceMs: 0)
                return false
            }
            try SnapshotLog.check(log, program: "mariadb-backup --prepare", how: child.reap())
            let told = System.read(paths.receiving + "/xtrabackup_binlog_info", bytesMax: 4096).map { String(decoding: $0, as: UTF8.self) } ?? ""
            guard let position = SnapshotLog.position(info: told) else { throw .snapshotUnusable("xtrabackup_binlog_info holds no position") }
            guard position == summary.position else { throw .snapshotUnusable("it is at \(position), not at \(summary.position)") }
            try files.finish(position)
            return !stop.isMade
        }
    }
}

import ClusterModel
import Glibc
import Synchronization

/// Where a running server is, and how a copy of it is made.
package struct SnapshotSourceOptions: Sendable {
    package enum Kind: Sendable, Equatable {
        /// Of the private server's files, by mariadb-backup.
        case physical
        /// Statements, by mariadb-dump. Nothing may be applied meanwhile where the server is a replica.
        case logical
    }

    /// The node's data directory, absolute.
    package var directory: String
    /// An account that may do everything.
    package var login: ServerLogin
    package var kind = Kind.physical
    /// The server is a replica, whose position is exact only while it applies nothing: mariadb-backup stops that, and starts it again at its end.
    package var isReplica = false
    /// How many files are copied at a time.
    package var parallel = 2

    package init(directory: String, login: ServerLogin) {
        self.directory = directory
        self.login = login
    }
}

/// A copy of the running server as a stream, a piece at a time: by mariadb-backup its files as they are at the end of the copy, by mariadb-dump
/// statements that make its databases as they are at the copy's beginning.
///
/// It has one life: `start()`, then `next()` for each piece, until `finished` or `failed`. A piece is read only when it is asked for, so the
/// program waits at its pipe for whoever takes the stream. All work is done on a thread of its own; letting go of it ends the program.
/// Sources: https://mariadb.com/kb/en/mariabackup/ https://mariadb.com/kb/en/mariadb-dump/
package final class SnapshotSource: Sendable {
    package enum Event: Sendable, Equatable {
        /// The answer to one `next()`; never empty.
        case piece([UInt8])
        /// Also the answer to a `next()`: all was given, and the program says that it is right.
        case finished(SnapshotSummary)
        /// Nothing follows.
        case failed(ServerProblem)
    }

    package static let pieceBytesMax = 256 << 10
    private static let pipeBytes: Int32 = 1 << 20

    private let options: SnapshotSourceOptions
    private let digest: any StreamDigest
    private let onEvent: @Sendable (Event) -> Void
    private let stop = StopRequest()
    private let asked = Signal()

    /// - Parameter onEvent: called on the source's thread; it must return soon.
    package init(_ options: SnapshotSourceOptions, digest: any StreamDigest, onEvent: @escaping @Sendable (Event) -> Void) {
        self.options = options
        self.digest = digest
        self.onEvent = onEvent
    }

    deinit { stop.make() }

    /// Begins the copy. Call it once.
    package func start() {
        let (options, digest, stop, asked, onEvent) = (options, digest, stop, asked, onEvent)
        SpawningThread.run(failed: { onEvent(.failed($0)) }) { () throws(ServerProblem) in
            try SnapshotCopy(options: options, digest: digest, stop: stop, asked: asked, report: onEvent).run()
        }
    }

    /// Asks for one more event.
    package func next() { asked.make() }

    /// Ends the copy at once; nothing more is reported for sure but what is under way.
    package func cancel() { stop.make() }

    /// What one copy does, in order, on its thread.
    private struct SnapshotCopy {
        let options: SnapshotSourceOptions
        let digest: any StreamDigest
        let stop: StopRequest
        let asked: Signal
        let report: (Event) -> Void

        func run() throws(ServerProblem) {
            let paths = try ServerPaths(directory: options.directory)
            let program = try options.kind == .physical ? ProgramSearch.backup() : ProgramSearch.dump()
            let lock = try SnapshotLock(paths)
            defer { withExtendedLifetime(lock) {} }
            try System.removeTree(paths.copying)
            try System.makeDirectory(paths.copying)
            defer { try? System.removeTree(paths.copying) }
            let login = paths.copying + "/login.cnf"
            // Not on the command line, which every user of the machine can read.
            try System.writePrivate(login, try options.login.file())
            try System.removeTree(paths.snapshotLog)
            let log = try ServerLog(path: paths.snapshotLog)
            let pipe = try PipeEnd.pair(bytes: SnapshotSource.pipeBytes)
            let child = try ChildProcess(
                program, arguments(paths, login), in: paths.copying, output: pipe.writing.descriptor, log: log)
            pipe.writing.close()
            pipe.reading.makeNonBlocking()
            var tail = DumpTail()
            guard let bytes = try pass(pipe.reading, &tail) else { return child.end(graceMs: 0) }
            let how = child.reap()
            let position = try options.kind == .physical ? backupPosition(log, how) : dumpPosition(log, how, tail)
            report(.finished(SnapshotSummary(bytes: bytes, digest: digest.value(), position: position)))
        }

        private func arguments(_ paths: ServerPaths, _ login: String) -> [String] {
            switch options.kind {
            case .physical:
                [
                    "--defaults-file=\(login)", "--backup", "--stream=mbstream", "--parallel=\(options.parallel)", "--target-dir=\(paths.copying)",
                    "--tmpdir=\(paths.copying)",
                ] + (options.isReplica ? ["--safe-slave-backup"] : [])
            case .logical: ["--defaults-file=\(login)"] + DumpTail.dumpArguments
            }
        }

        private func backupPosition(_ log: ServerLog, _ how: String) throws(ServerProblem) -> Position {
            try SnapshotLog.check(log, program: "mariadb-backup --backup", how: how)
            guard let position = SnapshotLog.position(log) else { throw .snapshotUnusable("mariadb-backup told no position") }
            return position
        }

        private func dumpPosition(_ log: ServerLog, _ how: String, _ tail: DumpTail) throws(ServerProblem) -> Position {
            guard how == ChildProcess.success else { throw .snapshotFailed(program: "mariadb-dump", how: how, lastLogLines: log.lastLines()) }
            guard let position = tail.position else { throw .snapshotUnusable("mariadb-dump told no position, or not that it is complete") }
            return position
        }

        /// Hands the stream out; how long it was, or nil when it is to stop.
        private func pass(_ pipe: PipeEnd, _ tail: inout DumpTail) throws(ServerProblem) -> UInt64? {
            var total: UInt64 = 0
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SnapshotSource.pieceBytesMax, alignment: 16)
            defer { buffer.deallocate() }
            while asked.take(orStop: stop) {
                var filled = 0
                var isOver = false
                fill: while filled < buffer.count {
                    switch try pipe.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), stop: stop) {
                    case .moved(let count): filled += count
                    case .stop: return nil
                    case .over:
                        isOver = true
                        break fill
                    }
                }
                // The one event asked for is then the end.
                if filled == 0, isOver { return total }
                let piece = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
                digest.update(piece)
                tail.append(piece)
                total += UInt64(filled)
                report(.piece(Array(piece)))
            }
            return nil
        }
    }
}

import ClusterModel
import Glibc
import MariaDBServer
import Synchronization
import Testing

/// A digest good enough for tests: FNV-1a.
private final class Checksum: StreamDigest {
    private let hash = Mutex(UInt64(0xcbf2_9ce4_8422_2325))

    func update(_ bytes: UnsafeRawBufferPointer) { hash.withLock { for byte in bytes { $0 = ($0 ^ UInt64(byte)) &* 0x100_0000_01b3 } } }
    func value() -> [UInt8] { withUnsafeBytes(of: hash.withLock { $0 }) { Array($0) } }
}

/// A snapshot on its way from one directory to another, a piece at a time.
private final class Passage: Sendable {
    private struct Told {
        var received: [SnapshotSource.Event] = []
        var restored: [SnapshotRestore.Event] = []
        var bytes = 0
    }

    private let told = Mutex(Told())
    private let ends = Mutex<(source: SnapshotSource, restore: SnapshotRestore)?>(nil)

    /// `change` may alter what is claimed of the stream at its end.
    static func begin(
        from options: SnapshotSourceOptions, to directory: String, change: @escaping @Sendable (SnapshotSummary) -> SnapshotSummary = { $0 }
    ) -> Passage {
        let passage = Passage()
        let restore = SnapshotRestore(directory: directory, digest: Checksum()) { [weak passage] in passage?.heard($0) }
        let source = SnapshotSource(options, digest: Checksum()) { [weak passage] in passage?.heard($0, change) }
        passage.ends.withLock { $0 = (source, restore) }
        restore.start()
        source.start()
        source.next()
        return passage
    }

    private func heard(_ event: SnapshotSource.Event, _ change: (SnapshotSummary) -> SnapshotSummary) {
        told.withLock {
            if case .piece(let piece) = event { $0.bytes += piece.count } else { $0.received.append(event) }
        }
        ends.withLock { ends in
            switch event {
            case .piece(let piece): ends?.restore.give(piece)
            case .finished(let summary): ends?.restore.finish(change(summary))
            case .failed: ends?.restore.cancel()
            }
        }
    }

    private func heard(_ event: SnapshotRestore.Event) {
        if case .taken = event { ends.withLock { $0?.source.next() } } else { told.withLock { $0.restored.append(event) } }
    }

    func cancel() {
        ends.withLock {
            $0?.source.cancel()
            $0?.restore.cancel()
        }
    }

    var bytes: Int { told.withLock { $0.bytes } }

    /// How it ended: the position, or why not.
    func end(within seconds: Double = 60, at location: SourceLocation = #_sourceLocation) async throws -> Result<Position, ServerProblem> {
        let found = try await eventually(seconds) { () -> Result<Position, ServerProblem>? in
            told.withLock { told in
                for case .failed(let problem) in told.received { return .failure(problem) }
                for event in told.restored {
                    if case .failed(let problem) = event { return .failure(problem) }
                    if case .ready(let position) = event { return .success(position) }
                }
                return nil
            }
        }
        return try #require(found, "no end after \(bytes) bytes", sourceLocation: location)
    }
}

@Suite(.serialized)
struct SnapshotTests {
    private static let administrator = ServerAccount(name: "admin", password: "a b'c", privileges: ["ALL PRIVILEGES ON *.*"])

    private func options(_ lab: Lab) -> PrivateServerOptions {
        var options = lab.options()
        options.accounts.append(Self.administrator)
        return options
    }

    private func source(_ running: RunningServer, _ lab: Lab) -> SnapshotSourceOptions {
        SnapshotSourceOptions(
            directory: lab.directory,
            login: ServerLogin(.socket(running.socket), user: Self.administrator.name, password: Self.administrator.password))
    }

    /// A server with some data, in a directory of its own.
    private func filled(_ lab: Lab) async throws -> (Watched, RunningServer) {
        let watched = Watched(options(lab))
        let running = try await watched.ready()
        let sql =
            "CREATE DATABASE relay_x; CREATE TABLE relay_x.t (a INT PRIMARY KEY, b LONGTEXT); INSERT INTO relay_x.t SELECT seq, REPEAT(MD5(seq), 300) FROM relay_x.seq_1_to_3000"
        try #require(lab.sql(sql, as: "root").code == 0)
        return (watched, running)
    }

    private func listing(_ lab: Lab) -> String { Lab.shell("ls '\(lab.directory)'").output }

    @Test func `a copy of a running server is a server's data directory with the same rows, and knows its position`() async throws {
        let (lab, other) = (try Lab(), try Lab())
        let (watched, running) = try await filled(lab)
        let passage = Passage.begin(from: source(running, lab), to: other.directory)
        let position = try await passage.end().get()
        #expect("\(position)" == "0-7-3" && passage.bytes > 20 << 20)
        #expect(try await eventually(5) { Lab.shell("ls '\(lab.directory)'").output.contains("copying") ? nil : true } == true)
        #expect(listing(other).contains("mariadb.receiving\n") && !listing(other).contains("mariadb\n"))
        let files = try SnapshotFiles(directory: other.directory)
        try files.swap()
        #expect(try files.pending() == position)
        let copy = Watched(options(other))
        _ = try await copy.ready()
        #expect(!copy.all.contains(.creating))
        let sql = "SELECT COUNT(*), SUM(CRC32(b)) FROM relay_x.t"
        #expect(other.sql(sql, as: "root").output == lab.sql(sql, as: "root").output)
        #expect(other.sql("SELECT @@gtid_binlog_pos, @@gtid_slave_pos", as: "root").output == "\t\n")
        try files.accept()
        #expect(try files.pending() == nil)
        for server in [watched, copy] { try await server.stop() }
    }

    @Test func `a stream that is not what was sent is thrown away`() async throws {
        let (lab, other) = (try Lab(), try Lab())
        let (watched, running) = try await filled(lab)
        let passage = Passage.begin(from: source(running, lab), to: other.directory) {
            SnapshotSummary(bytes: $0.bytes, digest: $0.digest.map { $0 ^ 1 }, position: $0.position)
        }
        guard case .failure(.snapshotUnusable(let words)) = try await passage.end() else {
            Issue.record("it was taken")
            return
        }
        #expect(words.contains("digest"))
        #expect(!listing(other).contains("receiving"))
        try await watched.stop()
    }

    @Test func `who does not take the stream holds the program up, and a stop ends it and leaves nothing`() async throws {
        let (lab, other) = (try Lab(), try Lab())
        let (watched, running) = try await filled(lab)
        let bytes = Mutex(0)
        let source = SnapshotSource(source(running, lab), digest: Checksum()) { event in
            if case .piece(let piece) = event { bytes.withLock { $0 += piece.count } }
        }
        source.start()
        for count in 1...3 {
            source.next()
            #expect(try await eventually(30) { bytes.withLock { $0 } == count * SnapshotSource.pieceBytesMax ? true : nil } == true)
        }
        func isRunning() -> Bool {
            Lab.shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").output.contains("--target-dir=\(lab.directory)/mariadb.copying")
        }
        #expect(isRunning())
        source.cancel()
        #expect(try await eventually(10) { isRunning() ? nil : true } == true)
        #expect(try await eventually(10) { listing(lab).contains("copying") ? nil : true } == true)
        #expect(bytes.withLock { $0 } == 3 * SnapshotSource.pieceBytesMax)
        let restore = SnapshotRestore(directory: other.directory, digest: Checksum()) { _ in }
        restore.start()
        #expect(try await eventually(10) { listing(other).contains("receiving") ? true : nil } == true)
        restore.cancel()
        #expect(try await eventually(10) { listing(other).contains("receiving") ? nil : true } == true)
        try await watched.stop()
    }

    @Test func `a login that the server refuses is told in the program's words`() async throws {
        let (lab, other) = (try Lab(), try Lab())
        let (watched, running) = try await filled(lab)
        var wrong = source(running, lab)
        wrong.login.password = "wrong"
        guard case .failure(let problem) = try await Passage.begin(from: wrong, to: other.directory).end() else {
            Issue.record("it was let in")
            return
        }
        #expect("\(problem)".contains("Access denied") && !"\(problem)".contains("wrong"), "\(problem)")
        try await watched.stop()
    }
}

struct SnapshotFilesTests {
    private func make(_ lab: Lab, _ paths: [String]) {
        for path in paths { _ = Lab.shell("mkdir -p '\(lab.directory)/\(path)' && echo 0-1-5 > '\(lab.directory)/\(path)/ddbnode.snapshot'") }
    }

    private func listing(_ lab: Lab) -> String { Lab.shell("ls '\(lab.directory)' | grep -v lock").output }

    @Test func `what is replaced is kept until the new files are accepted`() throws {
        let lab = try Lab()
        make(lab, ["mariadb.receiving"])
        _ = Lab.shell("mkdir '\(lab.directory)/mariadb' && touch '\(lab.directory)/mariadb/old'")
        let files = try SnapshotFiles(directory: lab.directory)
        #expect(try files.pending() == nil)
        try files.swap()
        #expect(listing(lab) == "mariadb\nmariadb.before\n")
        #expect(try files.pending() == Position(list: "0-1-5"))
        try files.removeReplaced()
        #expect(listing(lab) == "mariadb\nmariadb.before\n", "not before it is accepted")
        try files.accept()
        try files.removeReplaced()
        #expect(listing(lab) == "mariadb\n")
    }

    @Test func `a snapshot that does not start gives way to what was there`() throws {
        let lab = try Lab()
        make(lab, ["mariadb.receiving"])
        _ = Lab.shell("mkdir '\(lab.directory)/mariadb' && touch '\(lab.directory)/mariadb/old'")
        let files = try SnapshotFiles(directory: lab.directory)
        try files.swap()
        try files.undo()
        #expect(listing(lab) == "mariadb\n" && Lab.shell("ls '\(lab.directory)/mariadb'").output == "old\n")
    }

    @Test func `a copy that is not whole replaces nothing`() throws {
        let lab = try Lab()
        _ = Lab.shell("mkdir -p '\(lab.directory)/mariadb.receiving' '\(lab.directory)/mariadb'")
        #expect(throws: ServerProblem.self) { try SnapshotFiles(directory: lab.directory).swap() }
        #expect(listing(lab) == "mariadb\nmariadb.receiving\n")
    }
}

import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Glibc
import MariaDBConnector
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

/// A binlog as a tap hears it: a format description, then whole transactions.
struct Recording: Sendable {
    let format: FormatDescription
    let transactions: [Transaction]

    struct Transaction: Sendable {
        let gtid: GTID
        let bytes: [UInt8]

        var append: JournalCommand { .append(bytes, through: gtid, wholeBytes: bytes.count) }
    }

    /// What a real server writes for a table and `count` rows of `bytes` each.
    static func make(_ count: Int, bytes: Int = 40) async throws -> Recording {
        try await withServerGiving { server in
            try await server.sql("CREATE TABLE test.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGBLOB)")
            for _ in 1..<count { try await server.sql("INSERT INTO test.t (a) VALUES (REPEAT('x', \(bytes)))") }
            let recorder = Recorder()
            let target = server.target()
            try await onLoop { recorder.begin($0, target) }
            try await until("the last transaction") { recorder.transactions.count == count }
            return try await onLoop { _ in try recorder.finish() }
        }
    }

    private static func withServerGiving<T: Sendable>(_ body: (TestServer) async throws -> T) async throws -> T {
        var value: T?
        try await withServer { value = try await body($0) }
        guard let value else { throw Incomplete() }
        return value
    }

    private struct Incomplete: Error {}

    @LoopActor private final class Recorder {
        private var tap: BinlogTap?
        private var groups = GroupTracker()
        private var format: FormatDescription?
        private var open: [UInt8] = []
        var transactions: [Transaction] = []
        var fault: BinlogError?

        nonisolated init() {}

        func begin(_ loop: EventLoop, _ target: DatabaseTarget) {
            tap = BinlogTap(loop, target, after: .start, serverID: 900, name: "recorder") { event, _ in
                do throws(BinlogError) { try self.take(event) } catch { self.fault = error }
                return true
            } ended: { _ in
            }
        }

        private func take(_ event: UnsafeRawBufferPointer) throws(BinlogError) {
            switch try groups.received(event) {
            case .formatDescription: if format == nil { format = try FormatDescription(event: event, checksum: Digests.crc32) }
            case .groupBegan: open = Array(event)
            case .groupContinued: open += event
            case .groupEnded(let gtid):
                transactions.append(Transaction(gtid: gtid, bytes: open + event))
                open = []
            case .ignored: break
            }
        }

        func finish() throws -> Recording {
            tap?.close()
            if let fault { throw fault }
            guard let format else { throw Incomplete() }
            return Recording(format: format, transactions: transactions)
        }
    }
}

/// Bytes of a file, and back.
enum File {
    static func read(_ path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = Glibc.read(descriptor, &chunk, chunk.count), count > 0 { all += chunk[..<count] }
        return all
    }

    static func write(_ bytes: some Collection<UInt8>, to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = Array(bytes).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }
}

/// Runs `body` while no file may grow beyond `bytes`.
func withFileSizeLimit<T>(_ bytes: Int, _ body: () throws -> T) throws -> T {
    signal(SIGXFSZ, SIG_IGN)
    let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    var old = rlimit()
    getrlimit(resource, &old)
    var new = rlimit(rlim_cur: rlim_t(bytes), rlim_max: old.rlim_max)
    setrlimit(resource, &new)
    defer { setrlimit(resource, &old) }
    return try body()
}

extension JournalFiles {
    /// Writes and syncs, as one step.
    func perform(_ commands: [JournalCommand]) -> JournalProblem? { write(commands, failures: failures) ?? makeDurable() }
}

/// Transactions of several masters, made by hand.
enum Made {
    /// `node`'s in `epoch`: the first that a master writes, but with any sequence.
    static func transaction(_ epoch: UInt64, _ node: UInt32, _ sequence: UInt64) throws -> Recording.Transaction {
        let writer = NodeID(rawValue: node).flatMap { WriterID(epoch: Epoch(rawValue: epoch), node: $0) }
        let gtid = try #require(writer.map { GTID(domain: 0, server: $0.server, sequence: sequence) })
        return Recording.Transaction(gtid: gtid, bytes: try #require(EpochMarker.group(gtid, timestamp: 1_800_000_000, checksum: Digests.crc32)))
    }

    /// Three of node 1, two of node 2 in the second epoch, one of node 1 in the fourth, two of node 3 in the fifth.
    static func history() throws -> [Recording.Transaction] {
        try [(1, 1, 1), (1, 1, 2), (1, 1, 3), (2, 2, 4), (2, 2, 5), (4, 1, 6), (5, 3, 7), (5, 3, 8)].map(transaction)
    }

    /// What a file says at its head, and that all of it is sound.
    static func scan(_ path: String) throws -> JournalSummary {
        var scanner = JournalScanner(checksum: Digests.crc32)
        try File.read(path).withUnsafeBytes { try scanner.scan($0) }
        return scanner.summary
    }

    /// The transactions that `mariadb-binlog` finds in files.
    static func gtids(_ paths: [String]) throws -> [GTID] {
        let read = ProcessFacts.shell("mariadb-binlog --no-defaults --verify-binlog-checksum " + paths.map { "'\($0)'" }.joined(separator: " "))
        guard read.code == 0 else { throw Unreadable(words: read.output) }
        return read.output.split(separator: "\n").compactMap { line in
            line.firstRange(of: "\tGTID ").flatMap { GTID(line[$0.upperBound...].prefix { $0 != " " }) }
        }
    }

    private struct Unreadable: Error { let words: String }
}

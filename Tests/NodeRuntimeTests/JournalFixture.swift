import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Glibc
import MariaDBConnector
import Replication
import TestSupport

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

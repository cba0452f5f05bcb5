import Dispatch
import Glibc
import Synchronization
import Testing

/// Writers on the master, each on a connection of its own, who remember what was acknowledged; besides them somebody who changes definitions.
///
/// A row is tried once: one that got no answer may be there or not, but never twice.
final class Load: Sendable {
    private struct Told {
        var acknowledged: Set<String> = []
        var tried: Set<String> = []
    }

    private let port: UInt16
    private let isOver = Atomic(false)
    private let told = Mutex(Told())
    private let group = DispatchGroup()

    init(on master: NodeProcess, writers: Int = 3) throws {
        port = master.port
        let client = try master.connect()
        try client.ok("CREATE DATABASE IF NOT EXISTS w")
        try client.ok(
            "CREATE TABLE IF NOT EXISTS w.rows (id BIGINT AUTO_INCREMENT PRIMARY KEY, tag VARCHAR(40) NOT NULL, at DATETIME(6), r DOUBLE, KEY (tag))")
        for writer in 0..<writers { begin { self.write(writer) } }
        begin { self.define() }
    }

    private func begin(_ work: @escaping @Sendable () -> Void) { DispatchQueue(label: "load").async(group: group, execute: work) }

    var acknowledged: Int { told.withLock { $0.acknowledged.count } }

    private func connected(_ work: (Client) throws -> Void) {
        while !isOver.load(ordering: .relaxed) {
            do { try work(try Client(port: port, timeout: 20)) } catch { usleep(20000) }
        }
    }

    /// One row, or a transaction of three: acknowledged together.
    private func write(_ writer: Int) {
        var number = 0
        connected { client in
            while !isOver.load(ordering: .relaxed) {
                let tags = (0..<(number % 4 == 0 ? 3 : 1)).map { "\(writer)-\(number)-\($0)" }
                number += 1
                told.withLock { $0.tried.formUnion(tags) }
                let statements = tags.map { "INSERT INTO w.rows (tag, at, r) VALUES ('\($0)', NOW(6), RAND())" }
                let all = tags.count == 1 ? statements : ["BEGIN"] + statements + ["COMMIT"]
                for sql in all {
                    let reply = try client.run(sql)
                    if let error = reply.error { throw NotInTime(description: error.message) }
                }
                told.withLock { $0.acknowledged.formUnion(tags) }
            }
        }
    }

    private func define() {
        var number = 0
        connected { client in
            while !isOver.load(ordering: .relaxed) {
                number += 1
                let table = "w.d\(number % 5)"
                // Any of these may find what an interrupted one left.
                for sql in [
                    "CREATE OR REPLACE TABLE \(table) (a INT PRIMARY KEY)", "INSERT INTO \(table) SELECT seq FROM seq_1_to_20",
                    "ALTER TABLE \(table) ADD COLUMN b DOUBLE DEFAULT 1", "UPDATE \(table) SET b = RAND()",
                    number % 2 == 0 ? "TRUNCATE TABLE \(table)" : "ALTER TABLE \(table) ENGINE=InnoDB",
                ] { _ = try client.run(sql) }
            }
        }
    }

    /// Ends the writing; then what was acknowledged must be there once, and nothing twice.
    func finish(on cluster: Cluster) throws {
        isOver.store(true, ordering: .relaxed)
        try #require(group.wait(timeout: .now() + 60) == .success, "the writers end")
        let found = try cluster.master.connect().ok("SELECT tag, COUNT(*) FROM w.rows GROUP BY tag").rows
        let counts = Dictionary(uniqueKeysWithValues: found.map { ($0[0] ?? "", $0[1] ?? "") })
        let told = told.withLock { $0 }
        let lost = told.acknowledged.filter { counts[$0] == nil }
        try #require(lost.isEmpty, "\(lost.count) of \(told.acknowledged.count) acknowledged rows are lost: \(lost.prefix(5))")
        try #require(counts.allSatisfy { $0.value == "1" }, "rows are there more than once")
        try #require(counts.keys.allSatisfy { told.tried.contains($0) })
        try #require(told.acknowledged.count > 100, "only \(told.acknowledged.count) rows were written")
    }
}

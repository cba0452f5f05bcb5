import ClusterModel
import EventLoop
import MariaDBConnector
import MySQLProtocol
import TestSupport
import Testing

@Suite(.serialized, .server)
struct StatementTests {
    private let server: TestServer

    init() throws { server = try #require(TestServer.shared) }

    @Test func `values come back as they are: NULL, empty, binary, every byte`() async throws {
        let connection = try await open(server.target())
        let bytes = (0...255).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let outcome = try await connection.run("SELECT NULL AS a, '' AS b, X'\(bytes)' AS c, 18446744073709551615 AS d, 'ä€😀' AS e")
        #expect(outcome.error == nil && outcome.ends.count == 1)
        #expect(outcome.columns.map { String(decoding: $0.name, as: UTF8.self) } == ["a", "b", "c", "d", "e"])
        #expect(outcome.columns[2].charset == 63 && outcome.columns[4].charset != 63)
        #expect(outcome.rows == [[nil, [], Array(0...255), Array("18446744073709551615".utf8), Array("ä€😀".utf8)]])
        try await connection.end()
    }

    @Test func `a statement without rows tells what it changed`() async throws {
        let connection = try await open(server.target())
        _ = try await connection.run("CREATE OR REPLACE TABLE test.changed (id INT AUTO_INCREMENT PRIMARY KEY, a TINYINT)")
        let inserted = try await connection.run("INSERT INTO test.changed (a) VALUES (1), (2), (3)")
        #expect(inserted.ends.first?.affected == 3 && inserted.ends.first?.insertID == 1 && inserted.columns.isEmpty)
        let cut = try await connection.run("INSERT IGNORE INTO test.changed (a) VALUES (1000)")
        #expect(cut.ends.first?.warnings == 1)
        let none = try await connection.run("SELECT * FROM test.changed WHERE a = 99")
        #expect(none.columns.count == 2 && none.rowCount == 0 && none.ends.count == 1)
        try await connection.end()
    }

    @Test(arguments: ["", "SELEC", "SELECT * FROM test.nowhere", "DO 1/0; DO 2"])
    func `an error leaves the connection usable`(_ sql: String) async throws {
        let connection = try await open(server.target())
        let outcome = try await connection.run(sql)
        let error = try #require(outcome.error)
        #expect(error.number >= 1000 && error.number < 2000 && error.state.utf8.count == 5 && !error.message.isEmpty)
        #expect(try await connection.run("SELECT 1").text == [["1"]])
        try await connection.end()
    }

    @Test func `an error on a late row comes after the rows before it`() async throws {
        let connection = try await open(server.target())
        let outcome = try await connection.run(
            "SELECT seq, IF(seq = 200000, (SELECT 1 UNION SELECT 2), seq) FROM test.seq_1_to_300000")
        #expect(outcome.error?.number == 1242)
        #expect(outcome.rowCount > 1000 && outcome.rowCount < 200_000 && outcome.ends.isEmpty)
        #expect(try await connection.run("SELECT 1").text == [["1"]])
        try await connection.end()
    }

    @Test func `a statement of thirty megabytes arrives whole`() async throws {
        let connection = try await open(server.target())
        let text = String(repeating: "0123456789abcdef", count: 30 << 16)
        let outcome = try await connection.run("SELECT LENGTH('\(text)'), MD5('\(text.prefix(16))')")
        #expect(outcome.text == [["\(30 << 20)", "4032af8d61035123906e58e067140cc5"]])
        try await connection.end()
    }

    @Test func `a value of thirty megabytes arrives whole`() async throws {
        let connection = try await open(server.target())
        let outcome = try await connection.run("SELECT REPEAT('0123456789abcdef', \(30 << 16))")
        #expect(outcome.rows.first?.first??.count == 30 << 20)
        try await connection.end()
    }

    @Test func `half a million rows stream past a sink that pauses, and the loop stays responsive`() async throws {
        let connection = try await open(server.target())
        let sink = Gatherer()
        let pulse = try await onLoop { Pulse($0) }
        try await onLoop { loop in
            sink.rowsKept = 0
            sink.onRow = { number in
                guard number % 40_000 == 0 else { return true }
                loop.after(milliseconds: 2) { connection.resume() }
                return false
            }
            pulse.beat()
        }
        let outcome = try await connection.run("SELECT seq, REPEAT('x', 50) FROM test.seq_1_to_500000", sink)
        #expect(outcome.error == nil && outcome.rowCount == 500_000 && outcome.ends.count == 1)
        try await onLoop { _ in pulse.isOver = true }
        #expect(await pulse.longestMs < 200)
        #expect(try await connection.run("SELECT 1").text == [["1"]])
        try await connection.end()
    }

    /// Measures how long the loop was kept from a timer.
    @LoopActor private final class Pulse {
        private let loop: EventLoop
        private var lastMs = EventLoop.nowMs()
        var longestMs = 0
        var isOver = false

        init(_ loop: EventLoop) { self.loop = loop }

        func beat() {
            let now = EventLoop.nowMs()
            longestMs = max(longestMs, now - lastMs)
            lastMs = now
            if !isOver { loop.after(milliseconds: 1) { self.beat() } }
        }
    }

    @Test func `a sink that pauses hears nothing until it resumes`() async throws {
        let connection = try await open(server.target())
        let sink = Gatherer()
        let over: LoopFlag = LoopFlag()
        try await onLoop { _ in
            sink.onRow = { $0 != 3 }
            sink.whenOver = { _ in over.isSet = true }
            connection.execute(Array("SELECT seq FROM test.seq_1_to_10".utf8), sink)
        }
        try await until("the third row") { sink.outcome.rowCount == 3 }
        let _: Bool = try await answer { loop, done in loop.after(milliseconds: 30) { done(true) } }
        #expect(await sink.outcome.rowCount == 3)
        #expect(await !connection.isIdle)
        try await onLoop { _ in connection.resume() }
        try await until("the end") { over.isSet }
        #expect(await sink.outcome.rowCount == 10)
        try await connection.end()
    }

    @LoopActor private final class LoopFlag {
        var isSet = false
        nonisolated init() {}
    }

    @Test func `a connection that is killed fails all that is under way on it, each once`() async throws {
        let server = try #require(TestServer.shared)
        let connection = try await open(server.target())
        let id = await connection.connectionID
        let replies = Killed()
        try await onLoop { _ in
            for sql in ["SELECT SLEEP(100)", "SELECT 1", "INSERT INTO test.nowhere VALUES (1)", "SELECT 2"] { replies.run(connection, sql) }
        }
        try await until("the first is at work") { !connection.isIdle }
        try await server.sql("KILL \(id)")
        try await until("all replies", within: 10) { replies.errors.count == 4 }
        for error in await replies.errors { #expect(error?.lostConnection == true, "\(String(describing: error))") }
        #expect(await !connection.isOpen)
        // Nothing comes later either.
        #expect(try await server.sql("SELECT 1").first == "1")
        #expect(await replies.errors.count == 4)
    }

    @LoopActor private final class Killed {
        private(set) var errors: [DatabaseError?] = []
        nonisolated init() {}
        func run(_ connection: MariaDBConnection, _ sql: String) {
            let sink = Gatherer()
            sink.whenOver = { self.errors.append($0.error) }
            connection.execute(Array(sql.utf8), sink)
        }
    }

    @Test func `several results come one after another`() async throws {
        let connection = try await open(server.target(multi: true))
        _ = try await connection.run(
            """
            CREATE OR REPLACE PROCEDURE test.several() BEGIN
                SELECT 1 AS one; SELECT 2, 3 UNION SELECT 4, 5; CREATE OR REPLACE TABLE test.made (a INT); INSERT INTO test.made VALUES (1), (2);
            END
            """)
        let called = try await connection.run("CALL test.several()")
        #expect(called.error == nil && called.text == [["1"], ["2", "3"], ["4", "5"]])
        #expect(called.ends.map(\.more) == [true, true, false])
        let many = try await connection.run("SELECT 1; DO 0; SELECT 2; SELECT nowhere; SELECT 3")
        #expect(many.text == [["1"], ["2"]] && many.ends.map(\.more) == [true, true, true])
        #expect(many.error?.number == 1054)
        #expect(try await connection.run("SELECT 1").text == [["1"]])
        try await connection.end()
    }

    @Test func `the session's GTID, mode and schema are followed`() async throws {
        let setup = [
            "SET session_track_system_variables='last_gtid,sql_mode', session_track_schema=1", "CREATE DATABASE IF NOT EXISTS followed",
            "CREATE OR REPLACE TABLE followed.t (a INT)",
        ]
        let connection = try await open(server.target(setup: setup))
        let inserted = try await connection.run("INSERT INTO followed.t VALUES (1)")
        let gtid = try #require(inserted.ends.first?.gtid)
        #expect(Position(gtid) == (try await server.position()))
        #expect(try await connection.run("SELECT 1").ends.first?.gtid == nil)
        _ = try await connection.run("SET sql_mode='ANSI_QUOTES'")
        #expect(await connection.sqlMode == "ANSI_QUOTES")
        _ = try await connection.run("USE followed")
        #expect(await connection.database == Array("followed".utf8))
        _ = try await connection.run("BEGIN")
        #expect(await connection.inTransaction)
        _ = try await connection.run("INSERT INTO t VALUES (2)")
        let committed = try await connection.run("COMMIT")
        #expect(committed.ends.first?.gtid != nil && committed.ends.first?.gtid != gtid)
        #expect(await !connection.inTransaction)
        _ = try await connection.run("SET autocommit=0")
        #expect(await !connection.autocommit)
        try await connection.end()
    }
}

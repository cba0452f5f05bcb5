import EventLoop
import Glibc
import MariaDBConnector
import TestSupport
import Testing

/// Opening, closing and losing connections.
@Suite(.serialized, .server)
struct LifeTests {
    private let server: TestServer

    init() throws { server = try #require(TestServer.shared) }

    private func failure(_ target: DatabaseTarget) async throws -> DatabaseError {
        let result: Result<MariaDBConnection, DatabaseError> = try await answer("the refusal") { loop, done in
            MariaDBConnection.open(loop, target) { done($0) }
        }
        guard case .failure(let error) = result else { throw Unexpected() }
        return error
    }

    private struct Unexpected: Error {}

    @Test func `a connection that fails says why, and leaves nothing open`() async throws {
        let before = ProcessFacts.openDescriptors
        var nowhere = server.target()
        nowhere.endpoint = .socket("/tmp/no-such-socket")
        #expect(try await failure(nowhere).number == 2002)
        #expect(try await failure(server.target(DatabaseAccount(user: "test", password: "wrong"))).number == 1045)
        #expect(try await failure(server.target(setup: ["SET nonsense=1"])).number == 1193)
        var port = server.target()
        port.endpoint = .tcp(host: "127.0.0.1", port: 1)
        #expect(try await failure(port).number == 2002)
        #expect(ProcessFacts.openDescriptors == before)
    }

    @Test func `a server that accepts and says nothing is given up in time`() async throws {
        let directory = try TestDirectory()
        let silent = try SilentServer(path: directory.path + "/s")
        let before = ProcessFacts.openDescriptors
        var target = server.target()
        target.endpoint = .socket(directory.path + "/s")
        target.connectTimeoutMs = 150
        let began = EventLoop.nowMs()
        #expect(try await failure(target).text == "the database did not answer the login in time")
        #expect((145..<3000).contains(EventLoop.nowMs() - began))
        #expect(ProcessFacts.openDescriptors == before)
        silent.close()
    }

    @Test func `a host that does not answer at all is given up in time, and leaves nothing open`() async throws {
        let full = try SilentServer.full()
        let before = ProcessFacts.openDescriptors
        var target = server.target()
        target.endpoint = .tcp(host: "127.0.0.1", port: full.port)
        target.connectTimeoutMs = 150
        #expect(try await failure(target).text == "the database did not answer the login in time")
        #expect(ProcessFacts.openDescriptors == before)
        full.close()
    }

    @Test func `a statement that takes longer than the login may is not cut off`() async throws {
        var target = server.target()
        target.connectTimeoutMs = 200
        let connection = try await open(target)
        #expect(try await connection.run("SELECT SLEEP(0.5)").text == [["0"]])
        try await connection.end()
    }

    @Test func `closing an idle connection, or twice, is quiet`() async throws {
        let before = ProcessFacts.openDescriptors
        let connection = try await open(server.target())
        #expect(await connection.isIdle)
        #expect(await connection.connectionID > 0)
        #expect(await connection.serverVersion.contains("MariaDB"))
        try await connection.end()
        try await connection.end()
        #expect(await !connection.isOpen)
        #expect(try await connection.run("SELECT 1").error?.lostConnection == true)
        #expect(ProcessFacts.openDescriptors == before)
    }

    @Test func `closing while the server works is quiet`() async throws {
        let before = ProcessFacts.openDescriptors
        let sink = Gatherer()
        let connection = try await open(server.target())
        try await onLoop { loop in
            sink.whenOver = { _ in Issue.record("the sink was told") }
            connection.execute(Array("SELECT SLEEP(1)".utf8), sink)
            loop.after(milliseconds: 30) { connection.close() }
        }
        try await until("the close") { !connection.isOpen }
        #expect(ProcessFacts.openDescriptors == before)
    }

    @Test func `a closed connection's transaction is rolled back`() async throws {
        try await server.sql("CREATE OR REPLACE TABLE test.undone (a INT) ENGINE=InnoDB")
        let connection = try await open(server.target())
        _ = try await connection.run("BEGIN")
        _ = try await connection.run("INSERT INTO test.undone VALUES (1)")
        try await connection.end()
        #expect(try await server.sql("SELECT COUNT(*) FROM test.undone").first == "0")
    }

    enum Moment: CaseIterable, Sendable { case columns, row, lateRow, pausedRow, ended, lastEnd }

    @Test(arguments: Moment.allCases)
    func `a sink may close its connection at any moment`(_ moment: Moment) async throws {
        let before = ProcessFacts.openDescriptors
        for _ in 0..<3 {
            let connection = try await open(server.target(multi: true))
            let sink = Gatherer()
            try await onLoop { _ in
                let close: @LoopActor () -> Void = { connection.close() }
                switch moment {
                case .columns: sink.onColumns = close
                case .row, .lateRow:
                    sink.onRow = { number in
                        if number == (moment == .row ? 1 : 30_000) { close() }
                        return true
                    }
                case .pausedRow:
                    sink.onRow = { _ in
                        close()
                        return false
                    }
                case .ended, .lastEnd: sink.onEnded = { if sink.outcome.ends.count == (moment == .ended ? 1 : 2) { close() } }
                }
                connection.execute(Array("SELECT seq, REPEAT('x', 100) FROM test.seq_1_to_50000; SELECT 2".utf8), sink)
            }
            try await until("the close") { !connection.isOpen }
            #expect(await sink.outcome.error == nil)
        }
        try await until("no descriptor left") { ProcessFacts.openDescriptors == before }
    }

    @Test func `a sink may close its connection when it fails, and start the next statement when it ends`() async throws {
        let connection = try await open(server.target())
        let sink = Gatherer()
        let next = Gatherer()
        let outcome: Outcome = try await answer { _, done in
            sink.whenOver = { _ in
                next.whenOver = { outcome in
                    connection.close()
                    done(outcome)
                }
                connection.execute(Array("SELECT nowhere".utf8), next)
            }
            connection.execute(Array("SELECT 1".utf8), sink)
        }
        #expect(outcome.error?.number == 1054)
        #expect(await !connection.isOpen)
    }

    @Test func `closing a paused statement is quiet`() async throws {
        let before = ProcessFacts.openDescriptors
        let connection = try await open(server.target())
        let sink = Gatherer()
        try await onLoop { _ in
            sink.onRow = { $0 < 5 }
            sink.whenOver = { _ in Issue.record("the sink was told") }
            connection.execute(Array("SELECT seq, REPEAT('x', 1000) FROM test.seq_1_to_50000".utf8), sink)
        }
        try await until("the pause") { sink.outcome.rowCount == 5 }
        try await connection.end()
        #expect(ProcessFacts.openDescriptors == before)
    }

    @Test func `a killed server fails the statement under way, and is noticed while idle`() async throws {
        try await withServer { server in
            let before = ProcessFacts.openDescriptors
            let busy = try await open(server.target())
            let idle = try await open(server.target())
            let paused = try await open(server.target())
            let sink = Gatherer()
            let lost = Lost()
            try await onLoop { _ in
                idle.lostWhileIdle = { lost.count += 1 }
                sink.onRow = { $0 < 5 }
                paused.execute(Array("SELECT seq, REPEAT('x', 1000) FROM test.seq_1_to_50000".utf8), sink)
            }
            try await until("the pause") { sink.outcome.rowCount == 5 }
            async let outcome = busy.run("SELECT SLEEP(30)")
            try await until("the statement") { !busy.isIdle }
            server.killNow()
            #expect(try await outcome.error?.lostConnection == true)
            #expect(await !busy.isOpen)
            try await until("the idle one's loss") { lost.count == 1 && !idle.isOpen }
            let rows = await sink.outcome.rowCount
            #expect(rows == 5, "a paused sink was given \(rows - 5) rows")
            try await onLoop { _ in
                sink.onRow = nil
                paused.resume()
            }
            try await until("the paused one's failure") { sink.outcome.error?.lostConnection == true }
            #expect(await !paused.isOpen)
            try await server.ready(2)
            #expect(try await server.sql("SELECT 1").first == "1")
            #expect(ProcessFacts.openDescriptors <= before)
        }
    }

    @LoopActor private final class Lost {
        var count = 0
        nonisolated init() {}
    }

    @Test func `an idle connection that the server ends is noticed`() async throws {
        let connection = try await open(server.target())
        let lost = Lost()
        try await onLoop { _ in connection.lostWhileIdle = { lost.count += 1 } }
        try await server.sql("KILL \(await connection.connectionID)")
        try await until("the loss") { lost.count == 1 }
        #expect(await !connection.isOpen)
    }

    @Test func `hundreds of connections opened and closed leave nothing open`() async throws {
        let before = ProcessFacts.openDescriptors
        let target = server.target()
        for _ in 0..<5 {
            let all: [MariaDBConnection] = try await answer { loop, done in
                @LoopActor final class Opened { var list: [MariaDBConnection] = [] }
                let opened = Opened()
                for _ in 0..<40 {
                    MariaDBConnection.open(loop, target) { result in
                        guard case .success(let connection) = result else { return }
                        opened.list.append(connection)
                        if opened.list.count == 40 { done(opened.list) }
                    }
                }
            }
            try await onLoop { _ in for connection in all { connection.close() } }
        }
        #expect(ProcessFacts.openDescriptors == before)
    }
}

import EventLoop
import MariaDBConnector
import TestSupport
import Testing

@Suite(.serialized, .server)
struct LaneTests {
    private let server: TestServer
    private let pool: ConnectionPool
    private let lanes: StatementLanes

    init() async throws {
        let server = try #require(TestServer.shared)
        self.server = server
        (pool, lanes) = try await onLoop { loop in
            let pool = ConnectionPool(loop, limits: PoolLimits(connectionsMax: 8, idleMs: 60_000, waitMs: 5000))
            pool.use(server.target())
            var limits = LaneLimits()
            limits.lanesMax = 2
            limits.depthMax = 8
            return (pool, StatementLanes(loop, pool, limits: limits))
        }
    }

    /// What statements gave back, by name.
    @LoopActor private final class Replies {
        private(set) var outcomes: [String: [Outcome]] = [:]
        private(set) var order: [String] = []
        private(set) var refusals: [String: PoolError] = [:]
        var jobs: [String: LaneJob] = [:]

        nonisolated init() {}

        func run(_ lanes: StatementLanes, _ name: String, _ sql: String..., database: String? = nil, pausesAfterRow: Int? = nil) {
            let statements = sql.map { sql in
                let sink = Gatherer()
                if let pausesAfterRow { sink.onRow = { $0 != pausesAfterRow } }
                sink.whenOver = {
                    self.outcomes[name, default: []].append($0)
                    self.order.append(name)
                }
                return LaneJob.Statement(Array(sql.utf8), sink)
            }
            let job = LaneJob(statements) { self.refusals[name] = $0 }
            jobs[name] = job
            lanes.run(job, account: nil, database: database.map { Array($0.utf8) })
        }

        var text: [String: String] { outcomes.mapValues { $0.map { $0.text.first?.first.flatMap { $0 } ?? "-" }.joined(separator: ",") } }
    }

    private func end() async throws {
        let (lanes, pool) = (lanes, pool)
        try await onLoop { _ in lanes.retire() }
        try await until("all connections back") { pool.inUse == 0 }
        try await onLoop { _ in pool.close() }
    }

    @Test func `many statements share few connections, and each has its own reply`() async throws {
        let (lanes, pool) = (lanes, pool)
        let replies = Replies()
        try await onLoop { _ in for number in 0..<500 { replies.run(lanes, "\(number)", "SELECT \(number)") } }
        try await until("all replies") { replies.order.count == 500 }
        #expect(await replies.text == Dictionary(uniqueKeysWithValues: (0..<500).map { ("\($0)", "\($0)") }))
        #expect(await pool.inUse == 2)
        try await end()
    }

    @Test func `a statement that turns out slow holds up nobody, and is run once`() async throws {
        let (lanes, pool) = (lanes, pool)
        let replies = Replies()
        try await onLoop { _ in for number in 0..<50 { replies.run(lanes, "w\(number)", "SELECT \(number)") } }
        try await until("both lanes") { replies.order.count == 50 && pool.inUse == 2 }
        let began = EventLoop.nowMs()
        try await onLoop { _ in
            replies.run(lanes, "slow", "SELECT SLEEP(2)")
            for number in 100..<115 { replies.run(lanes, "\(number)", "SELECT \(number)") }
        }
        try await until("the fast ones") { replies.order.count == 65 }
        #expect(EventLoop.nowMs() - began < 1500)
        #expect(await replies.text["slow"] == nil)
        #expect(await replies.jobs["slow"]?.stalled == 0)
        for number in 100..<115 { #expect(await replies.text["\(number)"] == "\(number)", "\(number)") }
        try await until("the slow one") { replies.text["slow"] == "0" }
        try await until("its connection is the pool's again") { pool.inUse <= 2 }
        try await end()
    }

    @Test func `the statements of one job stay in order where one of them is slow, and hold up nobody`() async throws {
        let lanes = lanes
        let replies = Replies()
        try await onLoop { _ in
            replies.run(lanes, "a", "SELECT 1", "SELECT 2 + SLEEP(1)", "SELECT nothing", "SELECT 4", "SELECT 5")
            for number in 0..<4 { replies.run(lanes, "b\(number)", "SELECT \(number)", "SELECT \(number) + 10", "SELECT \(number) + 20") }
        }
        try await until("the others") { replies.outcomes.filter { $0.key != "a" && $0.value.count == 3 }.count == 4 }
        #expect(await replies.text["a"] == "1")
        for number in 0..<4 { #expect(await replies.text["b\(number)"] == "\(number),\(number + 10),\(number + 20)") }
        try await until("the rest") { replies.outcomes["a"]?.count == 5 }
        #expect(await replies.text["a"] == "1,2,-,4,5")
        #expect(await replies.outcomes["a"]?[2].error?.number == 1054)
        #expect(await replies.jobs["a"]?.stalled == 1)
        try await end()
    }

    @Test func `a sink that pauses holds up nobody`() async throws {
        let lanes = lanes
        let replies = Replies()
        try await onLoop { _ in
            replies.run(lanes, "paused", "SELECT seq FROM test.seq_1_to_100", pausesAfterRow: 3)
            for number in 0..<20 { replies.run(lanes, "\(number)", "SELECT \(number)") }
        }
        try await until("the others") { replies.order.count == 20 }
        try await onLoop { _ in replies.jobs["paused"]?.resume() }
        try await until("the rest") { replies.outcomes["paused"]?.first?.rowCount == 100 }
        try await end()
    }

    @Test func `a stalled statement that nobody waits for is ended`() async throws {
        let (lanes, pool) = (lanes, pool)
        let replies = Replies()
        try await onLoop { _ in replies.run(lanes, "id", "SELECT CONNECTION_ID()") }
        let id = try await until("the id") { replies.text["id"] }
        try await onLoop { _ in
            replies.run(lanes, "slow", "SELECT SLEEP(100)")
            replies.jobs["slow"]?.abandon()
        }
        try await until("its connection is closed") { pool.inUse == 0 && lanes.count == 0 }
        #expect(await pool.idleCount == 0)
        var left: String? = "1"
        for _ in 0..<1000 where left != "0" {
            left = try await server.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE id = \(id)").first
        }
        #expect(left == "0")
        try await end()
    }

    @Test func `lanes are in the database they are asked for, and one that is not there is told`() async throws {
        let lanes = lanes
        let replies = Replies()
        try await onLoop { _ in
            replies.run(lanes, "in", "SELECT DATABASE()", database: "test")
            replies.run(lanes, "out", "SELECT DATABASE()")
            replies.run(lanes, "nowhere", "SELECT DATABASE()", database: "nowhere")
        }
        try await until("the replies") { replies.order.count == 2 && replies.refusals.count == 1 }
        #expect(await replies.text == ["in": "test", "out": "-"])
        guard case .refused(let error)? = await replies.refusals["nowhere"] else { Issue.record("no refusal"); return }
        #expect(error.number == 1049)
        try await end()
    }

    @Test func `a connection that the server ends fails what runs on it, and another takes its place`() async throws {
        let lanes = lanes
        let replies = Replies()
        try await onLoop { _ in replies.run(lanes, "id", "SELECT CONNECTION_ID()") }
        try await until("the id") { replies.text["id"] != nil }
        let id = try #require(await replies.text["id"])
        try await onLoop { _ in replies.run(lanes, "slow", "SELECT SLEEP(100)") }
        try await server.sql("KILL \(id)")
        try await until("the failure") { replies.outcomes["slow"]?.first?.error?.lostConnection == true }
        try await onLoop { _ in replies.run(lanes, "next", "SELECT 1") }
        try await until("the next") { replies.text["next"] == "1" }
        try await end()
    }

    @Test func `unused lanes go back to the pool`() async throws {
        let (lanes, pool) = (lanes, pool)
        let replies = Replies()
        try await onLoop { _ in for number in 0..<20 { replies.run(lanes, "\(number)", "SELECT \(number)") } }
        try await until("the replies") { replies.order.count == 20 }
        try await until("no lane left") {
            lanes.trim()
            return pool.inUse == 0 && lanes.count == 0
        }
        #expect(await pool.idleCount == 2)
        try await end()
    }

    @Test func `lanes leave most of the pool to others, and open none while somebody waits`() async throws {
        let (lanes, pool) = (lanes, pool)
        let replies = Replies()
        try await onLoop { _ in
            for number in 0..<40 { replies.run(lanes, "\(number)", "SELECT \(number)") }
        }
        try await until("two lanes") { replies.order.count == 40 && lanes.count == 2 }
        #expect(await lanes.isOpen(account: nil, database: nil))
        #expect(await !lanes.isOpen(account: nil, database: Array("test".utf8)))
        try await onLoop { _ in
            for _ in 0..<7 { _ = pool.acquire(account: nil, database: nil, preferred: nil) { _ in } }
        }
        try await until("a waiter") { pool.waiting == 1 }
        #expect(await !lanes.isOpen(account: nil, database: nil))
        try await onLoop { _ in lanes.retire() }
        try await until("it is served") { pool.waiting == 0 }
        try await onLoop { _ in pool.close() }
    }

    @Test func `a lane given back to a full pool may be the one that its own group waits for`() async throws {
        let (lanes, pool) = (lanes, pool)
        let replies = Replies()
        try await onLoop { _ in replies.run(lanes, "first", "SELECT 1") }
        try await until("a lane") { replies.order.count == 1 }
        try await onLoop { _ in
            for _ in 0..<7 { _ = pool.acquire(account: nil, database: nil, preferred: nil) { _ in } }
        }
        try await until("a full pool") { pool.inUse == 8 }
        try await onLoop { _ in for number in 0..<20 { replies.run(lanes, "\(number)", "SELECT \(number)") } }
        try await until("the replies") { replies.order.count == 21 }
        #expect(await pool.waiting == 1)
        try await onLoop { _ in for _ in 0..<3 { lanes.trim() } }
        try await onLoop { _ in replies.run(lanes, "last", "SELECT 2") }
        try await until("the last") { replies.text["last"] == "2" }
        try await onLoop { _ in
            lanes.retire()
            pool.close()
        }
    }
}

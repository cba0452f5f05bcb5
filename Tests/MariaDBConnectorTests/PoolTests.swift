import EventLoop
import MariaDBConnector
import TestSupport
import Testing

@Suite(.serialized, .server)
struct PoolTests {
    private let server: TestServer
    /// Of two connections at most.
    private let pool: ConnectionPool

    init() async throws {
        let server = try #require(TestServer.shared)
        self.server = server
        pool = try await onLoop { loop in
            let pool = ConnectionPool(loop, limits: PoolLimits(connectionsMax: 2, idleMs: 60_000, waitMs: 10_000))
            pool.use(server.target())
            return pool
        }
    }

    /// What callers were given, in order.
    @LoopActor private final class Callers {
        private(set) var order: [String] = []
        private(set) var connections: [String: MariaDBConnection] = [:]
        private(set) var errors: [String: PoolError] = [:]
        private(set) var tickets: [String: PoolTicket] = [:]

        nonisolated init() {}

        func ask(_ pool: ConnectionPool, _ name: String, _ account: DatabaseAccount? = nil, database: [UInt8]? = nil) {
            tickets[name] = pool.acquire(account: account, database: database, preferred: nil) { result in
                self.order.append(name)
                switch result {
                case .success(let connection): self.connections[name] = connection
                case .failure(let error): self.errors[name] = error
                }
            }
        }

        func giveBack(_ pool: ConnectionPool, _ name: String) {
            if let connection = connections.removeValue(forKey: name) { pool.release(connection) }
        }
    }

    private func end(_ callers: Callers) async throws {
        let pool = pool
        try await onLoop { _ in
            for name in callers.connections.keys.sorted() { callers.giveBack(pool, name) }
            pool.close()
        }
    }

    @Test func `callers beyond the limit wait, and are served in order`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in for name in ["a", "b", "c", "d", "e"] { callers.ask(pool, name) } }
        try await until("the first two") { callers.order == ["a", "b"] }
        #expect(await pool.waiting == 3)
        #expect(await pool.inUse == 2)
        try await onLoop { _ in callers.giveBack(pool, "b") }
        #expect(await callers.order == ["a", "b", "c"])
        try await onLoop { _ in callers.ask(pool, "f") }
        try await onLoop { _ in for name in ["a", "c", "d", "e"] { callers.giveBack(pool, name) } }
        #expect(await callers.order == ["a", "b", "c", "d", "e", "f"])
        try await end(callers)
        #expect(await pool.inUse == 0)
    }

    @Test func `a connection given back serves the next caller`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in callers.ask(pool, "a") }
        let first = try await until("a") { callers.connections["a"] }
        try await onLoop { _ in
            callers.giveBack(pool, "a")
            callers.ask(pool, "b")
        }
        #expect(await callers.connections["b"] === first)
        try await end(callers)
    }

    @Test func `an account never gets another's connection`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in for name in ["a", "b"] { callers.ask(pool, name) } }
        try await until("both") { callers.connections.count == 2 }
        try await onLoop { _ in
            callers.giveBack(pool, "a")
            callers.ask(pool, "r", TestServer.reader)
        }
        // The idle connection of the other account made room.
        let connection = try await until("the reader") { callers.connections["r"] }
        #expect(await connection.target.account == TestServer.reader)
        #expect(try await connection.run("SELECT CURRENT_USER()").text == [["reader@localhost"]])
        try await end(callers)
    }

    @Test func `a caller without a database does not get a connection that is in one`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in for name in ["a", "b", "waits"] { callers.ask(pool, name) } }
        let connection = try await until("a") { callers.connections["a"] }
        _ = try await connection.run("SET session_track_schema=1")
        _ = try await connection.run("USE test")
        #expect(await connection.database == Array("test".utf8))
        try await onLoop { _ in callers.giveBack(pool, "a") }
        let next = try await until("the waiter") { callers.connections["waits"] }
        #expect(await next.database == nil)
        try await end(callers)
    }

    @Test func `a caller that cancels is passed over`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in for name in ["a", "b", "c", "d"] { callers.ask(pool, name) } }
        try await until("two") { callers.order.count == 2 }
        try await onLoop { _ in
            if let ticket = callers.tickets["c"] { pool.cancel(ticket) }
            callers.giveBack(pool, "a")
        }
        #expect(await callers.order == ["a", "b", "d"])
        try await end(callers)
    }

    @Test func `a caller that waited too long is told that the pool is exhausted`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in
            pool.limits.waitMs = 100
            for name in ["a", "b", "c"] { callers.ask(pool, name) }
        }
        let error = try await until("the third") { callers.errors["c"] }
        guard case .exhausted(connectionsMax: 2) = error else { return #expect(Bool(false), "\(error)") }
        try await onLoop { _ in
            pool.limits.waitersMax = 0
            callers.ask(pool, "d")
        }
        guard case .exhausted = await callers.errors["d"] else { return #expect(Bool(false), "d was not turned away") }
        try await end(callers)
    }

    @Test func `an account that is refused fails its caller, and the next one is served`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in
            pool.limits.connectionsMax = 1
            callers.ask(pool, "bad", DatabaseAccount(user: "test", password: "wrong"))
            callers.ask(pool, "good")
        }
        let error = try await until("the refusal") { callers.errors["bad"] }
        guard case .refused(let why) = error, why.number == 1045 else { return #expect(Bool(false), "\(error)") }
        try await until("the good one", within: 5) { callers.connections["good"] }
        try await end(callers)
    }

    @Test func `those that prove an account wait for room as others do, and are served in turn`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in for name in ["a", "b"] { callers.ask(pool, name) } }
        try await until("both") { callers.connections.count == 2 }
        let proofs = Proofs()
        try await onLoop { _ in
            for _ in 0..<20 { proofs.ask(pool, TestServer.reader) }
            proofs.ask(pool, DatabaseAccount(user: "test", password: "wrong"))
            callers.ask(pool, "c")
        }
        #expect(await proofs.problems.isEmpty)
        try await onLoop { _ in callers.giveBack(pool, "a") }
        try await until("all proofs") { proofs.problems.count == 21 }
        #expect(await proofs.problems.filter { $0 == nil }.count == 20)
        guard case .refused(let why)? = await proofs.problems.compactMap(\.self).first, why.number == 1045 else { return #expect(Bool(false)) }
        try await until("who came after them") { callers.connections["c"] != nil }
        try await onLoop { _ in
            pool.limits.waitMs = 50
            proofs.ask(pool, TestServer.reader)
        }
        try await until("the one in vain") { proofs.problems.count == 22 }
        guard case .exhausted(connectionsMax: 2)? = await proofs.problems.last ?? nil else { return #expect(Bool(false)) }
        try await end(callers)
    }

    @LoopActor private final class Proofs {
        private(set) var problems: [PoolError?] = []
        nonisolated init() {}
        func ask(_ pool: ConnectionPool, _ account: DatabaseAccount) {
            pool.prove(account) { result in
                if case .failure(let problem) = result { self.problems.append(problem) } else { self.problems.append(nil) }
            }
        }
    }

    @Test func `a database that refuses connections at once costs next to nothing, however many wait for it`() async throws {
        let directory = try TestDirectory()
        defer { directory.remove() }
        let path = directory.path + "/nobody.sock"
        let callers = Callers()
        let pool = try await onLoop { loop in
            let pool = ConnectionPool(loop, limits: PoolLimits(connectionsMax: 500, idleMs: 60_000, waitMs: 1000))
            pool.use(DatabaseTarget(endpoint: .socket(path), account: TestServer.account))
            return pool
        }
        let before = ProcessFacts.processorMs
        try await onLoop { _ in for number in 0..<400 { callers.ask(pool, "\(number)") } }
        try await until("all gave up", within: 10) { callers.errors.count == 400 }
        #expect(ProcessFacts.processorMs - before < 500)
        guard case .databaseDown(let why?) = await callers.errors["0"] else { return #expect(Bool(false)) }
        #expect(why.number == 2002 && why.description.contains(path), "\(why)")
        let target = server.target()
        try await onLoop { _ in
            callers.ask(pool, "late")
            pool.use(target)
        }
        try await until("who asks when it is there") { callers.connections["late"] != nil }
        try await end(callers)
        try await onLoop { _ in pool.close() }
    }

    @Test func `thousands that wait to prove themselves hear that the database is down`() async throws {
        let directory = try TestDirectory()
        defer { directory.remove() }
        let path = directory.path + "/nobody.sock"
        let (pool, proofs) = (pool, Proofs())
        let callers = Callers()
        try await onLoop { _ in for name in ["a", "b"] { callers.ask(pool, name) } }
        try await until("a full pool") { callers.connections.count == 2 }
        let account = TestServer.account
        try await onLoop { _ in
            pool.limits.waitMs = 500
            for _ in 0..<20_000 { proofs.ask(pool, TestServer.reader) }
            pool.use(DatabaseTarget(endpoint: .socket(path), account: account))
            callers.giveBack(pool, "a")
        }
        try await until("all of them heard") { proofs.problems.count == 20_000 }
        let isDown = await proofs.problems.allSatisfy { if case .databaseDown? = $0 { true } else { false } }
        #expect(isDown)
        let target = server.target()
        try await onLoop { _ in
            pool.limits.waitMs = 10_000
            pool.use(target)
            proofs.ask(pool, TestServer.reader)
        }
        try await until("who asks when it is there") { proofs.problems.count == 20_001 }
        #expect(await proofs.problems[20_000] == nil)
        try await end(callers)
    }

    @Test func `idle connections are closed after their time`() async throws {
        let pool = try await onLoop { [server] loop in
            let pool = ConnectionPool(loop, limits: PoolLimits(connectionsMax: 2, idleMs: 100))
            pool.use(server.target())
            return pool
        }
        let callers = Callers()
        try await onLoop { _ in callers.ask(pool, "a") }
        let connection = try await until("a") { callers.connections["a"] }
        try await onLoop { _ in callers.giveBack(pool, "a") }
        #expect(await pool.idleCount == 1)
        try await until("the trim") { pool.idleCount == 0 }
        #expect(await !connection.isOpen)
        try await onLoop { _ in pool.close() }
    }

    @Test func `an idle connection that the server ends is forgotten`() async throws {
        let pool = pool
        let callers = Callers()
        try await onLoop { _ in callers.ask(pool, "a") }
        let connection = try await until("a") { callers.connections["a"] }
        try await onLoop { _ in callers.giveBack(pool, "a") }
        try await server.sql("KILL \(await connection.connectionID)")
        try await until("the loss") { pool.idleCount == 0 }
        try await onLoop { _ in callers.ask(pool, "b") }
        let next = try await until("b") { callers.connections["b"] }
        #expect(try await next.run("SELECT 1").text == [["1"]])
        try await end(callers)
    }

    @Test func `a statement is killed from a connection of its own`() async throws {
        let pool = pool
        let connection = try await open(server.target())
        async let outcome = connection.run("SELECT SLEEP(30)")
        try await until("the statement") { !connection.isIdle }
        let id = await connection.connectionID
        try await onLoop { _ in pool.kill(id) }
        #expect(try await outcome.error?.lostConnection == true)
        try await onLoop { _ in pool.close() }
    }

    @Test func `callers wait while the database is down, and are served when it is up`() async throws {
        try await withServer { server in
            let pool = try await onLoop { ConnectionPool($0, limits: PoolLimits(connectionsMax: 2, idleMs: 60_000)) }
            let callers = Callers()
            try await onLoop { _ in callers.ask(pool, "before it was ever up") }
            let target = server.target()
            try await onLoop { _ in pool.use(target) }
            try await until("the first") { callers.connections.count == 1 || callers.errors.count == 1 }
            let first = try #require(await callers.connections["before it was ever up"])
            #expect(try await first.run("SELECT CURRENT_USER()").text == [["test@localhost"]])
            server.killNow()
            try await until("the loss") { callers.connections.values.allSatisfy { !$0.isOpen } }
            // Not told yet that it is down, the pool tries by itself.
            try await onLoop { _ in callers.ask(pool, "while it is down") }
            try await server.ready(2)
            try await until("the second") { callers.connections["while it is down"] }
            try await onLoop { _ in
                pool.use(nil)
                callers.ask(pool, "while it is said to be down")
            }
            #expect(await pool.waiting == 1)
            try await onLoop { _ in
                callers.giveBack(pool, "before it was ever up")
                pool.use(target)
            }
            try await until("the third") { callers.connections["while it is said to be down"] }
            try await onLoop { _ in
                pool.use(nil)
                pool.limits.waitMs = 50
                callers.ask(pool, "in vain")
            }
            let error = try await until("the last") { callers.errors["in vain"] }
            guard case .databaseDown = error else { return #expect(Bool(false), "\(error)") }
            try await onLoop { _ in pool.close() }
        }
    }

    @Test func `a closed pool turns everybody away`() async throws {
        let pool = pool
        let callers = Callers()
        let before = ProcessFacts.openDescriptors
        try await onLoop { _ in for name in ["a", "b", "c"] { callers.ask(pool, name) } }
        try await until("two") { callers.connections.count == 2 }
        try await onLoop { _ in
            pool.close()
            callers.ask(pool, "d")
            for name in ["a", "b"] { callers.giveBack(pool, name) }
        }
        for name in ["c", "d"] {
            guard case .closed = await callers.errors[name] else { return #expect(Bool(false), "\(name) was not turned away") }
        }
        #expect(ProcessFacts.openDescriptors == before)
    }
}

import BinlogFormat
import ClusterModel
import EventLoop
import MariaDBConnector
import TestSupport
import Testing

@Suite(.serialized)
struct TapTests {
    /// Reads a server's binlog and keeps which transactions it saw whole.
    @LoopActor private final class Reader {
        private var tap: BinlogTap?
        private var groups = GroupTracker()
        var seen: [GTID] = []
        var events = 0
        var bytes = 0
        var ends: [TapEnd] = []
        var faults: [BinlogError] = []
        /// Asks for a pause after this many events.
        var pausesAfter: Int?

        nonisolated init() {}

        func begin(_ loop: EventLoop, _ target: DatabaseTarget, after position: Position, id: UInt32 = 900) {
            groups.reset()
            tap = BinlogTap(loop, target, after: position, serverID: id, name: "test") { event, _ in
                self.take(event)
                return self.pausesAfter.map { self.events % $0 != 0 } ?? true
            } ended: {
                self.ends.append($0)
            }
        }

        private func take(_ event: UnsafeRawBufferPointer) {
            events += 1
            bytes += event.count
            do throws(BinlogError) {
                if case .groupEnded(let gtid) = try groups.received(event) { seen.append(gtid) }
            } catch {
                faults.append(error)
            }
        }

        func resume() { tap?.resume() }
        func close() { tap?.close() }
    }

    private static let table = "CREATE TABLE test.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGBLOB)"

    private func sequences(_ reader: Reader) async -> [UInt64] { await reader.seen.map(\.sequence) }

    @Test func `every transaction is seen in order, from the start and from a position, old and new`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            for _ in 0..<20 { try await server.sql("INSERT INTO test.t (a) VALUES ('x')") }
            try await server.sql("FLUSH BINARY LOGS")
            let reader = Reader()
            let later = Reader()
            let target = server.target()
            try await onLoop { loop in
                reader.begin(loop, target, after: .start)
                later.begin(loop, target, after: Position(GTID(domain: 0, server: 1, sequence: 15)), id: 901)
            }
            for _ in 0..<20 { try await server.sql("INSERT INTO test.t (a) VALUES ('y')") }
            let last = try await server.position().sequence
            try await until("the last transaction") { reader.seen.last?.sequence == last && later.seen.last?.sequence == last }
            #expect(await sequences(reader) == Array(1...last))
            #expect(await sequences(later) == Array(16...last))
            #expect(await reader.faults.isEmpty)
            let before = ProcessFacts.openDescriptors
            try await onLoop { _ in
                reader.close()
                later.close()
            }
            #expect(ProcessFacts.openDescriptors == before - 2)
            #expect(await reader.ends.isEmpty)
        }
    }

    /// The database's list of connections, but for the one that asks.
    private func connections(_ server: TestServer) async throws -> Int {
        try await server.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'test'")
            .first.flatMap { Int($0) } ?? -1
    }

    @Test func `a tap that is dropped at any moment of its opening leaves no connection`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            let before = ProcessFacts.openDescriptors
            let target = server.target()
            for round in 0..<100 {
                try await onLoop { loop in
                    let reader = Reader()
                    reader.begin(loop, target, after: .start, id: 1000 + UInt32(round))
                    guard round > 0 else { return reader.close() }
                    loop.after(milliseconds: round / 10) { reader.close() }
                }
            }
            try await until("no descriptor is left") { ProcessFacts.openDescriptors == before }
            let deadline = ContinuousClock.now + .seconds(20)
            while try await connections(server) > 0 { try #require(ContinuousClock.now < deadline, "connections are left in the database") }
        }
    }

    @Test func `a paused tap hears nothing, and misses nothing when it goes on`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            let reader = Reader()
            let target = server.target()
            try await onLoop { loop in
                reader.pausesAfter = 7
                reader.begin(loop, target, after: .start)
            }
            for _ in 0..<30 { try await server.sql("INSERT INTO test.t (a) VALUES (REPEAT('x', 100000))") }
            let last = try await server.position().sequence
            #expect(await reader.events == 7)
            try await until("the last transaction") {
                reader.resume()
                return reader.seen.last?.sequence == last ? true : nil
            }
            #expect(await sequences(reader) == Array(1...last))
            try await onLoop { _ in reader.close() }
        }
    }

    @Test func `an event of twenty megabytes comes whole`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            let reader = Reader()
            let target = server.target()
            try await server.sql("INSERT INTO test.t (a) VALUES (REPEAT('x', 20 << 20))")
            try await onLoop { reader.begin($0, target, after: .start) }
            try await until("both") { reader.seen.count == 2 }
            #expect(await reader.bytes > 20 << 20)
            #expect(await reader.faults.isEmpty)
            try await onLoop { _ in reader.close() }
        }
    }

    @Test func `a position that the binlog no longer holds, or never held, is said to be gone`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            for _ in 0..<5 { try await server.sql("INSERT INTO test.t (a) VALUES ('x')") }
            try await server.sql("FLUSH BINARY LOGS")
            let name = try #require(try await server.sql("SHOW MASTER STATUS")["File"])
            // The database keeps a file until it has noticed that its own tables no longer need it.
            let deadline = ContinuousClock.now + .seconds(20)
            repeat {
                try await server.sql("FLUSH LOCAL ENGINE LOGS; PURGE BINARY LOGS TO '\(name)'")
                try #require(ContinuousClock.now < deadline, "the binlog was not purged")
            } while try await server.sql("SHOW BINARY LOGS").rows.count > 1
            let target = server.target()
            for sequence: UInt64 in [2, 100] {
                let reader = Reader()
                try await onLoop { reader.begin($0, target, after: Position(GTID(domain: 0, server: 1, sequence: sequence))) }
                let end = try await until("the end") { reader.ends.first }
                guard case .positionGone(let words) = end else { return #expect(Bool(false), "\(end)") }
                #expect(words.contains("0-1-\(sequence)") || sequence == 2)
                #expect(await reader.seen.isEmpty)
            }
        }
    }

    @Test func `a killed server ends a tap, running, paused or not yet begun, once`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            try await server.sql("INSERT INTO test.t (a) VALUES (REPEAT('x', 3000000))")
            let running = Reader()
            let paused = Reader()
            let target = server.target()
            try await onLoop { loop in
                paused.pausesAfter = 4
                running.begin(loop, target, after: .start)
                paused.begin(loop, target, after: .start, id: 901)
            }
            try await until("the transactions") { running.seen.count == 2 && paused.events == 4 }
            server.killNow()
            try await until("both ends") { running.ends.count == 1 && paused.ends.count == 1 }
            let late = Reader()
            try await onLoop { late.begin($0, target, after: .start) }
            try await until("the third end") { late.ends.count == 1 || late.seen.count == 2 }
            for end in await running.ends + paused.ends {
                guard case .lost = end else { return #expect(Bool(false), "\(end)") }
            }
            try await onLoop { _ in late.close() }
        }
    }

    @Test func `a second reader of one id ends the first`() async throws {
        try await withServer { server in
            try await server.sql(Self.table)
            let first = Reader()
            let second = Reader()
            let target = server.target()
            try await onLoop { first.begin($0, target, after: .start) }
            try await until("the first") { first.seen.count == 1 }
            try await onLoop { second.begin($0, target, after: .start) }
            try await until("the first's end") { first.ends.count == 1 }
            try await until("the second") { second.seen.count == 1 }
            try await onLoop { _ in second.close() }
        }
    }

    @Test func `an account that may not read the binlog is refused in words`() async throws {
        try await withServer { server in
            let reader = Reader()
            let target = server.target(TestServer.reader)
            try await onLoop { reader.begin($0, target, after: .start) }
            let end = try await until("the end") { reader.ends.first }
            switch end {
            case .lost(let words), .refused(let words), .positionGone(let words): #expect(words.contains("denied"), "\(words)")
            }
        }
    }
}

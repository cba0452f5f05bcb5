import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Logging
import MariaDBConnector
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

@Suite(.serialized)
struct RelayEndpointTests {
    /// A master, a replica, and between them a journal that a tap fills and an endpoint that serves it.
    private struct Chain: Sendable {
        let master: TestServer
        let replica: TestServer
        let journal: Journal
        let feed: JournalFeed

        func relay() async throws -> RelayEndpoint {
            let journal = journal
            return try await onLoop { loop in
                let relay = try RelayEndpoint(loop, NodeLog(level: .critical, json: false), journal)
                relay.limit = .max
                journal.grew = { relay.journalGrew() }
                return relay
            }
        }

        func replicate(from relay: RelayEndpoint, password: String? = nil, more: String = "") async throws {
            let (port, login) = try await onLoop { _ in (relay.port, relay.login) }
            try await replica.sql(
                """
                STOP SLAVE; CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=\(port), MASTER_USER='\(login.user)',
                MASTER_PASSWORD='\(password ?? login.password)', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_SSL=0 \(more);
                START SLAVE
                """)
        }

        /// Waits until the replica has all that the master has, and says what is wrong if it does not come.
        func catchUp(within seconds: Int = 60) async throws {
            let goal = try await master.position()
            let reached = try await replica.sql("SELECT MASTER_GTID_WAIT('\(goal)', \(seconds)) AS reached")["reached"]
            guard reached == "0" else {
                let status = try await replica.sql("SHOW SLAVE STATUS")
                throw Behind(words: [status["Last_SQL_Error"], status["Last_IO_Error"], "\(goal)"].compactMap { $0 }.joined(separator: " / "))
            }
        }

        func checksums(_ server: TestServer) async throws -> [[String?]] { try await server.sql("CHECKSUM TABLE test.t, test.u EXTENDED").rows }

        func expectEqual(at location: SourceLocation = #_sourceLocation) async throws {
            let (here, there) = (try await checksums(master), try await checksums(replica))
            #expect(here == there && here.allSatisfy { $0[1] != nil }, sourceLocation: location)
        }

        private struct Behind: Error { let words: String }
    }

    private func withChain(segmentBytes: Int = 1 << 20, _ body: (Chain) async throws -> Void) async throws {
        let folder = try TestDirectory()
        try await withServer { master in
            try await withServer(.slave, id: 2) { replica in
                let opened: Result<Journal, JournalProblem> = try await answer("the journal") { loop, done in
                    Journal.open(loop, directory: folder.path + "/journal", segmentBytes: segmentBytes) { done($0) }
                }
                let journal = try opened.get()
                let target = master.target()
                let feed = try await onLoop { JournalFeed($0, journal, target) }
                try await master.sql("CREATE TABLE test.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGBLOB); CREATE TABLE test.u (a INT)")
                try await body(Chain(master: master, replica: replica, journal: journal, feed: feed))
                try await onLoop { _ in feed.close() }
                #expect(await feed.refusals.isEmpty)
            }
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `an epoch's marker passes like any transaction, and its writer goes on from there`() async throws {
        try await withChain { chain in
            for sql in EpochMarker.tableDefinition { try await chain.master.sql(sql) }
            try await write(chain, 3)
            let relay = try await chain.relay()
            try await chain.replicate(from: relay)
            try await chain.catchUp()
            let last = try #require(try await chain.master.position().gtid)
            let node = try #require(NodeID(rawValue: 3))
            let second = try #require(WriterID(epoch: Epoch(rawValue: 2), node: node))
            let gtid = GTID(domain: 0, server: second.server, sequence: last.sequence + 1)
            #expect("\(gtid)" == "0-259-\(last.sequence + 1)")
            let marker = try #require(EpochMarker.group(gtid, timestamp: 1_800_000_000, checksum: Digests.crc32))
            let journal = chain.journal
            try await onLoop { _ in journal.add(.append(marker, through: gtid, wholeBytes: marker.count)) }
            let reached = try await chain.replica.sql("SELECT MASTER_GTID_WAIT('\(gtid)', 30) AS reached")["reached"]
            let error = try await chain.replica.sql("SHOW SLAVE STATUS")["Last_SQL_Error"] ?? ""
            #expect(reached == "0", "\(error)")
            #expect(try await chain.replica.sql("SELECT CONCAT(epoch, ' ', node) FROM ddbnode.epochs").first == "2 3")
            #expect(try await chain.replica.sql("SELECT @@GLOBAL.gtid_binlog_pos").first == "\(gtid)")
            // It becomes master: what it writes follows on the marker.
            try await chain.replica.sql(
                "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL server_id=\(second.server); SET GLOBAL read_only=0; INSERT INTO test.u VALUES (99)")
            #expect(try await chain.replica.sql("SELECT @@GLOBAL.gtid_binlog_pos").first == "0-259-\(last.sequence + 2)")
            try await onLoop { _ in relay.close() }
        }
    }

    private func write(_ chain: Chain, _ count: Int) async throws {
        for number in 0..<count {
            try await chain.master.sql(
                """
                INSERT INTO test.t (a) VALUES (REPEAT('x', \(Int.random(in: 0...20_000)))), (NOW(6)); INSERT INTO test.u VALUES (\(number));
                BEGIN; UPDATE test.t SET a = CONCAT(a, 'y') ORDER BY id DESC LIMIT 3; DELETE FROM test.t WHERE id = \(number); COMMIT
                """)
        }
    }

    @Test func `a replica follows over several files, from the start and after its own restart`() async throws {
        try await withChain(segmentBytes: 50_000) { chain in
            let relay = try await chain.relay()
            try await write(chain, 20)
            try await chain.replicate(from: relay)
            try await chain.catchUp()
            try await chain.expectEqual()
            try await write(chain, 20)
            chain.replica.killNow()
            try await write(chain, 20)
            try await chain.replica.ready(2)
            try await chain.replica.sql("START SLAVE")
            try await write(chain, 5)
            try await chain.catchUp()
            try await chain.expectEqual()
            #expect(await chain.journal.index.segments.count > 3)
            #expect(try await chain.replica.position() == (try await chain.master.position()))
            // Nothing was applied twice or by other means.
            #expect(try await chain.replica.sql("SELECT @@GLOBAL.gtid_slave_pos").first == "\(try await chain.master.position())")
            try await onLoop { _ in relay.close() }
        }
    }

    @Test func `a hold keeps the replica at one transaction, goes on to another, and goes by itself`() async throws {
        try await withChain { chain in
            let relay = try await chain.relay()
            try await chain.replicate(from: relay)
            try await chain.catchUp()
            let journal = chain.journal
            let hold = try await onLoop { ApplyHold($0, relay, journal) }
            let last = await hold.begin(milliseconds: 60_000)
            #expect(last == (try await chain.replica.position()).sequence)
            try await write(chain, 3)
            let goal = try await chain.master.position()
            try await until("the journal has all of it") { journal.written == goal }
            #expect(await hold.move(to: last + 2, milliseconds: 60_000))
            #expect(try await chain.replica.sql("SELECT MASTER_GTID_WAIT('0-1-\(last + 2)', 30) AS reached")["reached"] == "0")
            #expect(try await chain.replica.sql("SELECT MASTER_GTID_WAIT('0-1-\(last + 3)', 0.3) AS reached")["reached"] == "-1")
            #expect(await hold.move(to: last + 1, milliseconds: 60_000) == false)
            // So short a time that it is over at once.
            #expect(await hold.move(to: last + 2, milliseconds: 1))
            try await chain.catchUp()
            #expect(await !hold.isHolding)
            #expect(await hold.move(to: goal.sequence, milliseconds: 60_000) == false)
            try await chain.expectEqual()
            try await onLoop { _ in relay.close() }
        }
    }

    @Test func `statements of all kinds pass: DDL, routines, XA, temporary tables, an empty transaction`() async throws {
        try await withChain { chain in
            let relay = try await chain.relay()
            try await chain.replicate(from: relay)
            try await chain.master.sql(
                """
                ALTER TABLE test.t ADD b VARCHAR(40) DEFAULT 'ä'; CREATE INDEX b ON test.t (b);
                CREATE PROCEDURE test.p() INSERT INTO test.t (a, b) VALUES (RAND(), UUID()); CALL test.p();
                CREATE TRIGGER test.tr AFTER INSERT ON test.t FOR EACH ROW INSERT INTO test.u VALUES (NEW.id); CALL test.p();
                CREATE TEMPORARY TABLE test.tmp SELECT * FROM test.t; INSERT INTO test.t (a) SELECT a FROM test.tmp; DROP TEMPORARY TABLE test.tmp;
                BEGIN; ROLLBACK; CREATE TABLE test.s AS SELECT * FROM test.t; TRUNCATE TABLE test.s; DROP TABLE test.s;
                XA START 'x'; INSERT INTO test.t (a) VALUES ('xa'); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x';
                ALTER TABLE test.u ENGINE=MyISAM; INSERT INTO test.u VALUES (1), (2); DELETE FROM test.u LIMIT 1; CREATE SEQUENCE test.q; INSERT INTO test.u VALUES (NEXT VALUE FOR test.q); CREATE USER somebody IDENTIFIED BY 'x'; DROP USER somebody
                """)
            try await chain.catchUp()
            try await chain.expectEqual()
            try await onLoop { _ in relay.close() }
        }
    }

    @Test func `a replica goes on when the endpoint was closed and another opened`() async throws {
        try await withChain { chain in
            let first = try await chain.relay()
            try await chain.replicate(from: first)
            try await write(chain, 5)
            try await chain.catchUp()
            try await onLoop { _ in first.close() }
            try await write(chain, 5)
            let second = try await chain.relay()
            try await chain.replicate(from: second)
            try await chain.catchUp()
            try await chain.expectEqual()
            try await onLoop { _ in second.close() }
        }
    }

    @Test func `a wrong password, or another name, is refused`() async throws {
        try await withChain { chain in
            let relay = try await chain.relay()
            try await chain.replicate(from: relay, password: "wrong")
            let replica = chain.replica
            let deadline = ContinuousClock.now + .seconds(20)
            while try await replica.sql("SHOW SLAVE STATUS")["Last_IO_Errno"] == "0", ContinuousClock.now < deadline {}
            #expect(try await replica.sql("SHOW SLAVE STATUS")["Last_IO_Errno"] == "1045")
            try await chain.replicate(from: relay, more: ", MASTER_USER='root'")
            #expect(try await replica.sql("SHOW SLAVE STATUS")["Slave_IO_Running"] != "Yes")
            try await onLoop { _ in relay.close() }
        }
    }

    @Test func `rows of twenty megabytes pass`() async throws {
        try await withChain { chain in
            let relay = try await chain.relay()
            try await chain.replicate(from: relay)
            try await chain.master.sql("INSERT INTO test.t (a) VALUES (REPEAT('0123456789', 2 << 20)), ('small'), (REPEAT('x', 17 << 20))")
            try await chain.catchUp()
            try await chain.expectEqual()
            try await onLoop { _ in relay.close() }
        }
    }

    @Test func `heartbeats keep an idle replica connected, and it goes on from there`() async throws {
        try await withChain { chain in
            let relay = try await chain.relay()
            try await chain.replica.sql("SET GLOBAL slave_net_timeout=2")
            try await chain.replicate(from: relay, more: ", MASTER_HEARTBEAT_PERIOD=0.5")
            try await write(chain, 2)
            try await chain.catchUp()
            let received = try await heartbeats(chain)
            let deadline = ContinuousClock.now + .seconds(20)
            while try await heartbeats(chain) < received + 8, ContinuousClock.now < deadline { _ = try await chain.replica.sql("DO SLEEP(0.2)") }
            let status = try await chain.replica.sql("SHOW SLAVE STATUS")
            #expect(try await heartbeats(chain) >= received + 8)
            #expect(status["Slave_IO_Running"] == "Yes" && status["Slave_SQL_Running"] == "Yes")
            #expect(status["Last_IO_Error"] == "" && status["Last_SQL_Error"] == "")
            #expect(await relay.lastConnection == 1)
            try await write(chain, 2)
            try await chain.catchUp()
            try await chain.expectEqual()
            try await onLoop { _ in relay.close() }
        }
    }

    private func heartbeats(_ chain: Chain) async throws -> Int {
        Int(try await chain.replica.sql("SHOW STATUS LIKE 'Slave_received_heartbeats'")["Value"] ?? "") ?? 0
    }

    @Test func `files applied and purged under a connected replica are not missed`() async throws {
        try await withChain(segmentBytes: 20_000) { chain in
            let relay = try await chain.relay()
            try await chain.replicate(from: relay)
            for _ in 0..<5 {
                try await write(chain, 5)
                try await chain.catchUp()
                let position = try await chain.master.position()
                try await onLoop { _ in chain.journal.purge(upTo: position) }
            }
            try await until("the purge") { chain.journal.index.segments.count == 1 }
            try await write(chain, 5)
            try await chain.catchUp()
            try await chain.expectEqual()
            try await onLoop { _ in relay.close() }
        }
    }

    @Test func `a replica behind what the journal holds is told so, and so is the node`() async throws {
        try await withChain(segmentBytes: 20_000) { chain in
            try await write(chain, 10)
            let position = try await chain.master.position()
            try await until("the journal") { chain.journal.received == position }
            try await onLoop { _ in chain.journal.purge(upTo: position) }
            try await until("the purge") { chain.journal.index.segments.count == 1 }
            let relay = try await chain.relay()
            let told = Told()
            try await onLoop { _ in relay.notReaching = { told.positions.append($0) } }
            try await chain.replicate(from: relay)
            try await until("the word") { !told.positions.isEmpty }
            #expect(await told.positions.first == .start)
            try await onLoop { _ in relay.close() }
        }
    }

    @LoopActor private final class Told {
        var positions: [Position] = []
        nonisolated init() {}
    }
}

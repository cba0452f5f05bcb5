import Glibc
import Testing

extension WholeClusters {
    /// Commits that wait until enough nodes hold them.
    @Suite struct Quorum {
        private static let count = "SELECT COUNT(*) FROM d.t"

        /// A master and two slaves, and a table.
        private func run(_ replication: String = #"{"ackTimeoutMs": 1500}"#, _ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(["replication": replication]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster, client)
            }
        }

        private func stopSlaves(_ cluster: Cluster) throws { for slave in cluster.slaves { try slave.hold() } }
        private func resumeSlaves(_ cluster: Cluster) { for slave in cluster.slaves { slave.signal(SIGCONT) } }

        private func requireRows(_ wanted: String, _ cluster: Cluster) throws {
            for node in cluster.nodes { try waitUntil("\(node.name) has \(wanted)") { try node.connect().value(Self.count) == wanted } }
            try cluster.requireSameEverywhere()
        }

        @Test func `a write is seen by nobody before enough nodes have it`() throws {
            try run { cluster, client in
                #expect(try cluster.master.status("replication.acks") == "1, with the master 2 of 3 nodes")
                try stopSlaves(cluster)
                let words = try client.refused("NO-QUORUM", "INSERT INTO d.t VALUES (1)")
                #expect(words.contains("40003 not on enough nodes after 1500 ms"), "\(words)")
                let position = try #require(
                    words.split(separator: " ").last { $0.hasPrefix("0-1-") } ?? words.split(separator: " ").first { $0.hasPrefix("0-1-") })
                #expect(try client.value(Self.count) == "0", "the session goes on, and does not see it")
                #expect(try cluster.master.root(Self.count) == "0", "nor does anybody else")
                resumeSlaves(cluster)
                try client.ok(".wait \(position) 20000")
                #expect(try client.value(Self.count) == "1")
                try requireRows("1", cluster)
            }
        }

        @Test func `one slave of two is enough`() throws {
            try run { cluster, client in
                cluster.slave(2).kill()
                for value in 1...50 { try client.ok("INSERT INTO d.t VALUES (\(value))") }
                #expect(try cluster.master.status("commits") == "commits wait until 2 nodes hold them")
                try cluster.slave(2).launch()
                try cluster.slave(2).waitUntilServing()
                try requireRows("50", cluster)
            }
        }

        @Test func `without enough nodes writes are refused at once and reads go on`() throws {
            try run { cluster, client in
                for slave in cluster.slaves { slave.kill() }
                try waitUntil("the loss is known") { try cluster.master.status("commits").hasPrefix("closed: too few") }
                try client.refused("NO-QUORUM", "INSERT INTO d.t VALUES (1)")
                try client.refused("NO-QUORUM", "DROP TABLE d.t")
                #expect(try client.value(Self.count) == "0")
                #expect(try cluster.master.status("health").contains("refuses writes"))
                try cluster.slave(1).launch()
                try cluster.slave(1).waitUntilServing()
                try waitUntil("writes work again") { try client.run("INSERT INTO d.t VALUES (1)").error == nil }
                try cluster.slave(2).launch()
                try cluster.slave(2).waitUntilServing()
                try requireRows("1", cluster)
            }
        }

        @Test func `a transaction is refused its commit, and keeps what it did`() throws {
            try run { cluster, client in
                try client.ok("BEGIN")
                try client.ok("INSERT INTO d.t VALUES (1)")
                for slave in cluster.slaves { slave.kill() }
                try waitUntil("the loss is known") { try cluster.master.status("commits").hasPrefix("closed: too few") }
                try client.refused("NO-QUORUM", "COMMIT")
                #expect(try client.value(Self.count) == "1", "its own row")
                for slave in cluster.slaves { try slave.launch() }
                for slave in cluster.slaves { try slave.waitUntilServing() }
                try waitUntil("it can commit") { try client.run("COMMIT").error == nil }
                try requireRows("1", cluster)
            }
        }

        @Test func `slaves apply only what enough nodes have`() throws {
            try run(#"{"acks": 2, "ackTimeoutMs": 1000}"#) { cluster, client in
                try cluster.slave(2).hold()
                try client.refused("NO-QUORUM", "INSERT INTO d.t VALUES (1)")
                let written = try cluster.master.root("SELECT @@gtid_binlog_pos")
                try waitUntil("the first slave has it on disk") { try cluster.slave(1).status("received") == written }
                #expect(try cluster.slave(1).status("committed") != written)
                #expect(try cluster.slave(1).connect().value(Self.count) == "0")
                cluster.slave(2).signal(SIGCONT)
                try requireRows("1", cluster)
            }
        }

        @Test func `a client that leaves does not break its commit off`() throws {
            try run { cluster, client in
                try stopSlaves(cluster)
                let other = try cluster.master.connect()
                try other.ask("INSERT INTO d.t VALUES (1)")
                try cluster.waitUntilCommitWaits()
                other.abort()
                try waitUntil("the node has noticed") { try cluster.master.status("clients") == "2" }
                #expect(try client.value(Self.count) == "0")
                #expect(try cluster.master.root("SHOW PROCESSLIST").contains("Waiting for semi-sync ACK"))
                resumeSlaves(cluster)
                try requireRows("1", cluster)
                #expect(try client.ok("INSERT INTO d.t VALUES (2)").error == nil)
            }
        }

        @Test func `everybody whose commit waits is told, and reads have connections left`() throws {
            try run { cluster, client in
                try stopSlaves(cluster)
                let others = try (0..<70).map { _ in try cluster.master.connect() }
                for (value, other) in others.enumerated() { try other.ask("INSERT INTO d.t VALUES (\(value))") }
                for other in others { #expect(try other.reply().error?.code == "NO-QUORUM") }
                #expect(try client.value(Self.count) == "0")
                resumeSlaves(cluster)
                try waitUntil("all that was begun is there") { Int(try client.value(Self.count) ?? "").map { $0 >= 64 } ?? false }
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `clients that leave their rows unread leave no connection behind`() throws {
            try run { cluster, client in
                try client.ok("CREATE PROCEDURE d.big() SELECT seq, REPEAT('x', 1000) FROM mysql.seq_1_to_100000")
                for _ in 0..<5 {
                    let other = try cluster.master.connect()
                    try other.ask("CALL d.big()")
                    try waitUntil("it is stuck") { try cluster.master.root("SHOW PROCESSLIST").contains("Writing to net") }
                    other.abort()
                    try waitUntil("its connection is given back") { try cluster.master.status("pool.in_use") == "0" }
                }
            }
        }

        @Test func `what a function or an implicit commit does is not broken off either`() throws {
            try run { cluster, client in
                try client.ok("CREATE FUNCTION d.put(v INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO d.t VALUES (v); RETURN v; END")
                try client.ok("CREATE TABLE d.other (v INT)")
                try cluster.waitForSlaves()
                try stopSlaves(cluster)
                let (calling, locking) = (try cluster.master.connect(), try cluster.master.connect())
                try calling.ask("SELECT d.put(1)")
                try locking.ok("BEGIN")
                try locking.ok("INSERT INTO d.t VALUES (2)")
                try locking.ask("LOCK TABLES d.other READ")
                let waiting = "(info LIKE 'SELECT d.put%' OR info LIKE 'LOCK TABLES%') AND time_ms > 300"
                try waitUntil("both wait") {
                    try cluster.master.root("SELECT COUNT(*) FROM information_schema.processlist WHERE \(waiting)") == "2"
                }
                calling.abort()
                locking.abort()
                try waitUntil("the node has noticed") { try cluster.master.status("clients") == "2" }
                #expect(try client.value(Self.count) == "0")
                #expect(try cluster.master.root(Self.count) == "0")
                resumeSlaves(cluster)
                try requireRows("2", cluster)
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
            }
        }

        @Test func `a limit on statements is no limit on commits, and takes nothing that is asked about them away`() throws {
            try Cluster.run(["replication": #"{"ackTimeoutMs": 30000}"#, "limits": #"{"statementMs": 700}"#]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try client.ok("INSERT INTO d.t VALUES (1), (2)")
                #expect(try client.value("SELECT ROW_COUNT()") == "2")
                try stopSlaves(cluster)
                try client.ask("INSERT INTO d.t VALUES (3)")
                let waits = "info LIKE 'INSERT%' AND time_ms > 1500"
                try waitUntil("it waits beyond the limit") {
                    try cluster.master.root("SELECT COUNT(*) FROM information_schema.processlist WHERE \(waits)") == "1"
                }
                #expect(try cluster.master.root(Self.count) == "2")
                resumeSlaves(cluster)
                #expect(try client.reply().error == nil)
                try requireRows("3", cluster)
            }
        }

        @Test func `commits that wait survive the node`() throws {
            try run { cluster, client in
                try stopSlaves(cluster)
                let other = try cluster.master.connect()
                try other.ask("INSERT INTO d.t VALUES (1)")
                try cluster.waitUntilCommitWaits()
                cluster.master.kill()
                try cluster.master.launch()
                try waitUntil("it says what it waits for") {
                    (try? cluster.master.status("health").contains("serves once 2 nodes hold what it has")) ?? false
                }
                #expect(try cluster.master.connect().run(Self.count).error?.code == "NOT-READY", "what is not on enough nodes is not shown")
                resumeSlaves(cluster)
                try cluster.master.waitUntilServing()
                try requireRows("1", cluster)
            }
        }

        @Test func `commits that wait survive the database`() throws {
            try run { cluster, _ in
                try stopSlaves(cluster)
                let other = try cluster.master.connect()
                try other.ask("INSERT INTO d.t VALUES (1)")
                try cluster.waitUntilCommitWaits()
                try cluster.master.killDatabase()
                #expect(try other.reply().error?.code == "CONNECTION-LOST")
                resumeSlaves(cluster)
                try cluster.master.waitUntilServing()
                try requireRows("1", cluster)
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (2)")
            }
        }

        @Test func `a node that is removed is waited for no more, and not let in again`() throws {
            try run { cluster, client in
                try cluster.slave(1).connect().refused("NOT-MASTER", ".remove 3")
                try client.refused("UNKNOWN-NODE", ".remove 1")
                try client.refused("UNKNOWN-NODE", ".remove 9")
                let gone = cluster.slave(2)
                let id = try gone.status("node")
                gone.kill()
                try cluster.slave(1).hold()
                let other = try cluster.master.connect()
                try other.ask("INSERT INTO d.t VALUES (1)")
                try cluster.waitUntilCommitWaits()
                #expect(try client.ok(".remove \(id)").fields["removed"] == id)
                // Two nodes are left, which by default wait for nobody.
                #expect(try other.reply().error == nil)
                #expect(try cluster.master.status("commits") == "open: commits wait for no slave")
                #expect(try client.ok(".nodes").rows.count == 2)
                cluster.slave(1).signal(SIGCONT)
                try gone.launch()
                try waitUntil("it is told") { (try? gone.status("link").contains("was removed from this cluster")) ?? false }
                try cluster.master.stop()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                #expect(try cluster.master.connect().ok(".nodes").rows.count == 2, "also after a restart")
            }
        }

        @Test func `a slave that joins makes a majority of three`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                #expect(try cluster.master.status("commits") == "open: commits wait for no slave")
                let third = try cluster.add("third")
                try third.launch()
                try waitUntil("commits wait") { try cluster.master.status("commits") == "commits wait until 2 nodes hold them" }
                for value in 1...20 { try client.ok("INSERT INTO d.t VALUES (\(value))") }
                try third.waitUntilServing()
                try requireRows("20", cluster)
            }
        }
    }
}

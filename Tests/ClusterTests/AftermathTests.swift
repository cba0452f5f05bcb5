import Glibc
import Testing

extension WholeClusters {
    /// What is left of a time before a change of master: positions, sessions, databases that know another history.
    @Suite struct Aftermaths {
        private static func automatic(_ timeoutMs: Int) -> [String: String] {
            ["failover": #"{"mode": "automatic", "electionTimeoutMs": \#(timeoutMs), "clientWaitMs": 20000}"#]
        }

        private func fill(_ cluster: Cluster) throws {
            if cluster.nodes.count == 3 {
                try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=voter" }
            }
            let client = try cluster.master.connect()
            try client.ok("CREATE DATABASE d")
            try client.ok("CREATE TABLE d.t (v INT)")
            try cluster.waitForSlaves()
        }

        /// What it shows; nil when it shows nothing now.
        private func values(_ node: NodeProcess) -> [String]? {
            guard let reply = try? node.connect(timeout: 2).run("SELECT v FROM d.t ORDER BY v"), reply.error == nil else { return nil }
            return reply.rows.map { $0.first?.flatMap { $0 } ?? "NULL" }
        }

        @Test func `who waits for a write that was taken back is not told that it is there`() throws {
            try Cluster.run(Self.automatic(3000).merging(["replication": #"{"ackTimeoutMs": 300}"#]) { $1 }) { cluster in
                try fill(cluster)
                let old = cluster.master
                for slave in cluster.slaves { slave.kill() }
                let words = try old.connect().refused("NO-QUORUM", "INSERT INTO d.t VALUES (1)")
                let gtid = try #require(words.split(separator: " ").first { $0.hasPrefix("0-1-") })
                old.kill()
                for slave in cluster.slaves { try slave.launch() }
                for slave in cluster.slaves { try slave.waitUntilServing() }
                let client = try cluster.slave(1).connect()
                for value in 10...13 { try client.ok("INSERT INTO d.t VALUES (\(value))") }
                try old.launch()
                try old.waitUntilServing()
                for node in cluster.nodes { #expect(try node.connect().refused("WAIT-TIMEOUT", ".wait \(gtid) 20000").contains("taken back")) }
            }
        }

        @Test func `a session is told that what it had set is gone with the master it was on`() throws {
            try Cluster.run(Self.automatic(1000)) { cluster in
                try fill(cluster)
                let (variable, commit) = (try cluster.master.connect(), try cluster.master.connect())
                try variable.ok("SET @x = 5")
                try commit.ok("SET autocommit = 0")
                let settings = try cluster.slave(1).connect()
                try settings.ok("SET time_zone = '+01:00'")
                try cluster.master.connect().ok(".switchover 2")
                try variable.refused("CONNECTION-LOST", "INSERT INTO d.t VALUES (@x)")
                try commit.refused("CONNECTION-LOST", "INSERT INTO d.t VALUES (7)")
                try commit.refused("CONNECTION-LOST", "INSERT INTO d.t VALUES (7)")
                for sql in ["ROLLBACK", "INSERT INTO d.t VALUES (9)", "ROLLBACK", "INSERT INTO d.t VALUES (1)", "COMMIT"] { try commit.ok(sql) }
                try variable.ok("INSERT INTO d.t VALUES (1)")
                try waitUntil("it is master") { try cluster.slave(1).connect().ok(".role").word("role") == "master" }
                try settings.refused("CONNECTION-LOST", "INSERT INTO d.t VALUES (8)")
                try settings.ok("INSERT INTO d.t VALUES (1)")
                #expect(try settings.rows("SELECT v FROM d.t") == ["1", "1", "1"])
            }
        }

        @Test func `a slave that has applied what the new master never had is built anew`() throws {
            try Cluster.run(["replication": #"{"acks": 0}"#]) { cluster in
                try fill(cluster)
                let (old, ahead, new) = (cluster.master, cluster.slave(1), cluster.slave(2))
                new.kill()
                try old.connect().ok("INSERT INTO d.t VALUES (1)")
                try waitUntil("it has it") { try ahead.connect().value("SELECT COUNT(*) FROM d.t") == "1" }
                old.kill()
                ahead.kill()
                try new.launch()
                try new.waitUntilServing()
                try new.connect().ok(".promote force")
                for value in 10...13 { try new.connect().ok("INSERT INTO d.t VALUES (\(value))") }
                try ahead.launch()
                try waitUntil("it has what the master has") { values(ahead) == ["10", "11", "12", "13"] }
            }
        }

        @Test func `a former master that parted long ago is built anew`() throws {
            let lossy = [
                "failover": #"{"mode": "automatic", "electionTimeoutMs": 8000, "mayLoseWrites": true}"#, "replication": #"{"acks": 0}"#,
            ]
            try Cluster.run(lossy) { cluster in
                try fill(cluster)
                let old = cluster.master
                for slave in cluster.slaves { slave.kill() }
                for value in 1...3 { try old.connect().ok("INSERT INTO d.t VALUES (\(value))") }
                try old.purgeBinlog()
                try old.connect().ok("INSERT INTO d.t VALUES (4)")
                old.kill()
                for slave in cluster.slaves { try slave.launch() }
                for slave in cluster.slaves { try slave.waitUntilServing() }
                try waitUntil("it is made master") { try cluster.slave(1).connect().run(".promote").error == nil }
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (10)")
                try old.launch()
                try waitUntil("it has what the master has") { values(old) == ["10"] }
            }
        }

        @Test func `a new node gets all, though its master's binlog begins in the middle`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let (old, new) = (cluster.master, cluster.slave(1))
                try old.connect().ok("INSERT INTO d.t VALUES (1)")
                try cluster.waitForSlaves()
                // As a recovery does that cleans up after a definition.
                try new.root("FLUSH TABLES")
                new.kill()
                try new.launch()
                try new.waitUntilServing()
                #expect(new.logText.contains("binlog says other than its tables"))
                old.kill()
                try new.connect().ok(".promote force")
                try new.connect().ok("INSERT INTO d.t VALUES (2)")
                new.kill()
                try new.launch()
                try new.waitUntilServing()
                try old.launch()
                try old.waitUntilServing()
                let late = try cluster.add("late")
                try late.launch()
                try waitUntil("it has all") { values(late) == ["1", "2"] }
            }
        }
    }
}

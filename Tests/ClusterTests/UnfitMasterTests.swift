import Glibc
import Testing

extension WholeClusters {
    /// A master that is alive and can't do its work.
    @Suite struct UnfitMasters {
        private static let settings = ["failover": #"{"mode": "automatic", "clientWaitMs": 20000, "databaseTimeoutMs": 2000}"#]

        private func run(_ body: (Cluster) throws -> Void) throws {
            try Cluster.run(Self.settings) { cluster in
                try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=voter" }
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.master.connect().ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster)
            }
        }

        @Test func `a master whose database hangs hands over, and says so`() throws {
            try run { cluster in
                let old = cluster.master
                let client = try cluster.slave(1).connect()
                try client.ok("INSERT INTO d.t VALUES (1)")
                try Processes.hold(try #require(old.databasePID))
                try waitUntil("it says so", within: 20) { try old.status("health").contains("has not answered") || !Self.leads(old) }
                try waitUntil("another leads", within: 20) { try cluster.waitForLeader() !== old }
                try client.ok("INSERT INTO d.t VALUES (2)")
                #expect(old.logText.contains("handing over to a node whose database works"), "\(old.logText)")
                try waitUntil("the old master follows", within: 60) { try old.status("health").hasPrefix("All is well") }
                try cluster.requireSameEverywhere()
                #expect(try old.connect().rows("SELECT v FROM d.t ORDER BY v") == ["1", "2"])
            }
        }

        private static func leads(_ node: NodeProcess) -> Bool { (try? node.connect().ok(".role").word("role")) == "master" }

        @Test func `a slave whose database hangs says so, and the master names it`() throws {
            try run { cluster in
                let pid = try #require(cluster.slave(1).databasePID)
                try Processes.hold(pid)
                defer { kill(pid, SIGCONT) }
                try waitUntil("it says so", within: 20) { try cluster.slave(1).status("health").contains("has not answered") }
                try waitUntil("its master names it", within: 20) { try cluster.master.status("health").contains("database-silent") }
                kill(pid, SIGCONT)
                try waitUntil("it is well", within: 20) { try cluster.slave(1).status("health").hasPrefix("All is well") }
            }
        }

        @Test func `a master whose database is only slow under load stays`() throws {
            try run { cluster in
                let clients = try (0..<48).map { _ in try cluster.master.connect(timeout: 120) }
                for client in clients { try client.send("SELECT BENCHMARK(8000000, SHA2('load', 256))\n") }
                for client in clients { _ = try client.reply() }
                #expect(!cluster.master.logText.contains("can't do its work"), "\(cluster.master.logText)")
                #expect(try cluster.master.connect().ok(".role").word("epoch") == "1")
            }
        }

        @Test func `a master whose disk is full hands over to a slave that has room`() throws {
            try run { cluster in
                let full = cluster.slave(1)
                let client = try cluster.slave(2).connect()
                try full.stop()
                let disk = SmallDisk(for: full)
                try full.launch()
                try full.waitUntilServing()
                let number = try full.status("node")
                try waitUntil("it is master") { try Self.leads(full) || cluster.waitForLeader().connect().run(".switchover \(number)").error == nil }
                try client.ok("INSERT INTO d.t VALUES (1)")
                try disk.fill()
                try waitUntil("another leads", within: 40) { try cluster.waitForLeader() !== full }
                try client.ok("INSERT INTO d.t VALUES (2)")
                #expect(full.logText.contains("the disk of the database is full"), "\(full.logText)")
                disk.free()
                try waitUntil("all is well again", within: 120) { try full.status("health").hasPrefix("All is well") }
                try cluster.requireSameEverywhere()
            }
        }
    }
}

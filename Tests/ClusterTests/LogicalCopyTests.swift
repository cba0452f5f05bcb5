import Glibc
import Testing

extension WholeClusters {
    /// External databases that the binlog can't fill are loaded from other nodes' statements.
    @Suite struct ExternalDatabasesFilled {
        private static let definitions = [
            "CREATE DATABASE d CHARACTER SET utf8mb4", "USE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT, b BLOB)",
            "CREATE TABLE d.log (id INT AUTO_INCREMENT PRIMARY KEY, of INT)", "CREATE TABLE d.kept (id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
            "CREATE SEQUENCE d.s", "SELECT NEXTVAL(d.s)", "CREATE SQL SECURITY INVOKER VIEW d.few AS SELECT id FROM d.t WHERE id < 10",
            "CREATE TRIGGER d.told AFTER INSERT ON d.t FOR EACH ROW INSERT INTO d.log (of) VALUES (NEW.id)",
            "CREATE PROCEDURE d.p(IN x INT) BEGIN DELETE FROM d.t WHERE id = x; END", "CREATE FUNCTION d.f(x INT) RETURNS INT RETURN x + 1",
            "CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DO DELETE FROM d.t WHERE id < 0",
            "INSERT INTO d.kept VALUES (1)", "UPDATE d.kept SET id = 2",
            "INSERT INTO d.t VALUES (0, 'it''s \\\\ 漢字', x'00010A0D1A5C2722FF')",
        ]

        /// Some 30 MB, and one of everything.
        private func fill(_ node: NodeProcess) throws {
            let client = try node.connect()
            for sql in Self.definitions { try client.ok(sql) }
            for part in 0..<3 { try client.ok("INSERT INTO d.t SELECT seq + \(part * 1000), REPEAT(MD5(seq), 300), NULL FROM d.seq_1_to_1000") }
        }

        private func requireFilled(_ cluster: Cluster, _ slave: NodeProcess) throws {
            try slave.waitUntilServing(within: 120)
            #expect(slave.logText.contains("the snapshot is in use"))
            try waitUntil("\(slave.name) follows") { try slave.status("link").hasPrefix("receiving") }
            try cluster.master.connect().ok("REPLACE INTO d.t VALUES (100001, 'after', NULL)")
            try cluster.requireSameEverywhere()
            for node in cluster.nodes { #expect(Processes.shell("ls \(node.data) | grep -E 'snapshot.sql|copying|loading'").output == "") }
        }

        @Test func `an empty one comes up by a logical copy under a writer`() throws {
            try Cluster.run(slaves: 0) { cluster in
                try fill(cluster.master)
                try cluster.master.purgeBinlog()
                let load = try RepeatingLoad(on: cluster)
                try waitUntil("writes go on") { load.count > 100 }
                let server = try ExternalServer(cluster, "db", ExternalServer.right + ["--server-id=2"])
                let slave = try cluster.add("slave1", server.settings)
                try slave.launch()
                try slave.waitUntilServing(within: 120)
                let count = load.count
                try waitUntil("writes go on") { load.count > count + 100 }
                try load.finish(on: cluster)
                try requireFilled(cluster, slave)
                #expect(cluster.master.logText.contains("kind=logical"))
                #expect(try server.root("SELECT COUNT(*) FROM d.kept FOR SYSTEM_TIME ALL") == "2", "history, too")
            }
        }

        @Test func `a slave that gives one rests, so that definitions may change meanwhile`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster.master)
                try cluster.waitForSlaves()
                try cluster.master.purgeBinlog()
                let load = try Load(on: cluster.master)
                try waitUntil("writes go on", within: 60) { load.acknowledged > 100 }
                let server = try ExternalServer(cluster, "db", ExternalServer.right + ["--server-id=2"])
                let slave = try cluster.add("slave2", server.settings)
                try slave.launch()
                try slave.waitUntilServing(within: 120)
                try load.finish(on: cluster)
                try requireFilled(cluster, slave)
                #expect(cluster.slave(1).logText.contains("snapshot given"))
                #expect(!cluster.master.logText.contains("giving a snapshot"))
            }
        }

        /// The program that loads, stopped when a part of the tables is there.
        private func holdLoad(_ slave: NodeProcess, _ server: ExternalServer) throws {
            let login = "--defaults-file=\(slave.data)/mariadb.copying/login.cnf"
            let pid = try waitFor("it is loaded", within: 60) {
                Processes.all().first { Processes.text(ofFile: "/proc/\($0)/cmdline")?.split(separator: "\0").contains(Substring(login)) ?? false }
            }
            try waitUntil("a part is there") {
                try Processes.hold(pid)
                // The program locks the table itself: only its name can be asked for.
                if try server.root("SELECT table_name FROM information_schema.tables WHERE table_schema = 'd' AND table_name = 't'") == "t" {
                    return true
                }
                kill(pid, SIGCONT)
                return false
            }
        }

        @Test func `one whose node dies in the middle of the load is served when it is whole`() throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let first = try ExternalServer(cluster, "db1", ExternalServer.right + ["--server-id=1"])
            let second = try ExternalServer(cluster, "db2", ExternalServer.right + ["--server-id=2"])
            try first.root("SET GLOBAL log_bin_trust_function_creators=1")
            let master = try cluster.add("master", first.settings)
            try master.launch()
            try master.waitUntilServing()
            try fill(master)
            try first.purgeBinlog()
            let slave = try cluster.add("slave1", second.settings)
            try slave.launch()
            try holdLoad(slave, second)
            #expect(try slave.connect().refused("NOT-READY", "SELECT 1").contains("loading the snapshot"))
            #expect(try slave.status("snapshot").contains("loading the snapshot of "))
            slave.kill()
            #expect(Processes.shell("ls \(slave.data)").output.contains("external.loading"))
            try slave.launch()
            try holdLoad(slave, second)
            #expect(try slave.connect().refused("NOT-READY", "SELECT 1").contains("loading the snapshot"))
            slave.kill()
            try slave.launch()
            try requireFilled(cluster, slave)
            // What came from the cluster may be replaced again.
            try slave.stop()
            try master.connect().ok("DROP TABLE d.log")
            try master.connect().ok("DROP TRIGGER d.told")
            try first.purgeBinlog()
            try slave.launch()
            try waitUntil("it is filled again", within: 60) { slave.logText.count(of: "the snapshot is in use") == 2 }
            try requireFilled(cluster, slave)
        }

        @Test func `one with databases of its own is refused, and untouched`() throws {
            try Cluster.run(slaves: 0) { cluster in
                try fill(cluster.master)
                try cluster.master.purgeBinlog()
                let server = try ExternalServer(cluster, "db", ExternalServer.right + ["--server-id=2"])
                try server.root("SET sql_log_bin=0; CREATE DATABASE mine; CREATE TABLE mine.t (id INT PRIMARY KEY); INSERT INTO mine.t VALUES (7)")
                let slave = try cluster.add("slave1", server.settings)
                for _ in 0..<2 {
                    try slave.launch()
                    try waitUntil("it says why") { (try? slave.status("link"))?.contains("not known to be this cluster's (mine)") ?? false }
                    #expect(try slave.status("link").hasPrefix("needs-snapshot") && slave.status("health").contains("Docs/Operations.md"))
                    try slave.stop()
                }
                #expect(try server.root("SELECT id FROM mine.t") == "7")
                #expect(!slave.logText.contains("taking a snapshot") && !cluster.master.logText.contains("giving a snapshot"))
            }
        }
    }
}

extension String {
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}

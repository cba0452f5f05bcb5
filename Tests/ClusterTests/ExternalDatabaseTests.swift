import Glibc
import Testing

extension WholeClusters {
    /// Databases that somebody else runs.
    @Suite struct ExternalDatabases {
        @Test func `wrong settings are refused with the whole list`() throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let server = try ExternalServer(cluster, "db", ["--log-bin=binlog", "--binlog-format=MIXED"])
            let node = try cluster.add("master", server.settings)
            try node.launch()
            #expect(try node.waitForEnd() == 1)
            for name in ["binlog_format", "gtid_strict_mode", "log_slave_updates", "sync_binlog"] {
                #expect(node.logText.contains("\(name) is "), "\(name): \(node.logText)")
            }
            #expect(!node.logText.contains("gtid_domain_id is"))
        }

        @Test func `with right settings it serves as master and as slave`() throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let first = try ExternalServer(cluster, "db1", ExternalServer.right + ["--server-id=1"])
            let second = try ExternalServer(cluster, "db2", ExternalServer.right + ["--server-id=2"])
            for (name, server) in [("master", first), ("slave1", second)] {
                let node = try cluster.add(name, server.settings)
                try node.launch()
                try node.waitUntilServing()
            }
            let client = try cluster.master.connect()
            try client.ok("CREATE DATABASE d")
            try client.ok("USE d")
            try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, r DOUBLE)")
            try client.ok("INSERT INTO d.t SELECT seq, RAND() FROM seq_1_to_500")
            try cluster.waitForSlaves()
            #expect(try cluster.slave(1).connect().rows("CHECKSUM TABLE d.t") == (try client.rows("CHECKSUM TABLE d.t")))
            try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (1000, 1)")
            #expect(try client.value("SELECT COUNT(*) FROM d.t") == "501")
        }
    }
}

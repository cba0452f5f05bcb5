import Testing

extension WholeClusters {
    /// The binlog's old files.
    @Suite struct Purges {
        private static let database = #"{"options": {"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "32M", "max_binlog_size": "65536"}}"#

        private func run(_ replication: String, _ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(slaves: 1, ["database": Self.database, "replication": replication]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)")
                try body(cluster, client)
            }
        }

        private func write(_ count: Int, _ client: Client) throws {
            for _ in 0..<count { try client.ok("INSERT INTO d.t (v) VALUES (REPEAT('x', 20000))") }
        }

        private func files(_ node: NodeProcess) throws -> Int { try node.root("SHOW BINARY LOGS").split(separator: "\n").count }

        @Test func `what every node has goes once it is old enough`() throws {
            try run(#"{"binlogKeepMs": 1000}"#) { cluster, client in
                try write(40, client)
                #expect(try files(cluster.master) > 4)
                for node in cluster.nodes { try waitUntil("\(node.name)'s are gone") { try files(node) == 2 } }
                try cluster.requireSameEverywhere()
                #expect(try cluster.master.status("binlog.too_short_for") == "")
            }
        }

        @Test func `what a node that is away lacks is kept, up to the size`() throws {
            try run(#"{"binlogKeepMs": 0, "binlogBytesMax": 1048576}"#) { cluster, client in
                cluster.slave(1).kill()
                try write(30, client)
                let before = try files(cluster.master)
                try waitUntil("it has looked") { try cluster.master.status("binlog.files") == "\(before)" }
                try write(60, client)
                try waitUntil("the oldest went") { try cluster.master.status("binlog.too_short_for") == "2" }
                try waitUntil("no more is left than may be") { Int(try cluster.master.status("binlog.bytes")).map { $0 <= 1_048_576 } ?? false }
                try cluster.slave(1).launch()
                try cluster.slave(1).waitUntilServing()
                try waitUntil("it needs none any more") { try cluster.master.status("binlog.too_short_for") == "" }
                try cluster.requireSameEverywhere()
            }
        }
    }
}

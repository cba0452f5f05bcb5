import Testing

extension WholeClusters {
    /// The numbers of a domain are consecutive: a transaction that is missing on the way is noticed.
    @Suite struct Gaps {
        @Test(arguments: ["false", "true"]) func `a frame that is lost on the way is noticed, and comes over the next link`(compression: String)
            throws
        {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let settings = ["replication": #"{"compression": \#(compression)}"#]
            let master = try cluster.add("master", settings)
            let dropper = try FrameDropper(to: master.port)
            defer { dropper.stop() }
            let slave = try cluster.add("slave", settings, through: dropper.port)
            for node in cluster.nodes {
                try node.launch()
                try node.waitUntilServing()
            }
            let client = try master.connect()
            try client.ok("CREATE DATABASE d")
            try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
            try client.ok("INSERT INTO d.t VALUES (1)")
            try cluster.waitForSlaves()
            dropper.dropNext()
            let lost = try #require(try client.ok("INSERT INTO d.t VALUES (2)").gtid)
            try waitUntil("the frame is lost") { dropper.count == 1 }
            for value in 3...6 { try client.ok("INSERT INTO d.t VALUES (\(value))") }
            try cluster.waitForSlaves()
            try cluster.requireSameEverywhere()
            #expect(try slave.connect().value("SELECT GROUP_CONCAT(v ORDER BY v) FROM d.t") == "1,2,3,4,5,6")
            let parts = lost.split(separator: "-").compactMap { UInt64($0) }
            let words = "transaction 0-1-\(parts[2] + 1) comes after 0-1-\(parts[2] - 1): what is between them is missing"
            #expect(slave.logText.contains(words), "\(lost)")
        }

        @Test func `a number that root's session leaves out makes slaves take a snapshot, and no row is missing`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try cluster.master.root("SET gtid_seq_no=5000; INSERT INTO d.t VALUES (1)")
                try client.ok("INSERT INTO d.t VALUES (2)")
                try waitUntil("the slave has a snapshot") { try cluster.slave(1).connect().value("SELECT COUNT(*) FROM d.t") == "2" }
                try client.ok("INSERT INTO d.t VALUES (3)")
                try cluster.waitForSlaves()
                try cluster.requireSameEverywhere()
                #expect(cluster.slave(1).logText.contains("transaction 0-1-5000 comes after 0-1-2: what is between them is missing"))
            }
        }
    }
}

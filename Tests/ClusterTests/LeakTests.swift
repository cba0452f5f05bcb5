import Glibc
import LineProtocol
import Testing

extension WholeClusters {
    /// What is begun and broken off leaves nothing open: no descriptor, no thread, no connection to the database.
    @Suite struct Leaks {
        @Test func `a thousand links that break leave nothing open, and slaves are fed on`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let master = cluster.master
                let client = try master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY)")
                let breakLinks = { (count: Int) in
                    for round in 0..<count {
                        let link = try Stranger.link(to: master)
                        usleep(UInt32(round % 16) * 250)
                        if round % 2 == 0 { link.abort() } else { link.close() }
                    }
                }
                try breakLinks(20)
                let before = try Holdings(master)
                let memory = master.memory
                try breakLinks(1000)
                try master.waitUntilBack(to: before, kept: 2, after: "broken links")
                #expect(master.memory - memory < 48 << 20, "grown by \((master.memory - memory) >> 20) MB")
                try client.ok("INSERT INTO d.t VALUES (1)")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `clients that vanish within a statement or a login leave nothing open`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let node = cluster.master
                try node.connect().ok("CREATE USER u@localhost IDENTIFIED BY 'right'")
                try node.stop()
                node.settings["authentication"] = #""accounts""#
                node.settings["cluster"] = #"{"secret": "of these tests alone"}"#
                try node.launch()
                try waitUntil("it lets the account in") { (try? node.connect().run(".auth u right").error == nil) ?? false }
                let comeAndGo = { (count: Int) in
                    for round in 0..<count {
                        let client = try node.connect(timeout: 10)
                        try client.send(".auth u \(round % 3 == 0 ? "wrong" : "right")\nSELECT SLEEP(20)\n")
                        usleep(UInt32(round % 8) * 500)
                        if round % 2 == 0 { client.abort() } else { client.close() }
                    }
                }
                try comeAndGo(20)
                try waitUntil("the first are forgotten") { try node.root(Self.sleeping) == "0" }
                let before = try Holdings(node)
                try comeAndGo(1000)
                // What idles in the pool is its own.
                try node.waitUntilBack(to: before, kept: 64, after: "clients that vanished")
                try waitUntil("none of their statements runs") { try node.root(Self.sleeping) == "0" }
                let client = try node.connect()
                try client.ok(".auth u right")
                #expect(try client.value("SELECT 1") == "1")
            }
        }

        private static let sleeping = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"

        @Test func `snapshots and verifications that are broken off leave nothing open`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (master, slave) = (cluster.master, cluster.slave(1))
                let client = try master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("USE d")
                for table in 0..<30 {
                    try client.ok("CREATE TABLE d.t\(table) (id INT PRIMARY KEY, a VARCHAR(200))")
                    try client.ok("INSERT INTO d.t\(table) SELECT seq, REPEAT('x', 200) FROM seq_1_to_300")
                }
                try cluster.requireSameEverywhere()
                let before = (try Holdings(master), try Holdings(slave))
                for round in 0..<50 {
                    let asking = try master.connect()
                    try asking.ask(".verify")
                    usleep(UInt32(round % 10) * 2000)
                    asking.abort()
                }
                for round in 0..<20 {
                    let taker = try Stranger.snapshot(of: round % 2 == 0 ? master : slave)
                    usleep(UInt32(round % 5) * 50_000)
                    taker.abort()
                }
                try master.waitUntilBack(to: before.0, kept: 4, after: "snapshots and verifications")
                try slave.waitUntilBack(to: before.1, kept: 4, after: "snapshots and verifications")
                for node in cluster.nodes {
                    try waitUntil("\(node.name) gives no copy any more") { node.copier == nil }
                    try waitUntil("\(node.name) is tidy: \(node.leftovers)") { node.leftovers.isEmpty }
                }
                try client.ok("INSERT INTO d.t1 VALUES (1000, 'after')")
                try cluster.requireSameEverywhere()
            }
        }
    }
}

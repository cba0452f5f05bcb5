import Glibc
import Testing

extension WholeClusters {
    /// Processes die under load; what was acknowledged stays, once, everywhere.
    @Suite struct Crashes {
        /// Kills twice, each time after another so many hundred writes, drawn by a seed that the failure names.
        private func run(
            seed: UInt64 = .random(in: 1...9999), kill: (Cluster) throws -> Void
        ) throws {
            var draw = seed
            try Cluster.run { cluster in
                let load = try Load(on: cluster.master)
                for _ in 0..<2 {
                    draw = draw &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    let goal = load.acknowledged + 60 + Int(draw >> 40 % 200)
                    try waitUntil("writes go on (seed \(seed))", within: 60) { load.acknowledged >= goal }
                    try kill(cluster)
                }
                let goal = load.acknowledged + 100
                try waitUntil("writes go on after the kills (seed \(seed))", within: 60) { load.acknowledged >= goal }
                try load.finish(on: cluster)
                try cluster.requireSameEverywhere()
            }
        }

        /// kill -9 of a node must take its database along; started again, it finds its data.
        private func restart(_ node: NodeProcess) throws {
            let database = try #require(node.databasePID)
            node.kill()
            try waitUntil("\(node.name)'s database ends with it", within: 5) { Processes.isGone(database) }
            try node.launch()
            try node.waitUntilServing()
        }

        /// A database killed alone is started again by its node.
        private func restartDatabase(_ node: NodeProcess) throws {
            let old = try #require(node.databasePID)
            try node.killDatabase()
            try waitUntil("\(node.name) starts its database again") { node.databasePID.map { $0 != old } ?? false }
            try node.waitUntilServing()
        }

        @Test func `a slave's node is killed`() throws { try run { try restart($0.slave(1)) } }
        @Test func `a slave's database is killed`() throws { try run { try restartDatabase($0.slave(1)) } }
        @Test func `the master's node is killed`() throws { try run { try restart($0.master) } }
        @Test func `the master's database is killed`() throws { try run { try restartDatabase($0.master) } }
    }

    /// Slaves that are not there, or not quick, for a while.
    @Suite struct Absences {
        @Test func `a slave that was away goes on where it stopped`() throws {
            try Cluster.run { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, r DOUBLE)")
                try client.ok("INSERT INTO d.t (r) VALUES (RAND())")
                try cluster.waitForSlaves()
                #expect(try cluster.slave(1).stop() == 0)
                for _ in 0..<50 { try client.ok("INSERT INTO d.t (r) VALUES (RAND())") }
                try waitUntil("the master says who is away") { try cluster.master.status("health").contains("away") }
                try cluster.slave(1).launch()
                try cluster.slave(1).waitUntilServing()
                try cluster.requireSameEverywhere()
                try waitUntil("all is well") { try cluster.master.status("health").hasPrefix("All is well") }
            }
        }

        @Test func `.nodes tells how long ago each node was heard, and who is away`() throws {
            try Cluster.run { cluster in
                let (master, here, away) = (cluster.master, cluster.slave(1), cluster.slave(2))
                func row(_ node: NodeProcess, on teller: NodeProcess) throws -> [String?]? {
                    try teller.connect().ok(".nodes").rows.first { $0[2] == "127.0.0.1:\(node.port)" }
                }
                func state(_ node: NodeProcess, on teller: NodeProcess) throws -> String? { try row(node, on: teller)?[3] }
                func seen(_ node: NodeProcess, on teller: NodeProcess) throws -> String? {
                    try row(node, on: teller)?.last ?? nil
                }
                for teller in [master, here] {
                    try waitUntil("\(teller.name) knows of all") { try teller.connect().ok(".nodes").rows.count == 3 }
                    #expect(try seen(teller, on: teller) == "0")
                    for node in cluster.nodes { #expect(try Int(seen(node, on: teller) ?? "") ?? .max < 5000, "\(node.name) on \(teller.name)") }
                }
                let left = ContinuousClock.now
                try away.stop()
                try waitUntil("the master logs why") { master.logText.contains(#"msg="slave left""#) }
                let why = master.logText.split(separator: "\n").first { $0.contains("slave left") } ?? ""
                #expect(why.contains(#"why="the slave closed the link""#) || why.contains(#"why="closed or reset by the other side""#), "\(why)")
                for teller in [master, here] {
                    try waitUntil("\(teller.name) tells its age") { try Int(seen(away, on: teller) ?? "") ?? 0 > 2000 }
                    let (age, elapsed) = (try Int(seen(away, on: teller) ?? "") ?? 0, ContinuousClock.now - left)
                    // It was heard a heartbeat before it was stopped at most.
                    #expect(elapsed > .milliseconds(age - 2000) && elapsed < .milliseconds(age + 30000), "\(age) ms after \(elapsed)")
                }
                #expect(try state(master, on: here) == "serving" && state(away, on: here) == "away")
                master.kill()
                try waitUntil("the slave knows") { try here.status("link").hasPrefix("away") }
                #expect(try state(master, on: here) == "away")
                try waitUntil("the master grows old") { try Int(seen(master, on: here) ?? "") ?? 0 > 1500 }
                try master.launch()
                try master.waitUntilServing()
                #expect(try seen(away, on: master) == nil)
                try waitUntil("it is told so", within: 10) { try seen(away, on: here) == nil && (Int(seen(master, on: here) ?? "") ?? .max) < 1500 }
                #expect(try state(master, on: here) == "serving")
            }
        }

        @Test func `a slave's database that stood still is given all it missed`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (client, slave) = (try cluster.master.connect(), cluster.slave(1))
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)")
                try cluster.waitForSlaves()
                for _ in 0..<2 {
                    let database = try #require(slave.databasePID)
                    try Processes.hold(database)
                    for _ in 0..<25 { try client.ok("INSERT INTO d.t (v) SELECT REPEAT(MD5(seq), 600) FROM d.seq_1_to_100") }
                    kill(database, SIGCONT)
                    try cluster.requireSameEverywhere()
                }
                #expect(!slave.logText.contains("can't be read"), "\(slave.logText)")
            }
        }

        @Test func `a slave that stands still slows nobody and costs the master little memory`() throws {
            try Cluster.run { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, b LONGBLOB)")
                try cluster.waitForSlaves()
                try cluster.slave(1).hold()
                let before = cluster.master.memory
                var most = before
                for number in 0..<75 {
                    let took = try timed { try client.ok("INSERT INTO d.t VALUES (\(number), REPEAT(RANDOM_BYTES(1024), 4096))") }
                    #expect(took < .seconds(8), "write \(number)")
                    most = max(most, cluster.master.memory)
                }
                #expect(most - before < 64 << 20, "the master grew by \((most - before) >> 20) MB while 300 MB were written")
                cluster.slave(1).signal(SIGCONT)
                try cluster.waitForSlaves(within: 120)
                let checksum = "CHECKSUM TABLE d.t"
                let wanted = try client.rows(checksum)
                for slave in cluster.slaves { #expect(try slave.connect().rows(checksum) == wanted) }
            }
        }
    }
}

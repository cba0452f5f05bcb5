import Glibc
import Testing

extension WholeClusters {
    /// Nodes that choose their master by themselves.
    @Suite struct Failovers {
        private static let automatic = ["failover": #"{"mode": "automatic", "clientWaitMs": 20000}"#]

        /// A master without the others does not give up while it is looked at.
        private static let patient = ["failover": #"{"mode": "automatic", "electionTimeoutMs": 3000, "clientWaitMs": 20000}"#]

        private func run(_ settings: [String: String] = [:], _ body: (Cluster) throws -> Void) throws {
            try Cluster.run(Self.automatic.merging(settings) { $1 }) { cluster in
                try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=voter" }
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster)
            }
        }

        /// All three are back: one is master, the others follow it, all is the same everywhere.
        private func requireWhole(_ cluster: Cluster) throws {
            let master = try cluster.waitForLeader()
            for node in cluster.nodes where node !== master {
                try waitUntil("\(node.name) follows") {
                    try node.status("link").hasPrefix("receiving") && node.status("applied") == master.status("applied")
                }
            }
            try cluster.requireSameEverywhere()
        }

        @Test func `another node takes over, and its clients notice nothing`() throws {
            try run { cluster in
                let old = cluster.master
                let clients = try cluster.slaves.map { try $0.connect() }
                for (number, client) in clients.enumerated() { try client.ok("INSERT INTO d.t VALUES (\(number))") }
                old.kill()
                for (number, client) in clients.enumerated() { try client.ok("INSERT INTO d.t VALUES (\(10 + number))") }
                let new = try cluster.waitForLeader()
                #expect(new !== old)
                #expect(try new.connect().ok(".role").word("epoch") == "2")
                try old.launch()
                try old.waitUntilServing()
                #expect(try old.connect().ok(".role").word("role") == "slave")
                try requireWhole(cluster)
                #expect(try old.connect().rows("SELECT v FROM d.t ORDER BY v") == ["0", "1", "10", "11"])
                #expect(try old.connect().value("SELECT GROUP_CONCAT(epoch) FROM ddbnode.epochs") == "2")
            }
        }

        @Test func `the death of the master's database alone changes the master`() throws {
            try run { cluster in
                let client = try cluster.slave(1).connect()
                for round in 0..<3 {
                    let old = try cluster.waitForLeader()
                    try old.killDatabase()
                    try waitUntil("another leads") { try cluster.waitForLeader() !== old }
                    try client.ok("INSERT INTO d.t VALUES (\(round))")
                    try requireWhole(cluster)
                }
            }
        }

        @Test func `what a dead master wrote and nobody else has is taken back, and kept for a look`() throws {
            try run(Self.patient) { cluster in
                let old = cluster.master
                for slave in cluster.slaves { slave.kill() }
                let writers = try (1...2).map { _ in try old.connect() }
                for (number, writer) in writers.enumerated() { try writer.send("INSERT INTO d.t VALUES (\(number))\n") }
                try waitUntil("they wait") { try old.root("SELECT @@gtid_binlog_pos").hasSuffix("-4") }
                old.kill()
                for slave in cluster.slaves { try slave.launch() }
                for slave in cluster.slaves { try slave.waitUntilServing() }
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (10)")
                try old.launch()
                try old.waitUntilServing()
                try requireWhole(cluster)
                for node in cluster.nodes { #expect(try node.connect().rows("SELECT v FROM d.t") == ["10"], "\(node.name)") }
                #expect(old.logText.contains("transactions=2"), "\(old.logText)")
                let saved = Processes.shell("mariadb-binlog \(old.data)/cut-off/*.binlog | grep -c 'GTID 0-1-[34] '")
                #expect(saved.output == "2\n", "\(saved.output)")
            }
        }

        @Test func `a definition that nobody else has can't be taken back: the node is built anew`() throws {
            try run(Self.patient) { cluster in
                let old = cluster.master
                for slave in cluster.slaves { slave.kill() }
                try old.connect().send("CREATE TABLE d.lost (a INT)\n")
                try waitUntil("it waits") { try old.root("SELECT @@gtid_binlog_pos").hasSuffix("-3") }
                old.kill()
                for slave in cluster.slaves { try slave.launch() }
                for slave in cluster.slaves { try slave.waitUntilServing() }
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (1)")
                try old.launch()
                try old.waitUntilServing(within: 90)
                try requireWhole(cluster)
                try old.connect().refused("1146", "SELECT * FROM d.lost")
                #expect(old.logText.contains("built anew from a snapshot"))
                let kept = Processes.shell("mariadb-binlog \(old.data)/cut-off/replaced-*/binlog.* | grep -c 'CREATE TABLE d.lost'")
                #expect(kept.output == "1\n", "\(kept.output)")
            }
        }

        @Test func `a master that is cut off stops serving, and its writes are not seen`() throws {
            try run(["failover": #"{"mode": "automatic", "clientWaitMs": 2000}"#]) { cluster in
                let old = cluster.master
                let reader = try old.connect()
                for slave in cluster.slaves { try slave.hold() }
                try waitUntil("it is no master any more") { try reader.ok(".role").word("role") != "master" }
                #expect(try reader.run("INSERT INTO d.t VALUES (1)").error != nil)
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                try requireWhole(cluster)
                try reader.ok("INSERT INTO d.t VALUES (2)")
                try requireWhole(cluster)
            }
        }

        @Test func `a master that stood still for a while finds another in its place`() throws {
            try run { cluster in
                let old = cluster.master
                let waiting = try old.connect()
                try old.hold()
                let client = try cluster.slave(1).connect()
                try client.ok("INSERT INTO d.t VALUES (1)")
                old.signal(SIGCONT)
                try waitUntil("it follows") { try old.connect().ok(".role").word("role") == "slave" }
                try waiting.ok("INSERT INTO d.t VALUES (2)")
                try requireWhole(cluster)
                #expect(try old.connect().rows("SELECT v FROM d.t ORDER BY v") == ["1", "2"])
            }
        }

        @Test func `after the end of all at once all is there`() throws {
            try run { cluster in
                let client = try cluster.master.connect()
                for value in 1...20 { try client.ok("INSERT INTO d.t VALUES (\(value))") }
                for node in cluster.nodes { node.kill() }
                for node in cluster.nodes { try node.launch() }
                for node in cluster.nodes { try node.waitUntilServing() }
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (21)")
                try requireWhole(cluster)
                #expect(try cluster.slave(2).connect().value("SELECT COUNT(*) FROM d.t") == "21")
                for node in cluster.nodes { try node.stop() }
                for node in cluster.nodes { try node.launch() }
                for node in cluster.nodes { try node.waitUntilServing() }
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (22)")
                try requireWhole(cluster)
            }
        }

        @Test func `a change of master is asked for, and no client sees an error`() throws {
            try run { cluster in
                let load = try cluster.nodes.enumerated().map { number, node in try Writer(node, from: (number + 1) * 100_000) }
                let json = try cluster.slave(1).connect()
                try json.send(".format json\n")
                #expect(try json.line().contains("json"))
                for round in 0..<4 {
                    let old = try cluster.waitForLeader()
                    // On its way while the master changes.
                    for value in 0..<20 { try json.send("INSERT INTO d.t VALUES (\(round * 20 + value))\n") }
                    let reply = try old.connect().ok(".switchover")
                    for _ in 0..<20 {
                        let line = try json.line()
                        #expect(!line.contains("error"), "\(line)")
                    }
                    #expect(reply.word("took_ms").flatMap { Int($0) } ?? .max < 2000)
                    try waitUntil("another leads") { try cluster.waitForLeader() !== old }
                    try waitUntil("all follow") { try cluster.nodes.allSatisfy { try $0.connect().ok(".role").word("master") != "-" } }
                }
                for writer in load { #expect(try writer.end() > 0) }
                try requireWhole(cluster)
                let written = load.map(\.acknowledged).reduce(80, +)
                #expect(try cluster.slave(1).connect().value("SELECT COUNT(*) FROM d.t") == "\(written)")
            }
        }

        @Test func `a change of master waits for transactions, and not for ever`() throws {
            try run(["failover": #"{"mode": "automatic", "clientWaitMs": 2000}"#]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("BEGIN")
                try client.ok("INSERT INTO d.t VALUES (1)")
                let words = try cluster.master.connect().refused("NOT-READY", ".switchover")
                #expect(words.contains("1 transactions or writes stayed open"), "\(words)")
                try client.ok("COMMIT")
                try cluster.slave(1).connect().refused("NOT-MASTER", ".switchover")
                try cluster.master.connect().refused("UNKNOWN-NODE", ".switchover 9")
                #expect(try cluster.master.connect().ok(".switchover 3").word("master") == "3")
                try requireWhole(cluster)
            }
        }
    }

    /// Nodes whose master an operator chooses.
    @Suite struct Promotions {
        @Test func `of two nodes one is made master by force, and the other comes back to it`() throws {
            try Cluster.run(slaves: 1, ["failover": #"{"mode": "automatic", "clientWaitMs": 1000}"#]) { cluster in
                let (old, new) = (cluster.master, cluster.slave(1))
                try waitUntil("both vote") { try old.status("members") == "1=voter 2=voter" }
                #expect(try old.status("failover").hasPrefix("by hand: of two voting nodes"))
                let client = try old.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                #expect(try new.connect().refused("BAD-REQUEST", ".promote").contains("say .switchover 2 there"))
                old.kill()
                #expect(try new.connect().refused("NO-QUORUM", ".promote").contains(".promote force"))
                let reply = try new.connect().ok(".promote force")
                #expect(reply.word("epoch") == "2" && reply.word("without") == "1" && reply.word("keeps") == "0-1-2", "\(reply)")
                try new.connect().ok("INSERT INTO d.t VALUES (1)")
                try old.launch()
                try old.waitUntilServing()
                try waitUntil("it follows, and votes again") { try new.status("members") == "1=voter 2=voter" }
                #expect(try old.connect().ok(".role").word("role") == "slave")
                try waitUntil("it has all") { try old.connect().value("SELECT COUNT(*) FROM d.t") == "1" }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `of three nodes the one that has most is made master, and nothing is lost`() throws {
            try Cluster.run { cluster in
                let old = cluster.master
                try waitUntil("all vote") { try old.status("members") == "1=voter 2=voter 3=voter" }
                let client = try old.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try cluster.slave(2).hold()
                try client.ok("INSERT INTO d.t VALUES (1)")
                old.kill()
                // What was on its way to it is gone.
                cluster.slave(2).kill()
                try cluster.slave(2).launch()
                try cluster.slave(2).waitUntilServing()
                #expect(try cluster.slave(2).connect().refused("NOT-READY", ".promote").contains("has more than this one"))
                #expect(try cluster.slave(1).connect().ok(".promote").word("epoch") == "2")
                try cluster.slave(2).connect().ok("INSERT INTO d.t VALUES (2)")
                try old.launch()
                try old.waitUntilServing()
                #expect(try old.connect().ok(".role").word("role") == "slave")
                try waitUntil("it has all") { try old.connect().value("SELECT COUNT(*) FROM d.t") == "2" }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a master whose machine went down, and that others may have more from, does not go on unasked`() throws {
            try Cluster.run(["failover": #"{"mode": "automatic"}"#]) { cluster in
                let old = cluster.master
                try waitUntil("all vote") { try old.status("members") == "1=voter 2=voter 3=voter" }
                try old.connect().ok("CREATE DATABASE d")
                try old.connect().ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                let state = old.data + "/node.state"
                #expect(Processes.text(ofFile: state)?.contains("ahead=yes\n") ?? false, "slaves get it before the disk has it")
                for node in cluster.nodes { node.kill() }
                old.settings["failover"] = #"{"mode": "manual"}"#
                try old.launch()
                try waitUntil("it goes on") { (try? old.connect().ok(".role").word("role")) == "master" }
                #expect(Processes.text(ofFile: state)?.contains("ahead=yes\n") == false, "the machine runs on, so the disk has it by now")
                old.kill()
                // Its first line is a checksum, which files of earlier releases lack.
                let changed = Processes.shell("sed -i -e 1d -e s/^boot=.*/boot=an-earlier-one/ \(state) && echo ahead=yes >> \(state)")
                try #require(changed.code == 0, "\(changed.output)")
                try old.launch()
                try waitUntil("it is up") { (try? old.connect().ok(".role").word("role")) == "slave" }
                #expect(old.logText.contains("does not lead unasked"))
                try waitUntil("it is made master") { try old.connect().run(".promote force").error == nil }
                try old.connect().ok("INSERT INTO d.t VALUES (1)")
            }
        }
    }
}

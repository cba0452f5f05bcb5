import Glibc
import Testing

extension WholeClusters {
    /// A disk that lost a part of what a node keeps.
    @Suite struct Damages {
        private static let automatic = ["failover": #"{"mode": "automatic", "electionTimeoutMs": 1000, "clientWaitMs": 20000}"#]

        /// What is done to the journal of a node that is down.
        enum Loss: String, CaseIterable {
            case bitFlipped, tailCut, folderGone, headDamaged

            func happens(to node: NodeProcess) throws {
                let journal = node.data + "/journal"
                let newest = Processes.shell("ls \(journal)/journal.* | tail -n 1").output.split(separator: "\n").first.map(String.init) ?? ""
                let bytes = Processes.shell("mariadb-binlog \(newest) 2>/dev/null | grep -o '^# at [0-9]*' | tail -n 1").output
                let end = try #require(Int(bytes.split(separator: " ").last?.filter(\.isNumber) ?? ""))
                switch self {
                case .bitFlipped: try flip(newest, end / 2)
                case .headDamaged: try flip(newest, 60)
                case .tailCut: Processes.shell("truncate -s \(end / 2) \(newest)")
                case .folderGone: Processes.shell("rm -r \(journal)")
                }
            }

            private func flip(_ path: String, _ offset: Int) throws {
                let descriptor = open(path, O_RDWR)
                defer { close(descriptor) }
                var byte: UInt8 = 0
                try #require(pread(descriptor, &byte, 1, off_t(offset)) == 1)
                byte ^= 4
                try #require(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
            }
        }

        private func run(_ body: (Cluster) throws -> Void) throws {
            try Cluster.run(Self.automatic) { cluster in
                try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=voter" }
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster)
            }
        }

        /// Rows that the first slave acknowledges without applying them, and the second never hears of.
        private func write(_ rows: Int, _ cluster: Cluster) throws {
            cluster.slave(2).kill()
            // Its node would start replica threads that were stopped.
            try Processes.hold(try #require(cluster.slave(1).databasePID))
            let client = try cluster.master.connect()
            for row in 0..<rows { try client.ok("INSERT INTO d.t VALUES (\(row))") }
        }

        @Test(arguments: Loss.allCases) func `what a damaged node acknowledged is not lost in an election, and it mends itself`(loss: Loss) throws {
            try run { cluster in
                try write(100, cluster)
                let (old, damaged, behind) = (cluster.master, cluster.slave(1), cluster.slave(2))
                damaged.kill()
                old.kill()
                try loss.happens(to: damaged)
                for node in [damaged, behind] { try node.launch() }
                try waitUntil("it says so") { damaged.logText.contains("this node's log ends before what it once acknowledged") }
                let health = try damaged.status("health")
                #expect(health.contains("it acknowledged up to 0-1-10"), "\(health)")
                #expect(health.contains("has lost a part of its log"))
                #expect(loss == .tailCut || loss == .folderGone || damaged.logText.contains("the journal is damaged: it ends before the damage now"))
                // The other one asks for votes meanwhile, some times in each timeout.
                let deadline = ContinuousClock.now + .seconds(5)
                while ContinuousClock.now < deadline { try #require(cluster.leader == nil) }
                try old.launch()
                let master = try cluster.waitForLeader()
                #expect(master === old, "no other has all of it")
                for node in cluster.nodes where node !== master {
                    try waitUntil("\(node.name) follows") {
                        try node.status("link").hasPrefix("receiving") && node.status("applied") == master.status("applied")
                    }
                }
                try cluster.requireSameEverywhere()
                #expect(try damaged.connect().value("SELECT COUNT(*) FROM d.t") == "100")
                try waitUntil("it is whole again") { damaged.logText.contains("this node has again all that it once acknowledged") }
                #expect(try damaged.status("journal.damage") == "none")
                try waitUntil("all is well") { try damaged.status("health").hasPrefix("All is well") }
                // And as good as any: it can lead.
                try master.connect().ok(".switchover \(damaged.status("node"))")
                #expect(try damaged.connect().value("SELECT COUNT(*) FROM d.t") == "100")
            }
        }

        @Test func `where no node has all of it, an operator says that it is given up`() throws {
            try run { cluster in
                try write(100, cluster)
                let (damaged, behind) = (cluster.slave(1), cluster.slave(2))
                damaged.kill()
                cluster.master.kill()
                try Loss.bitFlipped.happens(to: damaged)
                for node in [damaged, behind] { try node.launch() }
                try waitUntil("it says so") { damaged.logText.contains("this node's log ends before what it once acknowledged") }
                #expect(try damaged.status("health").contains(".promote force on the node that has most"))
                try waitUntil("the other one's database runs") { try behind.status("database") == "up" }
                try behind.waitUntilServing()
                let refused = try damaged.connect().run(".promote").error
                #expect(refused?.message.contains("has lost a part of its log") == true, "\(refused.map { $0.message } ?? "-")")
                let (other, id) = (try behind.connect().run(".promote").error, try damaged.status("node"))
                #expect(other?.message.contains("node \(id) ") == true, "\(other.map { $0.message } ?? "-")")
                let client = try damaged.connect()
                try client.ok(".promote force")
                try waitUntil("it takes writes") { try client.run("INSERT INTO d.t VALUES (1000)").error == nil }
                let count = try #require(Int(try client.value("SELECT COUNT(*) FROM d.t") ?? ""))
                #expect((2..<101).contains(count), "\(count)")
                #expect(Processes.shell("ls \(damaged.data)/cut-off/damaged-1").output.hasPrefix("journal."))
            }
        }

        @Test func `a former master whose binlog is damaged is built anew`() throws {
            try run { cluster in
                let old = cluster.master
                for row in 0..<50 { try old.connect().ok("INSERT INTO d.t VALUES (\(row))") }
                let binlog = old.data + "/mariadb/" + (try old.root("SHOW MASTER STATUS").split(separator: "\t").first.map(String.init) ?? "")
                old.kill()
                let new = try cluster.waitForLeader()
                let descriptor = open(binlog, O_RDWR)
                var bytes: [UInt8] = [0, 0, 0, 0]
                try #require(pread(descriptor, &bytes, 4, 6000) == 4)
                bytes = bytes.map { $0 ^ 1 }
                try #require(pwrite(descriptor, &bytes, 4, 6000) == 4)
                close(descriptor)
                try old.launch()
                try old.waitUntilServing(within: 90)
                try waitUntil("it has all") { try old.status("applied") == new.status("applied") && old.status("journal.damage") == "none" }
                #expect(old.logText.contains("the binlog of its database, which was the master's, can't be read"))
                try cluster.requireSameEverywhere()
            }
        }

        @Test(arguments: ["node.state", "members"]) func `a damaged file of its own stops the node, in words`(name: String) throws {
            try Cluster.run(slaves: 1) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.waitForSlaves()
                let slave = cluster.slave(1)
                try slave.stop()
                let path = "\(slave.data)/\(name)"
                let text = try #require(Processes.text(ofFile: path))
                for damaged in [text.replacing("voter", with: "vnter").replacing("uuid=", with: "uvid="), String(text.dropLast(1)), nil] {
                    if let damaged { try Processes.write(damaged, to: path) } else { unlink(path) }
                    try slave.launch()
                    #expect(try slave.waitForEnd() != 0)
                    #expect(slave.logText.contains("\(path)") && slave.logText.contains("is damaged"), "\(slave.logText)")
                }
                try Processes.write(name == "members" ? Processes.text(ofFile: "\(cluster.master.data)/members") ?? "" : text, to: path)
                try slave.launch()
                try slave.waitUntilServing()
            }
        }
    }
}

import Glibc
import Testing

extension WholeClusters {
    /// Slaves that can't be filled from the master's binlog copy its database.
    @Suite struct Snapshots {
        @Test func `a new slave that can't replay says what it does, gets everything, and follows`() throws {
            try Cluster.run(slaves: 0) { cluster in
                try cluster.fillUnreplayable()
                let slave = try cluster.add("slave1")
                try slave.launch()
                let pid = try cluster.master.holdCopy(to: slave)
                let words = try slave.connect().refused("NOT-READY", "SELECT 1")
                #expect(words.contains("snapshot") && words.contains("receiving") && words.contains("bytes"), "\(words)")
                #expect(try slave.status("link").hasPrefix("taking-snapshot: receiving"))
                #expect(try slave.status("health").contains("takes a snapshot"))
                #expect(try cluster.master.status("snapshot.serving").contains(" bytes to 2@"))
                try waitUntil("the master says so") { try cluster.master.connect().rows(".nodes").contains { $0.contains("taking-snapshot") } }
                // Written while the copy is under way: in it, or sent after it.
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (100000, 'during')")
                kill(pid, SIGCONT)
                try cluster.requireFollowing()
                #expect(slave.logText.contains("the snapshot is in use"))
                #expect(try cluster.master.status("snapshot.serving") == "none")
                try slave.stop()
                try slave.launch()
                try requireFollowingAgain(cluster)
            }
        }

        /// Through a restart, too.
        private func requireFollowingAgain(_ cluster: Cluster) throws {
            try cluster.slave(1).waitUntilServing()
            try cluster.master.connect().ok("INSERT INTO d.t VALUES (100002, 'restarted')")
            try cluster.requireSameEverywhere()
        }

        @Test func `a long history is copied, not replayed`() throws {
            let settings = ["replication": #"{"snapshotAfterTransactions": 4}"#]
            try Cluster.run(slaves: 0, settings) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT)")
                let early = try cluster.add("slave1", settings)
                try early.launch()
                try early.waitUntilServing()
                for number in 0..<5 { try client.ok("INSERT INTO d.t VALUES (\(number), 'x')") }
                let late = try cluster.add("slave2", settings)
                try late.launch()
                try cluster.requireFollowing()
                #expect(
                    !early.logText.contains("taking a snapshot") && early.logText.contains("snapshot given")
                        && late.logText.contains("the snapshot is in use"))
            }
        }

        @Test func `a copy that is made under load lacks nothing, and nothing is in it twice`() throws {
            let settings = ["replication": #"{"snapshotAfterTransactions": 4}"#]
            try Cluster.run(slaves: 0, settings) { cluster in
                let load = try Load(on: cluster.master)
                for number in 1...3 {
                    let goal = load.acknowledged + 100
                    try waitUntil("writes go on", within: 60) { load.acknowledged >= goal }
                    let slave = try cluster.add("slave\(number)", settings)
                    try slave.launch()
                    try slave.waitUntilServing(within: 120)
                    #expect(slave.logText.contains("the snapshot is in use"))
                }
                try load.finish(on: cluster)
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a master killed in the middle of a snapshot gives another when it is back`() throws {
            try Cluster.run(slaves: 0) { cluster in
                try cluster.fillUnreplayable()
                let slave = try cluster.add("slave1")
                try slave.launch()
                let pid = try cluster.master.holdCopy(to: slave)
                cluster.master.kill()
                try waitUntil("the copying program ends with its node") { Processes.isGone(pid) }
                try waitUntil("the slave knows") { slave.logText.contains("the snapshot broke off") }
                #expect(try slave.connect().refused("NOT-READY", "SELECT 1").contains("snapshot"))
                try waitUntil("what came is removed") { !slave.leftovers.contains("mariadb.receiving") }
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try cluster.requireFollowing()
            }
        }

        @Test func `a slave killed in the middle of a snapshot takes another when it is back`() throws {
            try Cluster.run(slaves: 0) { cluster in
                try cluster.fillUnreplayable()
                let slave = try cluster.add("slave1")
                try slave.launch()
                let pid = try cluster.master.holdCopy(to: slave)
                slave.kill()
                try waitUntil("the master ends the copy") { Processes.isGone(pid) }
                #expect(slave.leftovers.contains("mariadb.receiving"))
                try slave.launch()
                try cluster.requireFollowing()
            }
        }

        @Test func `a slave killed while its database changes to the snapshot goes on with it`() throws {
            try Cluster.run(slaves: 0) { cluster in
                try cluster.fillUnreplayable()
                let slave = try cluster.add("slave1")
                try slave.launch()
                // From here on until the position is set, what is there is the copy, and not yet a database that can be gone on with.
                try waitUntil("the copy is put in place", within: 60) { slave.leftovers.contains("mariadb.before") }
                slave.kill()
                #expect(slave.leftovers.contains("mariadb.before") && !slave.logText.contains("the snapshot is in use"))
                try slave.launch()
                try cluster.requireFollowing()
            }
        }

        @Test func `an old slave that the binlog no longer reaches serves what it has, and recovers by itself`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let slave = cluster.slave(1)
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE old")
                try client.ok("CREATE TABLE old.t (id INT PRIMARY KEY)")
                try client.ok("INSERT INTO old.t VALUES (1)")
                try cluster.waitForSlaves()
                try slave.stop()
                try client.ok("INSERT INTO old.t VALUES (2)")
                try cluster.fillUnreplayable()
                try slave.launch()
                let pid = try cluster.master.holdCopy(to: slave)
                #expect(try slave.connect().rows("SELECT id FROM old.t") == ["1"], "it answers with what it has")
                #expect(try slave.status("health").contains("takes a snapshot"))
                kill(pid, SIGCONT)
                try waitUntil("it has the copy", within: 60) { slave.logText.contains("the snapshot is in use") }
                try cluster.requireFollowing()
                #expect(slave.logText.contains("the journal begins anew"))
            }
        }

        @Test func `one snapshot is given at a time, the other slave waits`() throws {
            try Cluster.run(slaves: 0, ["replication": "{\"acks\": 0}"]) { cluster in
                try cluster.fillUnreplayable()
                let (first, second) = (try cluster.add("slave1"), try cluster.add("slave2"))
                try first.launch()
                let pid = try cluster.master.holdCopy(to: first)
                try second.launch()
                try waitUntil("the second waits") { (try? second.status("link"))?.contains(", 1 other first") ?? false }
                #expect(try second.connect().refused("NOT-READY", "SELECT 1").contains("waiting for its turn"))
                #expect(try cluster.master.status("snapshot.waiting") == "1")
                kill(pid, SIGCONT)
                try cluster.requireFollowing()
            }
        }

        @Test func `a slave that takes nothing does not hold the copy up for good`() throws {
            let settings = ["replication": #"{"heartbeatMs": 200, "peerTimeoutMs": 1500, "sendBufferBytes": 65536}"#]
            try Cluster.run(slaves: 0, settings) { cluster in
                try cluster.fillUnreplayable()
                let slave = try cluster.add("slave1", settings)
                try slave.launch()
                let pid = try cluster.master.holdCopy(to: slave)
                // The node lives and talks, its disk stands still.
                try waitUntil("the copy is unpacked") { slave.unpacker != nil }
                let unpacker = try #require(slave.unpacker)
                try Processes.hold(unpacker)
                kill(pid, SIGCONT)
                try waitUntil("the master ends the copy") { Processes.isGone(pid) }
                #expect(cluster.master.logText.contains("took nothing of it"))
                // Whatever the copy held is free again.
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (100000, 'meanwhile')")
                try cluster.requireFollowing()
                #expect(Processes.isGone(unpacker))
            }
        }

        @Test func `files on which no database starts give way to those that they replaced`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (client, slave) = (try cluster.master.connect(), cluster.slave(1))
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT)")
                try cluster.waitForSlaves()
                try slave.stop()
                // As a crash leaves a snapshot that was put in place and is not started yet.
                let broken = Processes.shell(
                    "cd \(slave.data) && mv mariadb mariadb.before && mkdir mariadb && echo 0-1-2 > mariadb/ddbnode.snapshot && echo no > mariadb/ibdata1"
                )
                try #require(broken.code == 0, "\(broken.output)")
                try slave.launch()
                try cluster.requireFollowing()
                #expect(slave.logText.contains("the old files are put back"))
            }
        }

        @Test func `a copy that holds more than it is said to gives way to what it replaced`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (client, slave) = (try cluster.master.connect(), cluster.slave(1))
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT)")
                try client.ok("INSERT INTO d.t VALUES (1, 'x')")
                try cluster.waitForSlaves()
                try slave.stop()
                // With this position the last row would be inserted a second time.
                let wrong = Processes.shell("cd \(slave.data) && cp -a mariadb mariadb.before && echo 0-1-2 > mariadb/ddbnode.snapshot")
                try #require(wrong.code == 0, "\(wrong.output)")
                try slave.launch()
                try cluster.requireFollowing()
                #expect(slave.logText.contains("it holds 0-1-3 and was said to be at 0-1-2"))
            }
        }

        @Test func `a slave with more than its master has is left as it is`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (client, slave) = (try cluster.master.connect(), cluster.slave(1))
                try client.ok("CREATE DATABASE d")
                for number in 0..<5 { try client.ok("CREATE TABLE d.t\(number) (id INT PRIMARY KEY)") }
                try cluster.waitForSlaves()
                try slave.stop()
                try cluster.master.root("RESET MASTER")
                try cluster.master.stop()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try cluster.master.connect().ok("CREATE TABLE d.other (id INT PRIMARY KEY)")
                try slave.launch()
                try slave.waitUntilServing()
                try waitUntil("it says why") { try slave.status("link").contains("only this node has") }
                #expect(try slave.status("link").hasPrefix("needs-snapshot"))
                #expect(try slave.connect().value("SELECT COUNT(*) FROM d.t4") == "0")
                #expect(cluster.master.copier == nil)
            }
        }
    }
}

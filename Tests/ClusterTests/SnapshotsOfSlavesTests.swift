import Glibc
import Testing

extension WholeClusters {
    /// Copies are made of slaves, so that the master has none to make.
    @Suite struct SnapshotsOfSlaves {
        /// The slave that gives, once it does, and the others.
        private func giver(_ cluster: Cluster) throws -> NodeProcess {
            try waitFor("a slave gives a copy") { cluster.slaves.first { $0.copier != nil } }
        }

        @Test func `a fourth node joins from a slave while writers run, and the master copies nothing`() throws {
            try Cluster.run { cluster in
                let load = try Load(on: cluster.master)
                try waitUntil("writes go on", within: 60) { load.acknowledged >= 300 }
                let late = try cluster.add("slave3", ["replication": #"{"snapshotAfterTransactions": 100}"#])
                try late.launch()
                try late.waitUntilServing(within: 120)
                let goal = load.acknowledged + 100
                try waitUntil("writes go on", within: 60) { load.acknowledged >= goal }
                try load.finish(on: cluster)
                try cluster.requireSameEverywhere()
                #expect(late.logText.contains("the snapshot is in use"))
                #expect(!cluster.master.logText.contains("giving a snapshot"))
                #expect(cluster.slaves.contains { $0.logText.contains("snapshot given") })
            }
        }

        @Test func `a slave that gives a copy goes on acknowledging, and applies again after it`() throws {
            try Cluster.run { cluster in
                try cluster.fillUnreplayable()
                try cluster.waitForSlaves()
                let late = try cluster.add("slave3")
                try late.launch()
                let giver = try giver(cluster)
                let pid = try giver.holdCopy(to: late)
                #expect(try giver.status("snapshot.serving").contains(" bytes to 4@"))
                #expect(try late.status("link").contains("receiving from node \(try giver.status("node")) at"))
                try waitUntil("the master says so") { try cluster.master.connect().rows(".nodes").contains { $0.contains("taking-snapshot") } }
                let other = try #require(cluster.slaves.first { $0 !== giver && $0 !== late })
                try other.hold()
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (100000, 'during')")
                other.signal(SIGCONT)
                // The copy's position is right only while nothing is applied.
                for _ in 0..<12 {
                    usleep(250_000)
                    #expect(try giver.root("SHOW STATUS LIKE 'Slave_running'").hasSuffix("OFF"))
                }
                #expect(try giver.status("received") != giver.status("applied"))
                late.kill()
                try waitUntil("the copy is broken off") { Processes.isGone(pid) }
                try waitUntil("it is applied now") { try giver.connect().value("SELECT v FROM d.t WHERE id = 100000") == "during" }
                try late.launch()
                try cluster.requireFollowing()
                #expect(late.logText.contains("the snapshot is in use"))
                #expect(!giver.logText.contains("does not apply"))
            }
        }

        @Test func `where a slave breaks off the next is asked, and the master in the end`() throws {
            try Cluster.run(["replication": #"{"acks": 0}"#]) { cluster in
                try cluster.fillUnreplayable()
                try cluster.waitForSlaves()
                let late = try cluster.add("slave3", ["replication": #"{"acks": 0}"#])
                try late.launch()
                for _ in 0..<2 {
                    let giver = try giver(cluster)
                    _ = try giver.holdCopy(to: late)
                    giver.kill()
                    try waitUntil("its copy is over") { giver.copier == nil }
                }
                let pid = try cluster.master.holdCopy(to: late)
                #expect(try late.status("link").contains("receiving from the master"))
                kill(pid, SIGCONT)
                try late.waitUntilServing()
                for slave in cluster.slaves where slave !== late { try slave.launch() }
                try cluster.requireFollowing()
            }
        }

        @Test func `a slave that is elected breaks its copy off and takes over, and the taker goes to the next`() throws {
            let settings = ["failover": #"{"mode": "automatic"}"#]
            try Cluster.run(settings) { cluster in
                try cluster.fillUnreplayable()
                try cluster.waitForSlaves()
                let late = try cluster.add("slave3", settings)
                try late.launch()
                let giver = try giver(cluster)
                let pid = try giver.holdCopy(to: late)
                // It votes, and does not stand itself.
                let other = try #require(cluster.slaves.first { $0 !== giver && $0 !== late })
                other.settings["failover"] = #"{"mode": "manual"}"#
                try other.writeConfiguration()
                other.signal(SIGHUP)
                try waitUntil("it has read that") { other.logText.contains("configuration") }
                cluster.master.kill()
                try waitUntil("the giving slave leads") { try giver.status("role") == "master" }
                #expect(Processes.isGone(pid))
                try giver.waitUntilServing()
                try giver.connect().ok("INSERT INTO d.t VALUES (100000, 'elected')")
                try late.waitUntilServing()
                try waitUntil("the taker has all") { try late.connect().value("SELECT v FROM d.t WHERE id = 100000") == "elected" }
                #expect(try late.connect().value("SELECT COUNT(*) FROM d.t") == "6001")
                #expect(other.logText.contains("snapshot given"))
            }
        }
    }
}

import Testing

extension WholeClusters {
    /// How a cluster begins: its master first, under its own id.
    @Suite struct Founding {
        @Test(arguments: 1...5) func `whoever dials a master that is just being born never gets the master's id`(round: Int) throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let master = try cluster.add("master")
            let knockers = (1...4).map { Knocker(port: master.port, uuid: "knocker\($0)") }
            defer { for knocker in knockers { knocker.stop() } }
            try master.launch()
            try waitUntil("all were let in") { knockers.allSatisfy { $0.id != nil } }
            try master.waitUntilServing()
            #expect(Set(knockers.compactMap(\.id)) == [2, 3, 4, 5])
            #expect(knockers.contains { $0.refused > 0 }, "some came too early")
            #expect(try master.status("node") == "1")
            #expect(try master.status("members") == "1=voter 2=learner 3=learner 4=learner 5=learner")
            // It is so on its disk, too.
            master.kill()
            try master.launch()
            try master.waitUntilServing()
            #expect(try master.status("members").hasPrefix("1=voter 2="))
        }

        @Test func `a master that can't store its list is none, and says why`() throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let master = try cluster.add("master")
            // Where the new file would be written something stands in the way.
            Processes.shell("mkdir -p \(master.data)/members.new/x")
            try master.launch()
            #expect(try master.waitForEnd() == 1)
            #expect(master.logText.contains("ddbnode: this node can't be master: the list of members could not be stored"))
        }

        /// As an earlier release could leave it: the slaves came before the master stood in its own list.
        @Test func `a master that is missing in its list does not run by it, and the way out leads to a whole cluster`() throws {
            try Cluster.run { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.master.connect().ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (1)")
                try cluster.waitForSlaves()
                for node in cluster.nodes.reversed() { try node.stop() }
                let list = cluster.master.data + "/members"
                let lines = try #require(Processes.text(ofFile: list)).split(separator: "\n").filter {
                    !$0.contains(" 1 127.0.0.1") && !$0.hasPrefix("checked ")
                }
                let wrong = lines.map { $0.replacing(" 2 127.0.0.1", with: " 1 127.0.0.1").replacing(" 3 127.0.0.1", with: " 2 127.0.0.1") }
                try Processes.write(wrong.joined(separator: "\n") + "\n", to: list)

                try cluster.master.launch()
                #expect(try cluster.master.waitForEnd() == 2)
                let words = "id 1 is this node's, by its node.state, and in the list it is that of another node"
                #expect(cluster.master.logText.contains("ddbnode: the list of members in \(list) is wrong: \(words)"))

                // As Docs/Operations.md has it.
                Processes.shell("mv \(list) \(list).wrong")
                for slave in cluster.slaves { Processes.shell("mv \(slave.data) \(slave.data).before") }
                for node in cluster.nodes { try node.launch() }
                for node in cluster.nodes { try node.waitUntilServing() }
                try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=voter" }
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (2)")
                try cluster.waitForSlaves()
                try cluster.requireSameEverywhere()
            }
        }

        /// It has the id and the address of the cluster's master, and is another.
        @Test func `slaves don't follow a brand-new master in place of their own`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.waitForSlaves()
                try cluster.master.stop()
                Processes.shell("mv \(cluster.master.data) \(cluster.master.data).before")
                try DatabaseTemplate.copy(into: cluster.master.data)
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                for number in 1...5 { try cluster.master.connect().ok("CREATE DATABASE other\(number)") }
                let slave = cluster.slave(1)
                try waitUntil("it says why") { try slave.status("link").contains("another data folder answers there as node 1") }
                #expect(try slave.status("link").hasPrefix("refused"))
                #expect(try slave.connect().value("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'other%'") == "0")
            }
        }
    }
}

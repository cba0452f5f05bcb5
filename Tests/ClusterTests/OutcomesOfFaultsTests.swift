import Glibc
import Testing

extension WholeClusters {
    /// Ids of commits that wait or are broken off.
    @Suite struct OutcomesOfFaults {
        private let count = "SELECT COUNT(*) FROM d.t"

        @Test func `a commit whose connection to the database breaks is open until the server has ended it`() throws {
            try Cluster.runForOutcomes { cluster, client in
                for slave in cluster.slaves { try slave.hold() }
                let other = try cluster.master.connect()
                try other.ok(".id broken")
                try other.ask("INSERT INTO d.t (v) VALUES (1)")
                try cluster.waitUntilCommitWaits()
                let session = try cluster.master.root(
                    "SELECT id FROM information_schema.processlist WHERE state='Waiting for semi-sync ACK from slave'")
                try cluster.master.root("KILL \(session)")
                #expect(try other.reply().error != nil)
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                try waitUntil("it is through") { try client.outcome("broken") == "committed" }
                #expect(try client.value(count) == "1")
            }
        }

        @Test func `a commit that waits is open, whatever its client is told or does`() throws {
            try Cluster.runForOutcomes { cluster, client in
                for slave in cluster.slaves { try slave.hold() }
                let (told, gone) = (try cluster.master.connect(), try cluster.master.connect())
                try told.ok(".id told")
                try told.ask("INSERT INTO d.t (v) VALUES (1)")
                try cluster.waitUntilCommitWaits()
                try gone.ok(".id gone")
                try gone.ok("BEGIN")
                try gone.ok("INSERT INTO d.t (v) VALUES (2)")
                try gone.ask("COMMIT")
                try waitUntil("it is under way") {
                    try cluster.master.root("SELECT COUNT(*) FROM information_schema.processlist WHERE info='COMMIT'") == "1"
                }
                gone.abort()
                #expect(try client.outcome("told") == "open")
                #expect(try told.reply().error?.code == "NO-QUORUM")
                try waitUntil("the node has noticed") { try cluster.master.status("clients") == "3" }
                for id in ["told", "gone"] {
                    #expect(try client.outcome(id) == "open", "\(id)")
                    try told.refused("ID-OPEN", under: id, "INSERT INTO d.t (v) VALUES (3)")
                }
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                for id in ["told", "gone"] {
                    try waitUntil("\(id) is through") { try client.outcome(id) == "committed" }
                    #expect(try client.ok(".outcome \(id)").gtid?.hasPrefix("0-1-") ?? false)
                    #expect(try client.ok(under: id, "INSERT INTO d.t (v) VALUES (3)").fields["outcome"] == "committed")
                }
                #expect(try client.value(count) == "2")
                try cluster.requireSameEverywhere()
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
            }
        }

        @Test func `a commit that waits when the node is killed is open, then committed once`() throws {
            try Cluster.runForOutcomes { cluster, client in
                for slave in cluster.slaves { try slave.hold() }
                let other = try cluster.master.connect()
                try other.ok(".id mine")
                try other.ask("INSERT INTO d.t (v) VALUES (1)")
                try cluster.waitUntilCommitWaits()
                cluster.master.kill()
                try cluster.master.launch()
                try waitUntil("it says what it waits for") {
                    (try? cluster.master.status("health").contains("serves once 2 nodes hold what it has")) ?? false
                }
                let asking = try cluster.master.connect()
                #expect(try asking.outcome("mine") == "open")
                try asking.refused("NOT-READY", ".outcome another")
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                try waitUntil("it is through") { try asking.outcome("mine") == "committed" }
                try cluster.master.waitUntilServing()
                let again = try cluster.master.connect()
                #expect(try again.ok(under: "mine", "INSERT INTO d.t (v) VALUES (1)").fields["outcome"] == "committed")
                try cluster.requireSameEverywhere()
                for node in cluster.nodes {
                    #expect(try node.connect().value(count) == "1", "\(node.name)")
                    #expect(try node.connect().outcome("mine") == "committed", "\(node.name)")
                }
                #expect(try again.outcome("another") == "none")
            }
        }

        @Test func `what is sent until it is known to be committed happens once, whoever dies`() throws {
            try Cluster.run { cluster in
                let load = try RepeatingLoad(on: cluster)
                func goOn() throws {
                    let goal = load.count + 60
                    try waitUntil("writes go on", within: 60) { load.count >= goal }
                }
                try goOn()
                cluster.master.kill()
                try cluster.master.launch()
                try goOn()
                try cluster.master.killDatabase()
                try goOn()
                cluster.slave(1).kill()
                try cluster.slave(1).launch()
                try goOn()
                cluster.master.kill()
                try cluster.master.launch()
                try goOn()
                try load.finish(on: cluster)
                try cluster.requireSameEverywhere()
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
            }
        }
    }
}

import Glibc
import Testing

extension WholeClusters {
    /// What reads promise.
    @Suite struct Consistency {
        private func run(_ body: (Cluster, Client) throws -> Void) throws {
            let settings = [
                "replication": #"{"ackTimeoutMs": 1500}"#, "session": #"{"readYourWritesMs": 1500}"#,
                "failover": #"{"mode": "manual", "clientWaitMs": 0}"#,
            ]
            try Cluster.run(settings) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster, client)
            }
        }

        private func linearizable(_ node: NodeProcess) throws -> Client {
            let reader = try node.connect()
            #expect(try reader.ok(".consistency linearizable").fields["consistency"] == "linearizable")
            return reader
        }

        @Test func `a linearizable read misses no acknowledged write, on any node`() throws {
            try run { cluster, client in
                let readers = try cluster.nodes.map { try linearizable($0) }
                for value in 1...100 {
                    try client.ok("INSERT INTO d.t VALUES (\(value))")
                    let reader = readers[value % readers.count]
                    #expect(try reader.value("SELECT COUNT(*) FROM d.t") == "\(value)", "node \(value % readers.count)")
                }
            }
        }

        @Test func `a linearizable read waits for a slave that does not apply, and fails in time`() throws {
            try run { cluster, client in
                let slave = cluster.slave(1)
                let (sure, local) = (try linearizable(slave), try slave.connect())
                try local.ok(".consistency local")
                // A lock that the database's replica waits for, past the node.
                let (socket, lock) = (Processes.quoted(slave.socket), "LOCK TABLES d.t READ; SELECT SLEEP(60)")
                let locked = Background { Processes.shell("mariadb --no-defaults -S \(socket) -uroot -e '\(lock)'").code }
                try waitUntil("the table is locked") { try slave.root("SHOW PROCESSLIST").contains("SLEEP(60)") }
                try client.ok("INSERT INTO d.t VALUES (1)")
                #expect(try local.value("SELECT COUNT(*) FROM d.t") == "0")
                try sure.refused("STALE-READ", "SELECT COUNT(*) FROM d.t")
                try slave.root("KILL \(slave.process(running: "SLEEP(60)"))")
                _ = try locked.value()
                try waitUntil("it applies") { try sure.run("SELECT COUNT(*) FROM d.t").rows.first?.first == "1" }
            }
        }

        @Test func `without the others' answer nothing is confirmed`() throws {
            try run { cluster, client in
                let (onMaster, onSlave) = (try linearizable(cluster.master), try linearizable(cluster.slave(1)))
                #expect(try onMaster.value("SELECT 1") == "1")
                cluster.slave(2).kill()
                #expect(try onMaster.value("SELECT 1") == "1", "two of three are enough")
                try cluster.slave(1).hold()
                try onMaster.refused("NO-QUORUM", "SELECT 1")
                #expect(try client.value("SELECT 1") == "1", "other reads go on")
                cluster.slave(1).signal(SIGCONT)
                try waitUntil("confirmed again") { try onMaster.run("SELECT 1").error == nil }
                cluster.master.kill()
                try onSlave.refused("MASTER-UNREACHABLE", "SELECT 1")
                try onSlave.ok(".reset")
                #expect(try onSlave.value("SELECT 1") == "1")
            }
        }

        /// A master and a slave that reaches it over a proxy; a table with one row, whose query runs on shared connections.
        private func runBehindProxy(_ settings: [String: String], _ body: (Cluster, LinkProxy) throws -> Void) throws {
            try Cluster.run(slaves: 0, settings) { cluster in
                let proxy = try LinkProxy(to: cluster.master.port)
                defer { proxy.stop() }
                let slave = try cluster.add("slave1", settings, through: proxy.port)
                try slave.launch()
                try slave.waitUntilServing()
                try waitUntil("it follows") { try slave.status("link").hasPrefix("receiving") }
                try body(cluster, proxy)
            }
        }

        /// Runs it until it has proven fast.
        private func prove(_ sql: String, _ node: NodeProcess) throws {
            let client = try node.connect()
            for _ in 0..<40 { try client.ok(sql) }
        }

        @Test func `a read that was sent behind another is confirmed on its own`() throws {
            let settings = [
                "replication": #"{"ackTimeoutMs": 1500, "heartbeatMs": 500, "peerTimeoutMs": 20000}"#,
                "failover": #"{"mode": "manual", "clientWaitMs": 0}"#,
            ]
            try runBehindProxy(settings) { cluster, proxy in
                let sql = "SELECT 1"
                try prove(sql, cluster.master)
                let reader = try linearizable(cluster.master)
                try reader.ok(sql)
                proxy.hold(.forth)
                try reader.ask(sql)
                // The slave tells of each beat: that one is among them.
                var told = proxy.came(.forth)
                for _ in 0..<3 {
                    try waitUntil("the slave answers") { proxy.came(.forth) > told }
                    told = proxy.came(.forth)
                    let before = proxy.came(.back)
                    try waitUntil("another beat") { proxy.came(.back) > before }
                }
                proxy.hold(.back)
                for _ in 0..<3 { try reader.ask(sql) }
                // Behind this they have come.
                try cluster.master.connect().ok(".ping")
                proxy.letGo(.forth)
                #expect(try reader.reply().rows == [["1"]])
                for _ in 0..<3 { #expect(try reader.reply().error?.code == "NO-QUORUM", "nothing confirms what came later") }
                proxy.letGo(.back)
                try waitUntil("confirmed again") { try reader.run(sql).error == nil }
                for _ in 0..<40 { try reader.ask(sql) }
                for _ in 0..<40 { #expect(try reader.reply().rows == [["1"]]) }
            }
        }

        @Test func `reads in a transaction, locking reads and what a slave passes on are confirmed, too`() throws {
            try run { cluster, client in
                let (onMaster, passedOn) = (try linearizable(cluster.master), try linearizable(cluster.slave(1)))
                try onMaster.ok("BEGIN")
                try passedOn.ok("SET @x = 1")
                cluster.slave(2).kill()
                try onMaster.ok("SELECT 1")
                try passedOn.ok("SELECT @x")
                try cluster.slave(1).hold()
                for sql in ["SELECT * FROM d.t", "SELECT * FROM d.t FOR UPDATE", "EXECUTE IMMEDIATE 'SELECT * FROM d.t'"] {
                    try onMaster.refused("NO-QUORUM", sql)
                }
                try onMaster.ok("ROLLBACK")
                // As a slave's session says it.
                for request in [".consistency session", "SELECT 1", ".consistency linearizable"] { try onMaster.ok(request) }
                try onMaster.refused("NO-QUORUM", "SELECT 1")
                cluster.slave(1).signal(SIGCONT)
                #expect(try passedOn.value("SELECT @x") == "1")
                try client.ok("SELECT 1")
            }
        }

        @Test func `a linearizable read whose master does not answer fails in time`() throws {
            let settings = [
                "replication": #"{"ackTimeoutMs": 1000, "heartbeatMs": 9000, "peerTimeoutMs": 60000}"#,
                "failover": #"{"mode": "manual", "clientWaitMs": 0}"#,
            ]
            try runBehindProxy(settings) { cluster, proxy in
                let reader = try linearizable(cluster.slave(1))
                try reader.ok("SELECT 1")
                proxy.hold(.back)
                let took = try timed {
                    let told = try reader.refused("MASTER-UNREACHABLE", "SELECT 1")
                    #expect(told.contains("replication.ackTimeoutMs"), "\(told)")
                }
                #expect(took < .seconds(15), "\(took)")
                try reader.ok(".consistency session")
                #expect(try reader.value("SELECT 1") == "1")
                try reader.ok(".consistency linearizable")
                proxy.letGo(.back)
                #expect(try reader.value("SELECT 1") == "1")
            }
        }

        @Test func `what clients wait for does not wait for the node's other work on its database`() throws {
            try run { cluster, client in
                let slave = cluster.slave(1)
                let (asking, reading, sure) = (try slave.connect(), try slave.connect(), try linearizable(slave))
                let (socket, lock) = (Processes.quoted(slave.socket), "LOCK TABLES ddbnode.outcomes WRITE; SELECT SLEEP(60)")
                let locked = Background { Processes.shell("mariadb --no-defaults -S \(socket) -uroot -e '\(lock)'").code }
                try waitUntil("the table is locked") { try slave.root("SHOW PROCESSLIST").contains("SLEEP(60)") }
                try asking.ask(".outcome somebody")
                try waitUntil("it waits") { try slave.root("SHOW PROCESSLIST").contains("Waiting for table metadata lock") }
                for value in 1...10 {
                    try reading.ok("INSERT INTO d.t VALUES (\(value))")
                    #expect(try reading.value("SELECT COUNT(*) FROM d.t") == "\(value)")
                    #expect(try sure.value("SELECT COUNT(*) FROM d.t") == "\(value)")
                    let gtid = try #require(try client.ok("UPDATE d.t SET v = -v WHERE v = \(value)").gtid)
                    try sure.ok(".wait \(gtid) 1500")
                }
                try slave.root("KILL \(slave.process(running: "SLEEP(60)"))")
                _ = try locked.value()
                let told = try asking.reply()
                #expect(told.error == nil && told.word("outcome") == "none", "\(told.words)")
            }
        }

        @Test func `reads can be bounded in age`() throws {
            try run { cluster, client in
                let reader = try cluster.slave(1).connect()
                #expect(try reader.ok(".max-staleness 3000").fields["max_staleness_ms"] == "3000")
                try waitUntil("it is fresh") { try reader.run("SELECT 1").error == nil }
                try cluster.master.hold()
                try waitUntil("it is too old") { try reader.run("SELECT 1").error?.code == "STALE-READ" }
                try reader.ok(".max-staleness off")
                #expect(try reader.value("SELECT 1") == "1")
                cluster.master.signal(SIGCONT)
                try reader.ok(".max-staleness 3000")
                try waitUntil("it is fresh again") { try reader.run("SELECT 1").error == nil }
                try reader.refused("BAD-REQUEST", ".max-staleness soon")
                try reader.refused("BAD-REQUEST", ".consistency strong")
                try client.ok("INSERT INTO d.t VALUES (1)")
            }
        }
    }
}

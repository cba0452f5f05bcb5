import Glibc
import Testing

extension WholeClusters {
    /// Did my commit happen?
    @Suite struct Outcomes {
        private static let count = "SELECT COUNT(*) FROM d.t"

        private func run(
            slaves: Int = 2, _ settings: [String: String] = ["replication": #"{"ackTimeoutMs": 1500}"#], _ body: (Cluster, Client) throws -> Void
        ) throws {
            try Cluster.run(slaves: slaves, settings) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY, id INT AUTO_INCREMENT UNIQUE)")
                try client.ok("CREATE TABLE d.other (v INT)")
                try cluster.waitForSlaves()
                try body(cluster, client)
            }
        }

        private func outcome(_ client: Client, _ id: String) throws -> String? { try client.ok(".outcome \(id)").fields["outcome"] }

        /// A statement under an id.
        @discardableResult private func ok(_ client: Client, _ id: String, _ sql: String, at location: SourceLocation = #_sourceLocation) throws
            -> Reply
        {
            try client.ok(".id \(id)", at: location)
            return try client.ok(sql, at: location)
        }

        private func refused(_ client: Client, _ code: String, _ id: String, _ sql: String, at location: SourceLocation = #_sourceLocation) throws {
            try client.ok(".id \(id)", at: location)
            try client.refused(code, sql, at: location)
        }

        @Test func `a write under an id happens once, and every node tells`() throws {
            try run { cluster, client in
                #expect(try outcome(client, "a:1") == "none")
                #expect(try client.ok(".id a:1").fields["id"] == "a:1")
                let first = try client.ok("INSERT INTO d.t (v) VALUES (1)")
                #expect(first.fields["affected"] == "1" && first.fields["insert_id"] == "1")
                let gtid = try #require(first.gtid)
                #expect(try client.value("SELECT LAST_INSERT_ID()") == "1")
                #expect(try client.ok(".outcome a:1").fields == ["outcome": "committed", "gtid": gtid])
                let again = try ok(client, "a:1", "INSERT INTO d.t (v) VALUES (1)")
                #expect(again.fields == ["outcome": "committed", "affected": "0", "insert_id": "0", "warnings": "0", "gtid": gtid])
                try ok(cluster.master.connect(), "a:1", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try client.value(Self.count) == "1")
                // The id was for that one statement.
                try client.ok("INSERT INTO d.t (v) VALUES (2)")
                for slave in cluster.slaves {
                    let reader = try slave.connect()
                    try reader.ok(".wait \(gtid) 20000")
                    #expect(try outcome(reader, "a:1") == "committed")
                    try waitUntil("\(slave.name) has the GTID") { try reader.ok(".outcome a:1").gtid == gtid }
                    #expect(try outcome(reader, "a:2") == "none")
                }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `what returns rows, calls a routine or hides a write has an id as well, a read has none`() throws {
            try run(slaves: 0) { cluster, client in
                let returned = try ok(client, "rows", "INSERT INTO d.t (v) VALUES (1) RETURNING v")
                #expect(returned.rows == [["1"]] && returned.gtid != nil)
                #expect(try client.ok(".outcome rows").gtid == returned.gtid)
                try client.ok("CREATE PROCEDURE d.two() BEGIN INSERT INTO d.t (v) VALUES (2); SELECT 'rows'; INSERT INTO d.t (v) VALUES (3); END")
                try client.ok("CREATE FUNCTION d.put(v INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO d.t (v) VALUES (v); RETURN v; END")
                #expect(try ok(client, "call", "CALL d.two()").rows == [["rows"]])
                try ok(client, "function", "SELECT d.put(4)")
                try client.ok("PREPARE p FROM 'INSERT INTO d.t (v) VALUES (5)'")
                try ok(client, "prepared", "EXECUTE p")
                try ok(client, "prepared", "EXECUTE p")
                for id in ["call", "function", "prepared"] { #expect(try outcome(client, id) == "committed", "\(id)") }
                #expect(try client.value(Self.count) == "5")
                try ok(client, "read", Self.count)
                try ok(client, "session", "SET @x = 1")
                for id in ["read", "session"] { #expect(try outcome(client, id) == "none", "\(id)") }
                try client.ok(".id dropped")
                try client.ok(".reset")
                try client.ok("INSERT INTO d.t (v) VALUES (6)")
                #expect(try outcome(client, "dropped") == "none")
                try client.refused("BAD-REQUEST", ".id a'b")
                try client.refused("BAD-REQUEST", ".outcome \(String(repeating: "x", count: 65))")
            }
        }

        @Test func `a statement that fails leaves no id`() throws {
            try run(slaves: 0) { cluster, client in
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try refused(client, "1062", "e", "INSERT INTO d.t (v) VALUES (2), (1)")
                #expect(try outcome(client, "e") == "none")
                #expect(try client.value(Self.count) == "1")
                try refused(client, "1146", "e", "INSERT INTO d.missing VALUES (1)")
                try ok(client, "e", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try outcome(client, "e") == "committed")
                #expect(try cluster.master.status("pool.in_use") == "0")
            }
        }

        @Test func `a transaction has one id, from its beginning or from within`() throws {
            try run(slaves: 0) { cluster, client in
                let other = try cluster.master.connect()
                try ok(client, "t1", "BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                #expect(try outcome(client, "t1") == "open" && outcome(other, "t1") == "open")
                try refused(other, "ID-OPEN", "t1", "INSERT INTO d.t (v) VALUES (1)")
                try ok(client, "t1", "INSERT INTO d.t (v) VALUES (2)")
                try refused(client, "BAD-REQUEST", "t2", "INSERT INTO d.t (v) VALUES (3)")
                let gtid = try client.ok("COMMIT").gtid
                #expect(try client.ok(".outcome t1").fields == ["outcome": "committed", "gtid": try #require(gtid)])

                try client.ok("START TRANSACTION")
                try ok(client, "t2", "INSERT INTO d.t (v) VALUES (3)")
                try client.ok("ROLLBACK")
                #expect(try outcome(client, "t2") == "none")
                try ok(client, "t2", "BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (3)")
                try client.ok("COMMIT AND CHAIN")
                #expect(try outcome(client, "t2") == "committed")
                try ok(client, "t3", "ROLLBACK")
                #expect(try outcome(client, "t3") == "none")

                try ok(client, "t4", "BEGIN")
                client.abort()
                try waitUntil("it is rolled back") { try outcome(other, "t4") == "none" }
                #expect(try other.value(Self.count) == "3")
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
            }
        }

        @Test func `with autocommit off the next statement begins the transaction of the id`() throws {
            try run(slaves: 0) { cluster, client in
                try ok(client, "o1", "SET autocommit=0")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.ok("COMMIT")
                try ok(client, "o2", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try outcome(client, "o1") == "committed" && outcome(client, "o2") == "open")
                try client.ok("ROLLBACK")
                #expect(try outcome(client, "o2") == "none")
                try refused(client, "ID-COMMITTED", "o1", "INSERT INTO d.t (v) VALUES (3)")
                try client.refused("ID-COMMITTED", "COMMIT")
                try client.ok("ROLLBACK")
                #expect(try client.value(Self.count) == "1")
            }
        }

        @Test func `a transaction that is sent again runs nothing, even if nobody listens`() throws {
            try run(slaves: 0) { cluster, client in
                try ok(client, "twice", "BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.ok("COMMIT")
                let again = try cluster.master.connect()
                try again.send(".id twice\nBEGIN\nINSERT INTO d.t (v) VALUES (2)\nCOMMIT\n")
                #expect(try again.reply().error == nil)
                for _ in 0..<3 { #expect(try again.reply().error?.code == "ID-COMMITTED") }
                #expect(try again.run("SELECT 1").error?.message.contains("send ROLLBACK") ?? false)
                try again.ok("ROLLBACK")
                #expect(try again.value(Self.count) == "1")
                try ok(again, "thrice", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try again.value(Self.count) == "2")
            }
        }

        @Test func `a deadlock's victim begins anew under its id`() throws {
            try run(slaves: 0) { cluster, client in
                try client.ok("INSERT INTO d.t (v) VALUES (1), (2)")
                let other = try cluster.master.connect()
                try client.ok("INSERT INTO d.other SELECT seq FROM mysql.seq_1_to_100")
                try ok(other, "heavy", "BEGIN")
                try other.ok("UPDATE d.other SET v = v + 1")
                try other.ok("UPDATE d.t SET id = 20 WHERE v = 2")
                try ok(client, "victim", "BEGIN")
                try client.ok("UPDATE d.t SET id = 10 WHERE v = 1")
                try other.ask("UPDATE d.t SET id = 11 WHERE v = 1")
                try waitUntil("it waits") { try cluster.master.root("SELECT COUNT(*) FROM information_schema.innodb_lock_waits") != "0" }
                let lost = try client.run("UPDATE d.t SET id = 21 WHERE v = 2")
                try #require(lost.error?.code == "1213", "\(lost.words)")
                #expect(try other.reply().error == nil)
                try other.ok("COMMIT")
                try client.refused("ID-GONE", "UPDATE d.t SET id = 13 WHERE v = 1")
                try refused(client, "ID-GONE", "victim", "UPDATE d.t SET id = 13 WHERE v = 1")
                try client.refused("ID-GONE", "COMMIT")
                #expect(try outcome(client, "victim") == "none")
                try client.ok("ROLLBACK")
                try ok(client, "victim", "BEGIN")
                try client.refused("1062", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try client.value("SHOW WARNINGS") == "Error", "what is asked about an error is still there")
                try client.ok("UPDATE d.t SET id = 12 WHERE v = 1")
                try client.ok("COMMIT")
                #expect(try outcome(client, "victim") == "committed")
                #expect(try client.rows("SELECT v, id FROM d.t ORDER BY v") == ["1|12", "2|20"])
            }
        }

        @Test func `an id after a deadlock is for the statement alone, not for the transaction that is gone`() throws {
            try run(slaves: 0) { cluster, client in
                try client.ok("INSERT INTO d.t (v) VALUES (1), (2)")
                let other = try cluster.master.connect()
                try client.ok("INSERT INTO d.other SELECT seq FROM mysql.seq_1_to_100")
                try other.ok("BEGIN")
                try other.ok("UPDATE d.other SET v = v + 1")
                try other.ok("UPDATE d.t SET id = 20 WHERE v = 2")
                try client.ok("BEGIN")
                try client.ok("UPDATE d.t SET id = 10 WHERE v = 1")
                try other.ask("UPDATE d.t SET id = 11 WHERE v = 1")
                try waitUntil("it waits") { try cluster.master.root("SELECT COUNT(*) FROM information_schema.innodb_lock_waits") != "0" }
                try client.refused("1213", "UPDATE d.t SET id = 21 WHERE v = 2")
                #expect(try other.reply().error == nil)
                try other.ok("COMMIT")
                try refused(client, "1062", "alone", "INSERT INTO d.t (v) VALUES (1)")
                #expect(try outcome(client, "alone") == "none")
                try ok(client, "alone", "INSERT INTO d.t (v) VALUES (3)")
                #expect(try outcome(client, "alone") == "committed")
            }
        }

        @Test func `a commit whose connection to the database breaks is open until the server has ended it`() throws {
            try run { cluster, client in
                for slave in cluster.slaves { slave.signal(SIGSTOP) }
                let other = try cluster.master.connect()
                try other.ok(".id broken")
                try other.ask("INSERT INTO d.t (v) VALUES (1)")
                try waitUntilOneWaits(cluster)
                let session = try cluster.master.root(
                    "SELECT id FROM information_schema.processlist WHERE state='Waiting for semi-sync ACK from slave'")
                try cluster.master.root("KILL \(session)")
                #expect(try other.reply().error != nil)
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                try waitUntil("it is through") { try outcome(client, "broken") == "committed" }
                #expect(try client.value(Self.count) == "1")
            }
        }

        @Test func `what is left of a transaction that is lost is not run by itself`() throws {
            try run(slaves: 1, [:]) { cluster, client in
                let far = try cluster.slave(1).connect()
                for (number, session) in [client, far].enumerated() {
                    try ok(session, "lost-\(number)", "BEGIN")
                    try session.ok("INSERT INTO d.t (v) VALUES (\(number))")
                }
                try cluster.master.killDatabase()
                for session in [client, far] {
                    try session.refused("CONNECTION-LOST", "INSERT INTO d.t (v) VALUES (10)")
                    try cluster.master.waitUntilServing()
                    try session.refused("ID-GONE", "INSERT INTO d.t (v) VALUES (11)")
                    try session.refused("ID-GONE", "COMMIT")
                    try session.ok("ROLLBACK")
                }
                try ok(far, "lost-2", "BEGIN")
                cluster.master.kill()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try far.refused("CONNECTION-LOST", "INSERT INTO d.t (v) VALUES (12)")
                try far.refused("ID-GONE", "INSERT INTO d.t (v) VALUES (13)")
                try far.ok("ROLLBACK")
                cluster.master.kill()
                try refused(far, "MASTER-UNREACHABLE", "lost-3", "BEGIN")
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try far.refused("ID-GONE", "INSERT INTO d.t (v) VALUES (14)")
                try far.ok("ROLLBACK")
                try far.ok("INSERT INTO d.t (v) VALUES (15)")
                #expect(try far.rows("SELECT v FROM d.t") == ["15"])
                for number in 0...3 { #expect(try outcome(far, "lost-\(number)") == "none") }
            }
        }

        @Test func `what commits by itself can't have an id, and is not run`() throws {
            try run(slaves: 0, ["session": #"{"multiStatements": true}"#]) { cluster, client in
                for sql in [
                    "CREATE TABLE d.u (v INT)", "DROP TABLE d.t", "TRUNCATE d.t", "LOCK TABLES d.t WRITE", "INSERT INTO d.other SELECT ROW_COUNT()",
                    "XA START 'x'", "FLUSH TABLES",
                    "INSERT INTO d.t (v) VALUES (1); INSERT INTO d.t (v) VALUES (2)",
                    "BEGIN NOT ATOMIC INSERT INTO d.t (v) VALUES (1); COMMIT; END",
                ] {
                    try refused(client, "BAD-REQUEST", "x", sql)
                }
                try client.ok("LOCK TABLES d.t WRITE")
                try refused(client, "BAD-REQUEST", "x", "INSERT INTO d.t (v) VALUES (1)")
                try client.ok("UNLOCK TABLES")
                try client.ok("BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.ok("SAVEPOINT s")
                try refused(client, "BAD-REQUEST", "x", "INSERT INTO d.t (v) VALUES (2)")
                try client.ok("COMMIT")
                try client.ok("XA START 'x'")
                try refused(client, "BAD-REQUEST", "x", "INSERT INTO d.t (v) VALUES (2)")
                try client.ok("XA END 'x'")
                try client.ok("XA ROLLBACK 'x'")
                #expect(try outcome(client, "x") == "none")
                #expect(try client.value(Self.count) == "1")
                try ok(client, "x", "INSERT INTO d.t (v) VALUES (2)")
            }
        }

        @Test func `what the nodes keep of ids is not clients' to change`() throws {
            try run(slaves: 0) { cluster, client in
                try ok(client, "x", "INSERT INTO d.t (v) VALUES (1)")
                try client.refused("NODE-OWNED", "DELETE FROM ddbnode.outcomes")
                try client.refused("NODE-OWNED", "DROP DATABASE ddbnode")
                try client.ok("USE ddbnode")
                try client.refused("NODE-OWNED", "DELETE FROM outcomes")
                #expect(try client.value("SELECT id FROM outcomes") == "x")
                #expect(try client.ok("SHOW TABLES").rows == [["epochs"], ["outcomes"]])
            }
        }

        @Test func `an account with few rights may name its transactions`() throws {
            try run(slaves: 0) { cluster, client in
                try client.ok("CREATE USER jessy@localhost IDENTIFIED BY 'secret'")
                try client.ok("GRANT SELECT, INSERT ON d.* TO jessy@localhost")
                try cluster.master.stop()
                cluster.master.settings["authentication"] = #""accounts""#
                try cluster.master.launch()
                try waitUntil("it serves") { (try? cluster.master.connect().run(".auth jessy secret").error == nil) ?? false }
                let jessy = try cluster.master.connect()
                try jessy.ok(".auth jessy secret")
                for _ in 0..<2 { try ok(jessy, "x", "INSERT INTO d.t (v) VALUES (1)") }
                #expect(try outcome(jessy, "x") == "committed")
                #expect(try jessy.value(Self.count) == "1")
            }
        }

        @Test func `a slave's clients name their transactions, too`() throws {
            try run { cluster, client in
                let far = try cluster.slave(1).connect()
                let gtid = try ok(far, "s1", "INSERT INTO d.t (v) VALUES (1)").gtid
                #expect(try far.value(Self.count) == "1", "its own write")
                #expect(try far.ok(".outcome s1").fields["outcome"] == "committed")
                #expect(try ok(cluster.slave(2).connect(), "s1", "INSERT INTO d.t (v) VALUES (1)").fields["outcome"] == "committed")
                #expect(try client.ok(".outcome s1").gtid == gtid)
                try refused(far, "BAD-REQUEST", "s2", "CREATE TABLE d.u (v INT)")

                try ok(far, "s2", "BEGIN")
                try far.ok("INSERT INTO d.t (v) VALUES (2)")
                for node in cluster.nodes { #expect(try outcome(node.connect(), "s2") == "open", "\(node.name)") }
                #expect(try outcome(far, "s2") == "open")
                try far.ok("COMMIT")
                #expect(try outcome(far, "s2") == "committed")
                try ok(far, "s2", "BEGIN", expecting: "ID-COMMITTED")
                try far.refused("ID-COMMITTED", "INSERT INTO d.t (v) VALUES (3)")
                try far.ok("ROLLBACK")
                try far.ask(".format json")
                #expect(try far.line().contains("json"))
                try far.ask(".outcome unknown")
                #expect(try far.line().contains(#"{"ok":{"outcome":"none"}}"#))
                try far.ask(".id s3")
                #expect(try far.line().contains("s3"))
                try far.ask("INSERT INTO d.t (v) VALUES (3)")
                #expect(try far.line().contains(#""affected":1"#))
                try cluster.requireSameEverywhere()
                #expect(try client.value(Self.count) == "3")

                cluster.master.kill()
                let left = try cluster.slave(2).connect()
                #expect(try outcome(left, "s2") == "committed")
                let words = try left.refused("MASTER-UNREACHABLE", ".outcome s9")
                #expect(words.contains("not known now"))
            }
        }

        @discardableResult private func ok(_ client: Client, _ id: String, _ sql: String, expecting code: String) throws -> String {
            try client.ok(".id \(id)")
            return try client.refused(code, sql)
        }

        private func waitUntilOneWaits(_ cluster: Cluster) throws {
            try waitUntil("it waits") { try cluster.master.root("SHOW PROCESSLIST").contains("Waiting for semi-sync ACK") }
        }

        @Test func `a commit that waits is open, whatever its client is told or does`() throws {
            try run { cluster, client in
                for slave in cluster.slaves { slave.signal(SIGSTOP) }
                let (told, gone) = (try cluster.master.connect(), try cluster.master.connect())
                try told.ok(".id told")
                try told.ask("INSERT INTO d.t (v) VALUES (1)")
                try waitUntilOneWaits(cluster)
                try gone.ok(".id gone")
                try gone.ok("BEGIN")
                try gone.ok("INSERT INTO d.t (v) VALUES (2)")
                try gone.ask("COMMIT")
                try waitUntil("it is under way") {
                    try cluster.master.root("SELECT COUNT(*) FROM information_schema.processlist WHERE info='COMMIT'") == "1"
                }
                gone.abort()
                #expect(try outcome(client, "told") == "open")
                #expect(try told.reply().error?.code == "NO-QUORUM")
                try waitUntil("the node has noticed") { try cluster.master.status("clients") == "3" }
                for id in ["told", "gone"] {
                    #expect(try outcome(client, id) == "open", "\(id)")
                    try refused(told, "ID-OPEN", id, "INSERT INTO d.t (v) VALUES (3)")
                }
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                for id in ["told", "gone"] {
                    try waitUntil("\(id) is through") { try outcome(client, id) == "committed" }
                    #expect(try client.ok(".outcome \(id)").gtid?.hasPrefix("0-1-") ?? false)
                    #expect(try ok(client, id, "INSERT INTO d.t (v) VALUES (3)").fields["outcome"] == "committed")
                }
                #expect(try client.value(Self.count) == "2")
                try cluster.requireSameEverywhere()
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
            }
        }

        @Test func `a commit that waits when the node is killed is open, then committed once`() throws {
            try run { cluster, client in
                for slave in cluster.slaves { slave.signal(SIGSTOP) }
                let other = try cluster.master.connect()
                try other.ok(".id mine")
                try other.ask("INSERT INTO d.t (v) VALUES (1)")
                try waitUntilOneWaits(cluster)
                cluster.master.kill()
                try cluster.master.launch()
                try waitUntil("it says what it waits for") {
                    (try? cluster.master.status("health").contains("serves once 2 nodes hold what it has")) ?? false
                }
                let asking = try cluster.master.connect()
                #expect(try outcome(asking, "mine") == "open")
                try asking.refused("NOT-READY", ".outcome another")
                for slave in cluster.slaves { slave.signal(SIGCONT) }
                try waitUntil("it is through") { try outcome(asking, "mine") == "committed" }
                try cluster.master.waitUntilServing()
                let again = try cluster.master.connect()
                #expect(try ok(again, "mine", "INSERT INTO d.t (v) VALUES (1)").fields["outcome"] == "committed")
                try cluster.requireSameEverywhere()
                for node in cluster.nodes {
                    #expect(try node.connect().value(Self.count) == "1", "\(node.name)")
                    #expect(try outcome(node.connect(), "mine") == "committed", "\(node.name)")
                }
                #expect(try outcome(again, "another") == "none")
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

        @Test func `ids are kept for the configured time`() throws {
            try run(slaves: 0, ["outcomes": #"{"keepMs": 1000}"#]) { cluster, client in
                for number in 0..<700 { try client.send(".id old-\(number)\nINSERT INTO d.other VALUES (\(number))\n") }
                for _ in 0..<1400 { #expect(try client.reply().error == nil) }
                try waitUntil("the old ones are gone") { try client.value("SELECT COUNT(*) FROM ddbnode.outcomes") == "0" }
                #expect(try outcome(client, "old-0") == "none")
                #expect(try ok(client, "old-0", "INSERT INTO d.other VALUES (1)").fields["affected"] == "1", "it counts as new")
            }
        }
    }
}

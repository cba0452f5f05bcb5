import Testing

extension WholeClusters {
    /// Did my commit happen?
    @Suite struct Outcomes {
        private let count = "SELECT COUNT(*) FROM d.t"

        @Test func `a write under an id happens once, and every node tells`() throws {
            try Cluster.runForOutcomes { cluster, client in
                #expect(try client.outcome("a:1") == "none")
                #expect(try client.ok(".id a:1").fields["id"] == "a:1")
                let first = try client.ok("INSERT INTO d.t (v) VALUES (1)")
                #expect(first.fields["affected"] == "1" && first.fields["insert_id"] == "1")
                let gtid = try #require(first.gtid)
                #expect(try client.value("SELECT LAST_INSERT_ID()") == "1")
                #expect(try client.ok(".outcome a:1").fields == ["outcome": "committed", "gtid": gtid])
                let again = try client.ok(under: "a:1", "INSERT INTO d.t (v) VALUES (1)")
                #expect(again.fields == ["outcome": "committed", "affected": "0", "insert_id": "0", "warnings": "0", "gtid": gtid])
                try cluster.master.connect().ok(under: "a:1", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try client.value(count) == "1")
                // The id was for that one statement.
                try client.ok("INSERT INTO d.t (v) VALUES (2)")
                for slave in cluster.slaves {
                    let reader = try slave.connect()
                    try reader.ok(".wait \(gtid) 20000")
                    #expect(try reader.outcome("a:1") == "committed")
                    try waitUntil("\(slave.name) has the GTID") { try reader.ok(".outcome a:1").gtid == gtid }
                    #expect(try reader.outcome("a:2") == "none")
                }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `what returns rows, calls a routine or hides a write has an id as well, a read has none`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                let returned = try client.ok(under: "rows", "INSERT INTO d.t (v) VALUES (1) RETURNING v")
                #expect(returned.rows == [["1"]] && returned.gtid != nil)
                #expect(try client.ok(".outcome rows").gtid == returned.gtid)
                try client.ok("CREATE PROCEDURE d.two() BEGIN INSERT INTO d.t (v) VALUES (2); SELECT 'rows'; INSERT INTO d.t (v) VALUES (3); END")
                try client.ok("CREATE FUNCTION d.put(v INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO d.t (v) VALUES (v); RETURN v; END")
                #expect(try client.ok(under: "call", "CALL d.two()").rows == [["rows"]])
                try client.ok(under: "function", "SELECT d.put(4)")
                try client.ok("PREPARE p FROM 'INSERT INTO d.t (v) VALUES (5)'")
                try client.ok(under: "prepared", "EXECUTE p")
                try client.ok(under: "prepared", "EXECUTE p")
                for id in ["call", "function", "prepared"] { #expect(try client.outcome(id) == "committed", "\(id)") }
                #expect(try client.value(count) == "5")
                try client.ok(under: "read", count)
                try client.ok(under: "session", "SET @x = 1")
                for id in ["read", "session"] { #expect(try client.outcome(id) == "none", "\(id)") }
                try client.ok(".id dropped")
                try client.ok(".reset")
                try client.ok("INSERT INTO d.t (v) VALUES (6)")
                #expect(try client.outcome("dropped") == "none")
                try client.refused("BAD-REQUEST", ".id a'b")
                try client.refused("BAD-REQUEST", ".outcome \(String(repeating: "x", count: 65))")
            }
        }

        /// The rows are as a master leaves them whose clock was two days behind, before it is set right.
        @Test func `a clock that is set two days forward ends no id`() throws {
            try Cluster.runForOutcomes { cluster, client in
                try client.ok(under: "a:1", "INSERT INTO d.t (v) VALUES (1)")
                try cluster.master.root("UPDATE ddbnode.outcomes SET at_ms = at_ms - 172800000")
                try cluster.master.root("INSERT INTO ddbnode.outcomes (id, at_ms) SELECT 'old', MIN(at_ms) - 86500000 FROM ddbnode.outcomes")
                try cluster.waitForSlaves()
                try cluster.master.stop()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                let again = try cluster.master.connect()
                try waitUntil("what is older than a day is removed") { try again.outcome("old") == "none" }
                #expect(try again.outcome("a:1") == "committed")
                try again.ok(under: "a:1", "INSERT INTO d.t (v) VALUES (1)")
                #expect(try again.value(count) == "1", "and it is still known that it ran")
                try again.ok(under: "a:2", "INSERT INTO d.t (v) VALUES (2)")
                let ages = "SELECT MAX(at_ms) - MIN(at_ms) < 60000 FROM ddbnode.outcomes"
                #expect(try cluster.master.root(ages) == "1", "time went on from where it was")
                try cluster.waitForSlaves()
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a statement that fails leaves no id`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.refused("1062", under: "e", "INSERT INTO d.t (v) VALUES (2), (1)")
                #expect(try client.outcome("e") == "none")
                #expect(try client.value(count) == "1")
                try client.refused("1146", under: "e", "INSERT INTO d.missing VALUES (1)")
                try client.ok(under: "e", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try client.outcome("e") == "committed")
                #expect(try cluster.master.status("pool.in_use") == "0")
            }
        }

        @Test func `what commits by itself can't have an id, and is not run`() throws {
            try Cluster.runForOutcomes(slaves: 0, ["session": #"{"multiStatements": true}"#]) { cluster, client in
                for sql in [
                    "CREATE TABLE d.u (v INT)", "DROP TABLE d.t", "TRUNCATE d.t", "LOCK TABLES d.t WRITE", "INSERT INTO d.other SELECT ROW_COUNT()",
                    "XA START 'x'", "FLUSH TABLES",
                    "INSERT INTO d.t (v) VALUES (1); INSERT INTO d.t (v) VALUES (2)",
                    "BEGIN NOT ATOMIC INSERT INTO d.t (v) VALUES (1); COMMIT; END",
                ] {
                    try client.refused("BAD-REQUEST", under: "x", sql)
                }
                try client.ok("LOCK TABLES d.t WRITE")
                try client.refused("BAD-REQUEST", under: "x", "INSERT INTO d.t (v) VALUES (1)")
                try client.ok("UNLOCK TABLES")
                try client.ok("BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.ok("SAVEPOINT s")
                try client.refused("BAD-REQUEST", under: "x", "INSERT INTO d.t (v) VALUES (2)")
                try client.ok("COMMIT")
                try client.ok("XA START 'x'")
                try client.refused("BAD-REQUEST", under: "x", "INSERT INTO d.t (v) VALUES (2)")
                try client.ok("XA END 'x'")
                try client.ok("XA ROLLBACK 'x'")
                #expect(try client.outcome("x") == "none")
                #expect(try client.value(count) == "1")
                try client.ok(under: "x", "INSERT INTO d.t (v) VALUES (2)")
            }
        }

        @Test func `what the nodes keep of ids is not clients' to change`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                try client.ok(under: "x", "INSERT INTO d.t (v) VALUES (1)")
                try client.refused("NODE-OWNED", "DELETE FROM ddbnode.outcomes")
                try client.refused("NODE-OWNED", "DROP DATABASE ddbnode")
                try client.ok("USE ddbnode")
                try client.refused("NODE-OWNED", "DELETE FROM outcomes")
                #expect(try client.value("SELECT id FROM outcomes") == "x")
                #expect(try client.ok("SHOW TABLES").rows == [["epochs"], ["outcomes"]])
            }
        }

        @Test func `an account with few rights may name its transactions`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                try client.ok("CREATE USER jessy@localhost IDENTIFIED BY 'secret'")
                try client.ok("GRANT SELECT, INSERT ON d.* TO jessy@localhost")
                try cluster.master.stop()
                cluster.master.settings["authentication"] = #""accounts""#
                try cluster.master.launch()
                try waitUntil("it serves") { (try? cluster.master.connect().run(".auth jessy secret").error == nil) ?? false }
                let jessy = try cluster.master.connect()
                try jessy.ok(".auth jessy secret")
                for _ in 0..<2 { try jessy.ok(under: "x", "INSERT INTO d.t (v) VALUES (1)") }
                #expect(try jessy.outcome("x") == "committed")
                #expect(try jessy.value(count) == "1")
            }
        }

        @Test func `a slave's clients name their transactions, too`() throws {
            try Cluster.runForOutcomes { cluster, client in
                let far = try cluster.slave(1).connect()
                let gtid = try far.ok(under: "s1", "INSERT INTO d.t (v) VALUES (1)").gtid
                #expect(try far.value(count) == "1", "its own write")
                #expect(try far.ok(".outcome s1").fields["outcome"] == "committed")
                #expect(try cluster.slave(2).connect().ok(under: "s1", "INSERT INTO d.t (v) VALUES (1)").fields["outcome"] == "committed")
                #expect(try client.ok(".outcome s1").gtid == gtid)
                try far.refused("BAD-REQUEST", under: "s2", "CREATE TABLE d.u (v INT)")

                try far.ok(under: "s2", "BEGIN")
                try far.ok("INSERT INTO d.t (v) VALUES (2)")
                for node in cluster.nodes { #expect(try node.connect().outcome("s2") == "open", "\(node.name)") }
                #expect(try far.outcome("s2") == "open")
                try far.ok("COMMIT")
                #expect(try far.outcome("s2") == "committed")
                try far.refused("ID-COMMITTED", under: "s2", "BEGIN")
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
                #expect(try client.value(count) == "3")

                cluster.master.kill()
                let left = try cluster.slave(2).connect()
                #expect(try left.outcome("s2") == "committed")
                let words = try left.refused("MASTER-UNREACHABLE", ".outcome s9")
                #expect(words.contains("not known now"))
            }
        }

        @Test func `ids are kept for the configured time`() throws {
            try Cluster.runForOutcomes(slaves: 0, ["outcomes": #"{"keepMs": 1000}"#]) { cluster, client in
                for number in 0..<700 { try client.send(".id old-\(number)\nINSERT INTO d.other VALUES (\(number))\n") }
                for _ in 0..<1400 { #expect(try client.reply().error == nil) }
                try waitUntil("the old ones are gone") { try client.value("SELECT COUNT(*) FROM ddbnode.outcomes") == "0" }
                #expect(try client.outcome("old-0") == "none")
                #expect(try client.ok(under: "old-0", "INSERT INTO d.other VALUES (1)").fields["affected"] == "1", "it counts as new")
            }
        }
    }
}

import Testing

extension WholeClusters {
    /// Ids of transactions of several statements.
    @Suite struct OutcomesOfTransactions {
        private let count = "SELECT COUNT(*) FROM d.t"

        @Test func `a transaction has one id, from its beginning or from within`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                let other = try cluster.master.connect()
                try client.ok(under: "t1", "BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                #expect(try client.outcome("t1") == "open" && other.outcome("t1") == "open")
                try other.refused("ID-OPEN", under: "t1", "INSERT INTO d.t (v) VALUES (1)")
                try client.ok(under: "t1", "INSERT INTO d.t (v) VALUES (2)")
                try client.refused("BAD-REQUEST", under: "t2", "INSERT INTO d.t (v) VALUES (3)")
                let gtid = try client.ok("COMMIT").gtid
                #expect(try client.ok(".outcome t1").fields == ["outcome": "committed", "gtid": try #require(gtid)])

                try client.ok("START TRANSACTION")
                try client.ok(under: "t2", "INSERT INTO d.t (v) VALUES (3)")
                try client.ok("ROLLBACK")
                #expect(try client.outcome("t2") == "none")
                try client.ok(under: "t2", "BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (3)")
                try client.ok("COMMIT AND CHAIN")
                #expect(try client.outcome("t2") == "committed")
                try client.ok(under: "t3", "ROLLBACK")
                #expect(try client.outcome("t3") == "none")

                try client.ok(under: "t4", "BEGIN")
                client.abort()
                try waitUntil("it is rolled back") { try other.outcome("t4") == "none" }
                #expect(try other.value(count) == "3")
                try waitUntil("no connection is left in use") { try cluster.master.status("pool.in_use") == "0" }
            }
        }

        @Test func `with autocommit off the next statement begins the transaction of the id`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                try client.ok(under: "o1", "SET autocommit=0")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.ok("COMMIT")
                try client.ok(under: "o2", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try client.outcome("o1") == "committed" && client.outcome("o2") == "open")
                try client.ok("ROLLBACK")
                #expect(try client.outcome("o2") == "none")
                try client.refused("ID-COMMITTED", under: "o1", "INSERT INTO d.t (v) VALUES (3)")
                try client.refused("ID-COMMITTED", "COMMIT")
                try client.ok("ROLLBACK")
                #expect(try client.value(count) == "1")
            }
        }

        @Test func `a transaction that is sent again runs nothing, even if nobody listens`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                try client.ok(under: "twice", "BEGIN")
                try client.ok("INSERT INTO d.t (v) VALUES (1)")
                try client.ok("COMMIT")
                let again = try cluster.master.connect()
                try again.send(".id twice\nBEGIN\nINSERT INTO d.t (v) VALUES (2)\nCOMMIT\n")
                #expect(try again.reply().error == nil)
                for _ in 0..<3 { #expect(try again.reply().error?.code == "ID-COMMITTED") }
                #expect(try again.run("SELECT 1").error?.message.contains("send ROLLBACK") ?? false)
                try again.ok("ROLLBACK")
                #expect(try again.value(count) == "1")
                try again.ok(under: "thrice", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try again.value(count) == "2")
            }
        }

        @Test func `a deadlock's victim begins anew under its id`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
                try client.ok("INSERT INTO d.t (v) VALUES (1), (2)")
                let other = try cluster.master.connect()
                try client.ok("INSERT INTO d.other SELECT seq FROM mysql.seq_1_to_100")
                try other.ok(under: "heavy", "BEGIN")
                try other.ok("UPDATE d.other SET v = v + 1")
                try other.ok("UPDATE d.t SET id = 20 WHERE v = 2")
                try client.ok(under: "victim", "BEGIN")
                try client.ok("UPDATE d.t SET id = 10 WHERE v = 1")
                try other.ask("UPDATE d.t SET id = 11 WHERE v = 1")
                try waitUntil("it waits") { try cluster.master.root("SELECT COUNT(*) FROM information_schema.innodb_lock_waits") != "0" }
                let lost = try client.run("UPDATE d.t SET id = 21 WHERE v = 2")
                try #require(lost.error?.code == "1213", "\(lost.words)")
                #expect(try other.reply().error == nil)
                try other.ok("COMMIT")
                try client.refused("ID-GONE", "UPDATE d.t SET id = 13 WHERE v = 1")
                try client.refused("ID-GONE", under: "victim", "UPDATE d.t SET id = 13 WHERE v = 1")
                try client.refused("ID-GONE", "COMMIT")
                #expect(try client.outcome("victim") == "none")
                try client.ok("ROLLBACK")
                try client.ok(under: "victim", "BEGIN")
                try client.refused("1062", "INSERT INTO d.t (v) VALUES (2)")
                #expect(try client.value("SHOW WARNINGS") == "Error", "what is asked about an error is still there")
                try client.ok("UPDATE d.t SET id = 12 WHERE v = 1")
                try client.ok("COMMIT")
                #expect(try client.outcome("victim") == "committed")
                #expect(try client.rows("SELECT v, id FROM d.t ORDER BY v") == ["1|12", "2|20"])
            }
        }

        @Test func `an id after a deadlock is for the statement alone, not for the transaction that is gone`() throws {
            try Cluster.runForOutcomes(slaves: 0) { cluster, client in
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
                try client.refused("1062", under: "alone", "INSERT INTO d.t (v) VALUES (1)")
                #expect(try client.outcome("alone") == "none")
                try client.ok(under: "alone", "INSERT INTO d.t (v) VALUES (3)")
                #expect(try client.outcome("alone") == "committed")
            }
        }

        @Test func `what is left of a transaction that is lost is not run by itself`() throws {
            try Cluster.runForOutcomes(slaves: 1, [:]) { cluster, client in
                let far = try cluster.slave(1).connect()
                for (number, session) in [client, far].enumerated() {
                    try session.ok(under: "lost-\(number)", "BEGIN")
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
                try far.ok(under: "lost-2", "BEGIN")
                cluster.master.kill()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try far.refused("CONNECTION-LOST", "INSERT INTO d.t (v) VALUES (12)")
                try far.refused("ID-GONE", "INSERT INTO d.t (v) VALUES (13)")
                try far.ok("ROLLBACK")
                cluster.master.kill()
                try far.refused("MASTER-UNREACHABLE", under: "lost-3", "BEGIN")
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try far.refused("ID-GONE", "INSERT INTO d.t (v) VALUES (14)")
                try far.ok("ROLLBACK")
                try far.ok("INSERT INTO d.t (v) VALUES (15)")
                #expect(try far.rows("SELECT v FROM d.t") == ["15"])
                for number in 0...3 { #expect(try far.outcome("lost-\(number)") == "none") }
            }
        }
    }
}

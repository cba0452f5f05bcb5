import Glibc
import Testing

extension WholeClusters {
    /// What a slave passes on: what the master says to it, and what becomes of the session when one of the two can't follow.
    @Suite struct Forwarding {
        /// A master and a slave, with a table.
        private func run(_ settings: [String: String] = [:], master: [String: String] = [:], _ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(slaves: 1, settings, master: master) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(80))")
                try cluster.waitForSlaves()
                try body(cluster, try cluster.slave(1).connect())
            }
        }

        @Test func `a setting that the master alone refuses is told once, and then writes go on`() throws {
            let options = #""innodb_buffer_pool_size": "64M", "innodb_log_file_size": "32M""#
            // What a session may set of the query cache hangs on the server's own setting.
            let (with, without) = (#"{"options": {\#(options), "query_cache_type": "1"}}"#, #"{"options": {\#(options), "query_cache_type": "0"}}"#)
            try run(["database": with], master: ["database": without]) { cluster, client in
                try client.ok("SET SESSION time_zone = '+03:00'")
                try client.ok("SET SESSION query_cache_type = 2")
                try client.ok("SET SESSION sql_select_limit = 77")
                let told = try client.refused("1925", "INSERT INTO d.t (v) VALUES ('not run')")
                #expect(told.hasPrefix("1925 HY000 Query cache is globally disabled"), "\(told)")
                #expect(told.contains("SET SESSION query_cache_type = 2"), "\(told)")
                try client.ok("INSERT INTO d.t (v) VALUES (CONCAT(@@time_zone, ' ', @@sql_select_limit))")
                #expect(try client.rows("SELECT v FROM d.t") == ["+03:00 77"])
                #expect(try client.value("SELECT @@query_cache_type") == "DEMAND", "here it counts all the same")

                let other = try cluster.slave(1).connect()
                try other.send(".format json\nSET query_cache_type = 2\nINSERT INTO d.t (v) VALUES ('not run')\nINSERT INTO d.t (v) VALUES ('x')\n")
                for beginning in [#"{"ok":{"format""#, #"{"ok":{"affected""#, #"{"error":{"code":1925,"state":"HY000""#, #"{"ok":{"affected":1"#] {
                    let line = try other.line()
                    #expect(line.hasPrefix(beginning), "\(line)")
                }
            }
        }

        @Test func `a database that the master does not have is MariaDB's own error`() throws {
            try run { cluster, client in
                try cluster.slave(1).root("SET sql_log_bin = 0; CREATE DATABASE early; CREATE TABLE early.t (a INT); INSERT INTO early.t VALUES (5)")
                try client.ok("USE early")
                #expect(try client.rows("SELECT a FROM t") == ["5"])
                for _ in 0..<2 {
                    let told = try client.refused("1049", "INSERT INTO d.t (v) VALUES ('x')")
                    #expect(told.hasPrefix("1049 42000 Unknown database 'early'"), "\(told)")
                }
                try client.ok("USE d")
                try client.ok("INSERT INTO t (v) VALUES ('y')")
                #expect(try client.rows("SELECT v FROM t") == ["y"])
            }
        }

        @Test func `an account that the master does not let in is told so`() throws {
            try run { cluster, _ in
                try cluster.slave(1).root(
                    "SET sql_log_bin = 0; CREATE USER early@localhost IDENTIFIED BY 'p'; GRANT SELECT, INSERT ON d.* TO early@localhost")
                for node in cluster.nodes {
                    try node.stop()
                    node.settings["authentication"] = #""accounts""#
                    try node.launch()
                }
                let client = try waitFor("early is let in") { () -> Client? in
                    guard let client = try? cluster.slave(1).connect() else { return nil }
                    return try client.run(".auth early p").error == nil ? client : nil
                }
                try waitUntil("the master answers") { (try? cluster.master.connect().ok(".ping")) != nil }
                for _ in 0..<2 {
                    // While the master starts it can't say yes or no.
                    let told = try waitFor("the master has decided") { () -> String? in
                        let reply = try client.run("INSERT INTO d.t (v) VALUES ('x')")
                        return reply.error?.code == "DATABASE-DOWN" ? nil : reply.words
                    }
                    #expect(told.hasPrefix("AUTH 28000 the master does not let this account in"), "\(told)")
                }
                #expect(try client.value("SELECT COUNT(*) FROM d.t") == "0", "reads go on")
            }
        }

        @Test func `settings come back with the master, after its database's end and its own`() throws {
            try run { cluster, client in
                let insert = "INSERT INTO d.t (v) VALUES (@@time_zone)"
                try client.ok("SET time_zone = '+05:00'")
                try client.ok(insert)
                let master = cluster.master
                let old = try #require(master.databasePID)
                try master.killDatabase()
                try waitUntil("the database is started again") { master.databasePID.map { $0 != old } ?? false }
                try master.waitUntilServing()
                try client.refused("CONNECTION-LOST", insert)
                try client.ok(insert)
                try cluster.waitForSlaves()
                master.kill()
                try waitUntil("the slave knows") { try cluster.slave(1).status("link").hasPrefix("away") }
                try client.refused("MASTER-UNREACHABLE", insert)
                #expect(try client.value("SELECT COUNT(*) FROM d.t") == "2")
                try master.launch()
                try master.waitUntilServing()
                try client.ok(insert)
                #expect(try client.rows("SELECT v FROM d.t") == ["+05:00", "+05:00", "+05:00"])
            }
        }

        @Test func `a SET counts for the master once it has succeeded here`() throws {
            let options = #""innodb_buffer_pool_size": "64M", "innodb_log_file_size": "32M""#
            let (with, without) = (#"{"options": {\#(options), "query_cache_type": "1"}}"#, #"{"options": {\#(options), "query_cache_type": "0"}}"#)
            try run(["database": without], master: ["database": with]) { _, client in
                try client.refused("1298", "SET time_zone = 'Mars/Phobos'")
                try client.refused("1925", "SET query_cache_type = 2")
                try client.ok("INSERT INTO d.t (v) VALUES (CONCAT(@@time_zone, ' ', @@query_cache_type))")
                #expect(try client.rows("SELECT v FROM d.t") == ["SYSTEM ON"])
            }
        }

        @Test func `user variables are the same wherever a slave's session reads them`() throws {
            try run { cluster, client in
                let insert = "INSERT INTO d.t (v) VALUES (@x)"
                try client.ok("SET @x = UUID()")
                let value = try #require(try client.value("SELECT @x"))
                try client.ok(insert)
                try client.ok("START TRANSACTION READ ONLY")
                try client.ok("SET @x = (SELECT MAX(v) FROM d.t)")
                #expect(try client.value("SELECT @x") == value, "it runs on the master")
                try client.ok("COMMIT")
                try client.ok(insert)
                #expect(try client.rows("SELECT DISTINCT v FROM d.t") == [value])
                try client.ok("SELECT 'y' INTO @x")
                try client.ok(insert)
                try client.ok("SELECT @x := 'z'")
                try client.ok(insert)
                #expect(try client.rows("SELECT v FROM d.t WHERE id > 2") == ["y", "z"])
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a slave's session has its sequences' values and its last GTID from the master`() throws {
            try run { cluster, client in
                try cluster.master.connect().ok("CREATE SEQUENCE d.s")
                try cluster.waitForSlaves()
                let here = try #require(try client.value("SELECT @@server_id"))
                #expect(try client.value("SELECT LASTVAL(d.s)") == nil)
                let own = try #require(try client.value("SELECT NEXTVAL(d.s)"))
                let others = [try cluster.slave(1).connect(), try cluster.master.connect()]
                for other in others {
                    try other.ok("SELECT NEXTVAL(d.s)")
                    try other.ok("INSERT INTO d.t (v) VALUES ('x')")
                }
                #expect(try client.value("SELECT LASTVAL(d.s)") == own)
                #expect(try client.value("SELECT @@server_id") == here, "other reads stay on the slave")
                let newcomer = try cluster.slave(1).connect()
                try newcomer.ok("INSERT INTO d.t (v) VALUES ('x')")
                #expect(try newcomer.value("SELECT PREVIOUS VALUE FOR d.s") == nil)
                let gtid = try #require(try client.ok("INSERT INTO d.t (v) VALUES ('x')").gtid)
                #expect(try client.value("SELECT @@last_gtid") == "\(gtid)")
                #expect(try cluster.slave(1).connect().value("SELECT @@last_gtid") == "")
            }
        }

        @Test func `a READ ONLY transaction on a slave assigns no user variable`() throws {
            try run { cluster, client in
                try cluster.master.connect().ok("CREATE PROCEDURE d.p(OUT o INT)\nSET o = 5")
                try cluster.waitForSlaves()
                try client.ok("START TRANSACTION READ ONLY")
                for sql in [
                    "SET @x = UUID()", "SET @x = 1", "SET time_zone = '+02:00', @x = 1", "SELECT @x := 1", "SELECT 1 INTO @x", "CALL d.p(@x)",
                    "EXECUTE IMMEDIATE 'SET @x = 1'",
                    "GET DIAGNOSTICS @x = NUMBER",
                ] { try client.refused("VARIABLE-REFUSED", sql) }
                try client.ok("SET time_zone = '+05:00'")
                #expect(try client.rows("SELECT @x, @@time_zone") == ["NULL|+05:00"])
                try client.ok("COMMIT")
                try client.ok("INSERT INTO d.t (v) VALUES (CONCAT(COALESCE(@x, 'none'), ' ', @@time_zone))")
                #expect(try client.rows("SELECT v FROM d.t") == ["none +05:00"])
            }
        }

        @Test func `what a read on the slave leaves to ask about is not assigned on the master`() throws {
            try run { cluster, client in
                try client.ok("INSERT INTO d.t (v) VALUES ('a'), ('b'), ('c')")
                try client.ok("SELECT ROW_COUNT() INTO @x")
                #expect(try client.value("SELECT @x") == "3", "the last statement was the master's")
                try client.ok(".reset")
                try cluster.waitForSlaves()
                try client.ok("SELECT SQL_CALC_FOUND_ROWS v FROM d.t LIMIT 1")
                for sql in ["SELECT FOUND_ROWS() INTO @x", "SET @x = FOUND_ROWS()", "GET DIAGNOSTICS @x = NUMBER"] {
                    try client.refused("DIAGNOSTICS-GONE", sql)
                }
                #expect(try client.value("SELECT FOUND_ROWS()") == "3")
                let local = try cluster.master.connect()
                #expect(try local.run("SELECT nothing").error != nil)
                try local.ok("GET DIAGNOSTICS @n = NUMBER")
                let other = try cluster.master.connect()
                #expect(try other.value("SELECT @n") == nil)
                #expect(try local.value("SELECT @n") == "1")
            }
        }

        @Test func `a master that tells of a session without end is hung up on`() throws {
            try run { cluster, client in
                cluster.master.kill()
                let (port, slave) = (cluster.master.port, cluster.slave(1))
                for (answer, more) in [("OK\n", String(repeating: "x", count: 1 << 16)), ("OK\n. hold=none\n", ""), ("OK\n. hold=0 lex=0 ", " ")] {
                    let liar = try FalseMaster(port: port, answer: answer, more: more)
                    defer { liar.stop() }
                    let told = try client.refused("MASTER-UNREACHABLE", "INSERT INTO d.t (v) VALUES ('x')")
                    #expect(told.contains("what answers at 127.0.0.1:\(port) does not tell what the session holds"), "\(told)")
                    #expect(try client.value("SELECT COUNT(*) FROM d.t") == "0", "reads go on")
                }
                #expect(slave.logText.contains("a session's connection to the master was dropped"))
                #expect(slave.memory < 300 << 20, "\(slave.memory)")
            }
        }

        @Test func `the way a session on the master reads quotes hides nothing from the slave's rules`() throws {
            try run(["session": #"{"multiStatements": true}"#]) { cluster, client in
                for (mode, hidden) in [
                    ("ANSI_QUOTES", #"SELECT 1 AS "a\"; DROP TABLE d.t; -- ""#), ("NO_BACKSLASH_ESCAPES", #"SELECT 'a\'; DROP TABLE d.t; -- '"#),
                ] {
                    try client.ok(hidden)
                    try client.ok("BEGIN")
                    try client.ok("SET sql_mode = '\(mode)'")
                    try client.refused("DROP-REFUSED", hidden)
                    try client.ok("COMMIT")
                    try client.refused("DROP-REFUSED", hidden)
                    // The other way round: by the slave's own mode this would be a DROP.
                    try client.ok(".reset")
                    try client.ok("BEGIN")
                    try client.ok(hidden)
                    try client.ok("ROLLBACK")
                    try client.ok(".reset")
                }
                #expect(try cluster.master.connect().value("SELECT COUNT(*) FROM d.t") == "0")
            }
        }

        @Test func `clients that go in the middle of a large row take nobody along`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let slave = cluster.slave(1)
                for round in 0..<12 {
                    let client = try slave.connect()
                    for request in ["BEGIN", "SELECT REPEAT('x', 15000000) FROM information_schema.engines LIMIT 4"] { try client.ask(request) }
                    try client.discard(100_000 + round * 900_000)
                    client.abort()
                }
                #expect(try slave.connect().value("SELECT 1") == "1")
                #expect(slave.isRunning)
            }
        }
    }
}

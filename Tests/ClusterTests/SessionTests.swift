import Glibc
import Testing

extension WholeClusters {
    /// A connection is a session, on the master and through a slave.
    @Suite struct Sessions {
        private func run(_ settings: [String: String] = [:], _ body: (Cluster) throws -> Void) throws {
            try Cluster.run(slaves: 1, settings) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE DATABASE e")
                try client.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
                try cluster.waitForSlaves()
                try body(cluster)
            }
        }

        @Test func `state lasts from one request to the next, on either role`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let client = try node.connect()
                    try client.ok("USE d")
                    #expect(try client.value("SELECT DATABASE()") == "d", "\(node.name)")
                    try client.ok("SET @a = 5, SESSION sql_select_limit = 1234")
                    #expect(try client.rows("SELECT @a, @@sql_select_limit") == ["5|1234"], "\(node.name)")
                    let id = try #require(try client.ok("INSERT INTO t (v) VALUES (1), (2)").fields["insert_id"])
                    #expect(try client.value("SELECT LAST_INSERT_ID()") == id, "\(node.name)")
                    try client.ok("PREPARE p FROM 'SELECT ? + 1'")
                    #expect(try client.value("EXECUTE p USING @a") == "6", "\(node.name)")
                    try client.ok("DEALLOCATE PREPARE p")
                    try client.ok("CREATE TEMPORARY TABLE tmp (a INT)")
                    try client.ok("INSERT INTO tmp VALUES (7)")
                    #expect(try client.rows("SELECT * FROM tmp") == ["7"], "\(node.name)")
                    try client.ok("DROP TEMPORARY TABLE tmp")
                    #expect(try client.value("SELECT GET_LOCK('l', 1)") == "1")
                    #expect(try cluster.master.connect().value("SELECT GET_LOCK('l', 0)") == "0", "\(node.name): the lock is the cluster's")
                    #expect(try client.value("SELECT RELEASE_LOCK('l')") == "1")
                    try client.ok("LOCK TABLES t WRITE")
                    try client.ok("INSERT INTO t (v) VALUES (3)")
                    try client.ok("UNLOCK TABLES")
                }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `transactions, on either role`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let (client, other) = (try node.connect(), try cluster.master.connect())
                    let count = "SELECT COUNT(*) FROM d.t"
                    let before = try other.value(count)
                    try client.ok("BEGIN")
                    try client.ok("INSERT INTO d.t (v) VALUES (10)")
                    #expect(try client.value("SELECT v FROM d.t WHERE v = 10") == "10", "\(node.name): its own writes are seen")
                    #expect(try other.value(count) == before)
                    try client.ok("ROLLBACK")
                    #expect(try client.value(count) == before)
                    try client.ok("SET autocommit = 0")
                    try client.ok("INSERT INTO d.t (v) VALUES (10)")
                    try client.ok("ROLLBACK")
                    try client.ok("INSERT INTO d.t (v) VALUES (11)")
                    try client.ok("COMMIT")
                    try client.ok("SET autocommit = 1")
                    #expect(try client.rows("SELECT v FROM d.t WHERE v > 9") == ["11"], "\(node.name)")
                    try client.ok("DELETE FROM d.t WHERE v > 9")
                    try client.ok("START TRANSACTION READ ONLY")
                    #expect(try client.run("INSERT INTO d.t (v) VALUES (1)").error != nil, "\(node.name)")
                    try client.ok("COMMIT")
                }
            }
        }

        @Test func `what a session set within a transaction through a slave is there after it`() throws {
            try run { cluster in
                let client = try cluster.slave(1).connect()
                try client.ok("USE d")
                try client.ok("BEGIN")
                try client.ok("INSERT INTO t (v) VALUES (1)")
                try client.ok("SET @x = 41")
                try client.ok("USE e")
                try client.ok("COMMIT")
                #expect(try client.rows("SELECT @x, DATABASE()") == ["41|e"])
            }
        }

        @Test func `LAST_INSERT_ID is a session's own, though sessions share connections`() throws {
            try run { cluster in
                let (a, b) = (try cluster.master.connect(), try cluster.master.connect())
                let mine = try #require(try a.ok("INSERT INTO d.t (v) VALUES (1)").fields["insert_id"])
                try b.ok("INSERT INTO d.t (v) VALUES (2)")
                try a.ok("SELECT 1")
                try a.ok("INSERT INTO d.t (v) VALUES (LAST_INSERT_ID() + 1000)")
                #expect(try a.value("SELECT MAX(v) - 1000 FROM d.t") == mine)
                let own = try a.value("SELECT LAST_INSERT_ID()")
                try b.ok("INSERT INTO d.t (v) VALUES (3)")
                try a.ok("BEGIN")
                #expect(try a.value("SELECT LAST_INSERT_ID()") == own)
                try a.ok("ROLLBACK")
                let fresh = try cluster.master.connect()
                try fresh.ok("SELECT 1")
                #expect(try fresh.value("SELECT LAST_INSERT_ID()") == "0")
            }
        }

        @Test func `.reset makes a session new`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let client = try node.connect()
                    try client.ok("USE d")
                    try client.ok("SET @a = 1")
                    try client.ok("BEGIN")
                    try client.ok("INSERT INTO t (v) VALUES (99)")
                    try client.ok(".reset")
                    #expect(try client.rows("SELECT @a, DATABASE()") == ["NULL|NULL"], "\(node.name)")
                    #expect(try client.value("SELECT COUNT(*) FROM d.t WHERE v = 99") == "0", "\(node.name)")
                }
            }
        }

        @Test func `a session on a slave reads its own writes, or hears why not`() throws {
            try run(["session": #"{"readYourWritesMs": 700}"#]) { cluster in
                let client = try cluster.slave(1).connect()
                for value in 100..<150 {
                    try client.ok("INSERT INTO d.t (v) VALUES (\(value))")
                    #expect(try client.value("SELECT COUNT(*) FROM d.t WHERE v = \(value)") == "1")
                }
                // The applier waits for this lock, whatever the node does about it.
                let slave = cluster.slave(1)
                let lock = "LOCK TABLES d.t READ; SELECT SLEEP(4)"
                let socket = slave.socket
                let holder = Background { Processes.shell("mariadb --no-defaults -S \(socket) -uroot -e '\(lock)'").code }
                try waitUntil("the table is locked") { try slave.root("SHOW PROCESSLIST").contains("SLEEP(4)") }
                try client.ok("INSERT INTO d.t (v) VALUES (1000)")
                let took = try timed { try client.refused("STALE-READ", "SELECT COUNT(*) FROM d.t") }
                #expect(took > .milliseconds(600))
                #expect(try holder.value() == 0)
                try waitUntil("it is applied") { try client.run("SELECT COUNT(*) FROM d.t WHERE v = 1000").rows == [["1"]] }
            }
        }

        @Test func `.wait waits for a position, and says when it does not come`() throws {
            try run { cluster in
                let gtid = try #require(try cluster.master.connect().ok("INSERT INTO d.t (v) VALUES (5)").gtid)
                let slave = try cluster.slave(1).connect()
                try slave.ok(".wait \(gtid) 5000")
                #expect(try slave.value("SELECT v FROM d.t") == "5")
                let took = try timed { try slave.refused("WAIT-TIMEOUT", ".wait 0-1-99999 300") }
                #expect(took > .milliseconds(250) && took < .seconds(3))
            }
        }

        @Test func `requests sent ahead are answered in order, also when sending has ended`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let client = try node.connect()
                    try client.send(
                        (0..<500).map { $0 % 7 == 0 ? ".ping\n" : $0 % 50 == 1 ? "INSERT INTO d.t (v) VALUES (\($0))\n" : "SELECT \($0)\n" }.joined())
                    client.finishSending()
                    for number in 0..<500 {
                        let reply = try client.reply()
                        if number % 7 == 0 {
                            #expect(reply.fields["pong"] == "")
                        } else if number % 50 == 1 {
                            #expect(reply.fields["affected"] == "1", "\(node.name) \(reply.words)")
                        } else {
                            #expect(reply.rows == [["\(number)"]], "\(node.name)")
                        }
                    }
                    #expect(throws: ClientError.closed) { try client.reply() }
                }
            }
        }

        @Test func `a client that goes away leaves nothing behind`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let leaver = try node.connect()
                    try leaver.ok("BEGIN")
                    try leaver.ok("INSERT INTO d.t (id, v) VALUES (5000, 77)")
                    leaver.close()
                    // The same row waits for the transaction's end, and comes in where that was a rollback.
                    let took = try timed { try cluster.master.connect().ok("INSERT INTO d.t (id, v) VALUES (5000, 78)") }
                    #expect(took < .seconds(5), "\(node.name)")
                    try cluster.master.connect().ok("DELETE FROM d.t WHERE id = 5000")

                    let sleepers = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(30)%'"
                    let sleeper = try node.connect()
                    try sleeper.ask("SELECT SLEEP(30)")
                    let local = try node.connect()
                    try waitUntil("it sleeps") { try local.value(sleepers) == "1" }
                    sleeper.abort()
                    try waitUntil("its statement is killed", within: 5) { try local.value(sleepers) == "0" }
                }
            }
        }

        @Test func `replies in JSON, on either role`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let client = try node.connect()
                    try client.send(
                        ".format json\nSELECT 1 AS a, NULL AS n, 'x' AS s, 12345678901234567890.5 AS d, x'00FF' AS b\nSELEC\nINSERT INTO d.t (v) VALUES (1)\n"
                    )
                    #expect(try client.line() == #"{"ok":{"format":"json"}}"#)
                    let rows = try client.line()
                    #expect(rows.contains(#""rows":[[1,null,"x",12345678901234567890.5,"AP8="]]"#), "\(rows)")
                    #expect(try client.line().hasPrefix(#"{"error":{"code":"UNKNOWN-STATEMENT","state":"42000","message":"#))
                    #expect(try client.line().hasPrefix(#"{"ok":{"affected":1,"insert_id":"#))
                }
            }
        }
    }

    /// The gate over the wire: what each role runs, passes on and refuses.
    @Suite struct Gate {
        @Test func `each role runs what the table of statements says`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (master, slave) = (try cluster.master.connect(), try cluster.slave(1).connect())
                try master.ok("CREATE DATABASE d")
                try master.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
                try master.ok("CREATE SEQUENCE d.q")
                try master.ok("CREATE FUNCTION d.writes() RETURNS INT\nBEGIN\n  INSERT INTO d.t (v) VALUES (666);\n  RETURN 1;\nEND")
                try cluster.waitForSlaves()
                for sql in ["SELECT 1", "SHOW TABLES FROM d", "DESCRIBE d.t", "EXPLAIN SELECT * FROM d.t", "WITH a AS (SELECT 1) SELECT * FROM a"] {
                    try master.ok(sql)
                    try slave.ok(sql)
                }
                for sql in [
                    "INSERT INTO d.t (v) VALUES (1)", "SELECT * FROM d.t FOR UPDATE", "SELECT NEXTVAL(d.q)", "CREATE INDEX k ON d.t (v)",
                    "ALTER TABLE d.t ADD c INT",
                    "CREATE TABLE d.`drop` (a INT)", "INSERT INTO d.`drop` VALUES (1)", "TRUNCATE TABLE d.`drop`",
                ] { try slave.ok(sql) }
                let drop = try slave.refused("DROP-REFUSED", "DROP TABLE d.t")
                #expect(drop.hasSuffix("send it to the master at 127.0.0.1:\(cluster.master.port)"), "\(drop)")
                for (code, sql) in [
                    ("DROP-REFUSED", "/*!50000 DROP */ TABLE d.t"), ("DROP-REFUSED", "EXECUTE IMMEDIATE 'DROP TABLE d.t'"),
                    ("DROP-REFUSED", "ALTER TABLE d.t DROP COLUMN v"),
                    ("DATABASE-REFUSED", "CREATE DATABASE x"), ("DATABASE-REFUSED", "DROP DATABASE d"), ("ADMIN-REFUSED", "CREATE USER u"),
                    ("ADMIN-REFUSED", "SET GLOBAL max_connections = 5"),
                    ("ADMIN-REFUSED", "FLUSH TABLES"), ("DYNAMIC-REFUSED", "EXECUTE IMMEDIATE @x"),
                    ("FILES-REFUSED", "SELECT 1 INTO OUTFILE '/tmp/x'"),
                ] { try slave.refused(code, sql) }
                for (code, sql) in [
                    ("NODE-OWNED", "SET sql_log_bin = 0"), ("NODE-OWNED", "SET GLOBAL read_only = 1"), ("NODE-OWNED", "RESET MASTER"),
                    ("NODE-OWNED", "STOP SLAVE"), ("NODE-OWNED", "SHUTDOWN"),
                    ("MULTI-REFUSED", "SELECT 1; SELECT 2"), ("UNKNOWN-STATEMENT", "FROBNICATE d.t"),
                    ("FILES-REFUSED", "SELECT LOAD_FILE('/etc/passwd')"), ("UNKNOWN-COMMAND", ".frobnicate"),
                ] {
                    try master.refused(code, sql)
                    try slave.refused(code, sql)
                }
                // The second wall: the gate can't see into a function, the database can.
                let before = try slave.value("SELECT COUNT(*) FROM d.t")
                #expect(try slave.run("SELECT d.writes()").error != nil)
                #expect(try slave.value("SELECT COUNT(*) FROM d.t") == before)
                try master.ok("FLUSH TABLES")
                try master.ok("SET GLOBAL long_query_time = 9")
                try master.ok("DROP TABLE d.`drop`")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `clients have the rights to administer, and no more than that`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (master, slave) = (try cluster.master.connect(), try cluster.slave(1).connect())
                for sql in ["FLUSH STATUS", "SET GLOBAL long_query_time = 9", "SET @@global.sort_buffer_size = 300000", "RESET QUERY CACHE"] {
                    try master.ok(sql)
                }
                // The same without being bare: with the rights of the clients' account, which lacks this one.
                // The same with something around it has the rights of the clients' account, which may not.
                for sql in [
                    "BEGIN NOT ATOMIC SET GLOBAL long_query_time = 9; END", "EXECUTE IMMEDIATE 'SET GLOBAL long_query_time = 9'",
                    "SET GLOBAL long_query_time = (SELECT 9)", "SET @x = 1, GLOBAL long_query_time = 9",
                ] { try master.refused("1227", sql) }
                #expect(try master.value("SELECT CURRENT_USER()") == "ddbnode_client@localhost", "no statement is left with more rights")
                for sql in [
                    "SET GLOBAL general_log_file = '/tmp/ddbnode-never'", "SET GLOBAL slow_query_log_file = '/tmp/ddbnode-never'",
                    "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL innodb_flush_log_at_trx_commit = 0", "DROP USER ddbnode_admin@localhost",
                    "GRANT SUPER ON *.* TO ddbnode_client@localhost", "SET PASSWORD FOR ddbnode_client@localhost = PASSWORD('x')",
                    "SET PASSWORD = PASSWORD('x')", "ALTER USER CURRENT_USER() IDENTIFIED BY 'x'",
                ] {
                    try master.refused("NODE-OWNED", sql)
                }
                // The account gives what it has: all rights to a database, not those that would take the server from the node.
                try master.ok("CREATE USER 'shop'@'localhost' IDENTIFIED BY 'a password'")
                try master.refused("1045", "GRANT ALL ON *.* TO 'shop'@'localhost'")
                try master.ok("GRANT ALL ON shop.* TO 'shop'@'localhost'")
                try master.ok("GRANT SELECT, RELOAD, PROCESS ON *.* TO 'shop'@'localhost'")
                for sql in ["SET SESSION TRANSACTION READ WRITE", "SET TRANSACTION READ WRITE", "SET transaction_read_only = 0"] {
                    try slave.refused("NODE-OWNED", sql)
                }
                #expect(try slave.value("SELECT @@tx_read_only") == "1")
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.requireSameEverywhere()
            }
        }
    }
}

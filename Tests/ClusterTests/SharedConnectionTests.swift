import Testing

extension WholeClusters {
    /// Sessions without state share database connections: none may find what another left there.
    @Suite struct SharedConnections {
        /// One connection for everybody, or a few.
        private func run(connections: Int = 1, _ body: (NodeProcess) throws -> Void) throws {
            let settings = ["pool": #"{"connectionsMax": \#(connections)}"#]
            try Cluster.run(slaves: 0, master: settings) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
                try client.ok("CREATE FUNCTION d.sets() RETURNS INT BEGIN SET @x = 5; RETURN 1; END")
                try client.ok("CREATE FUNCTION d.hides() RETURNS INT BEGIN SELECT 6 INTO @y; RETURN 1; END")
                try client.ok("CREATE FUNCTION d.writes() RETURNS INT BEGIN INSERT INTO d.t (v) VALUES (9); RETURN 1; END")
                try client.ok("CREATE FUNCTION d.locks() RETURNS INT RETURN GET_LOCK('within', 0)")
                try client.ok("CREATE SEQUENCE d.s")
                try client.ok("CREATE TABLE d.numbered (id INT DEFAULT NEXT VALUE FOR d.s, v INT)")
                try client.ok("CREATE FUNCTION d.advances() RETURNS INT RETURN NEXTVAL(d.s)")
                try body(cluster.master)
            }
        }

        @Test func `a new session's first question about warnings is about its own`() throws {
            try run { node in
                let (a, b) = (try node.connect(), try node.connect())
                try a.ok("SELECT 1/0")
                #expect(try b.rows("SHOW WARNINGS") == [])
                #expect(try a.run("SHOW WARNINGS").error != nil, "they are gone, and it hears so")
            }
        }

        @Test func `what a function sets is the session's own, and gone with it`() throws {
            try run { node in
                let a = try node.connect()
                try a.ok("SELECT d.sets()")
                #expect(try a.value("SELECT @x") == "5")
                try a.ok(".reset")
                #expect(try node.connect().rows("SELECT @x") == ["NULL"])
                try a.ok("SELECT d.hides()")
                #expect(try node.connect().rows("SELECT @y") == ["NULL"])
            }
        }

        @Test func `a trigger reads its own session's LAST_INSERT_ID`() throws {
            try run { node in
                let (a, b) = (try node.connect(), try node.connect())
                try a.ok("CREATE TABLE d.seen (v INT, last BIGINT)")
                try a.ok("CREATE TRIGGER d.notes BEFORE INSERT ON d.seen FOR EACH ROW SET NEW.last = LAST_INSERT_ID()")
                let id = try #require(try a.ok("INSERT INTO d.t (v) VALUES (1)").fields["insert_id"])
                try b.ok("INSERT INTO d.seen (v) VALUES (2)")
                try a.ok("INSERT INTO d.seen (v) VALUES (3)")
                #expect(try a.rows("SELECT last FROM d.seen ORDER BY v") == ["0", id])
            }
        }

        @Test func `a session finds its last id on whichever connection it runs`() throws {
            try run(connections: 2) { node in
                let (a, b, c) = (try node.connect(), try node.connect(), try node.connect())
                #expect(try a.ok("INSERT INTO d.t (v) VALUES (1)").fields["insert_id"] == "1")
                // Neither touches what the connection it takes holds.
                func inUse(_ count: Int) throws {
                    try waitUntil("\(count) connections in use") { try a.rows(".status").contains("pool.in_use|\(count)") }
                }
                try b.ask("SELECT SLEEP(2)")
                try inUse(1)
                #expect(try a.ok("INSERT INTO d.t (v) VALUES (1)").fields["insert_id"] == "2")
                try c.ask("SELECT SLEEP(20)")
                try inUse(2)
                _ = try b.reply()
                #expect(try a.value("SELECT LAST_INSERT_ID()") == "2")
                c.abort()
            }
        }

        @Test func `LASTVAL is a session's own value, or NULL`() throws {
            try run(connections: 2) { node in
                let (a, b) = (try node.connect(), try node.connect())
                let own = try #require(try a.value("SELECT NEXTVAL(d.s)"))
                try b.ok("SELECT d.advances()")
                #expect(try b.value("SELECT SETVAL(d.s, 500)") == "500")
                for other in [try node.connect(), try node.connect()] {
                    try other.ok("SELECT 1")
                    for sql in ["SELECT LASTVAL(d.s)", "SELECT PREVIOUS VALUE FOR d.s"] { #expect(try other.value(sql) == nil) }
                }
                try a.ok("SELECT 1")
                #expect(try a.rows("SELECT LASTVAL(d.s), PREVIOUS VALUE FOR d.s") == ["\(own)|\(own)"])
                try a.ok("SET sql_mode = ORACLE")
                #expect(try a.value("SELECT d.s.currval") == own)
            }
        }

        @Test func `LASTVAL shows nothing of what another session's column default took`() throws {
            try run(connections: 1) { node in
                let (a, b, c) = (try node.connect(), try node.connect(), try node.connect())
                try a.ok("BEGIN")
                let own = try a.value("INSERT INTO d.numbered (v) VALUES (1) RETURNING id")
                #expect(try a.value("SELECT LASTVAL(d.s)") == own, "a transaction keeps it")
                try a.ok("COMMIT")
                try b.ok("SELECT 1")
                #expect(try b.value("SELECT LASTVAL(d.s)") == nil)
                try a.ok("INSERT INTO d.numbered (v) VALUES (2)")
                try c.ok("CREATE SEQUENCE d.other")
                try c.ok("SELECT NEXTVAL(d.other)")
                #expect(try c.rows("SELECT LASTVAL(d.other), LASTVAL(d.s)") == ["1|NULL"])
            }
        }

        @Test func `@@last_gtid is of the session's own last write, or is told in words`() throws {
            try run(connections: 3) { node in
                let (a, b) = (try node.connect(), try node.connect())
                let first = try #require(try a.ok("INSERT INTO d.t (v) VALUES (1)").gtid)
                try b.ok("SELECT 1")
                #expect(try b.value("SELECT @@last_gtid") == "")
                let told = try a.refused("DIAGNOSTICS-GONE", "SELECT @@session.last_gtid")
                #expect(told.contains("\(first),"), "\(told)")
                let second = try #require(try a.ok("INSERT INTO d.t (v) VALUES (2)").gtid)
                try node.connect().ok("INSERT INTO d.t (v) VALUES (3)")
                #expect(try a.value("SELECT @@last_gtid") == "\(second)")
                #expect(try b.value("SELECT @@last_gtid") == "")
            }
        }

        @Test func `@@last_gtid shows nothing of a failed statement of another session`() throws {
            try run { node in
                let (a, b) = (try node.connect(), try node.connect())
                try a.ok("CREATE TABLE d.first (a INT)")
                let own = try #require(try a.ok("INSERT INTO d.t (v) VALUES (1)").gtid)
                // The first is dropped and logged, the second's name is all that the client hears.
                try b.refused("1051", "DROP TABLE d.first, d.missing")
                let told = try a.refused("DIAGNOSTICS-GONE", "SELECT @@last_gtid")
                #expect(told.contains("\(own),"), "\(told)")
            }
        }

        @Test func `a lock that a function takes goes with its session, or before`() throws {
            try run { node in
                try node.connect().ok("INSERT INTO d.t (v) VALUES (1)")
                for sql in ["SELECT locks()", "DO locks()", "SELECT locks() FROM t FOR UPDATE"] {
                    let (a, b, c) = (try node.connect(), try node.connect(), try node.connect())
                    // The function is of their own database: where it is of another, the server tells of a change.
                    for client in [a, b, c] { try client.ok("USE d") }
                    try a.ok(sql)
                    #expect(try node.root("SELECT IS_FREE_LOCK('within')").contains("0"), "\(sql)")
                    a.close()
                    try waitUntil("the lock is free") { try node.root("SELECT IS_FREE_LOCK('within')").contains("1") }
                    try b.ok(sql)
                    #expect(try c.value("SELECT IS_FREE_LOCK('within')") == "1", "\(sql)")
                    try b.ok(sql)
                    try b.ok(".reset")
                    try waitUntil("the lock is free") { try node.root("SELECT IS_FREE_LOCK('within')").contains("1") }
                }
            }
        }

        @Test func `a session that fails to enter a database stays where it is`() throws {
            try run { node in
                let (a, b) = (try node.connect(), try node.connect())
                for name in ["d0", "d1"] {
                    try a.ok("CREATE DATABASE \(name)")
                    try a.ok("CREATE TABLE \(name).x (v INT)")
                }
                try a.ok("USE d0")
                try b.ok("USE d1")
                try a.refused("1049", "USE nosuch")
                #expect(try a.value("SELECT DATABASE()") == "d0")
                try b.ok("SELECT 1")
                try a.refused("1049", "USE nosuch")
                try a.ok("INSERT INTO x VALUES (1)")
                #expect(try a.rows("SELECT (SELECT COUNT(*) FROM d0.x), (SELECT COUNT(*) FROM d1.x)") == ["1|0"])
                let c = try node.connect()
                try b.ok("SELECT 1")
                try c.refused("1049", "USE nosuch")
                #expect(try c.value("SELECT DATABASE()") == nil)
            }
        }

        @Test func `a session whose database is dropped goes on in another`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let (a, b) = (try cluster.master.connect(), try cluster.master.connect())
                try a.ok("CREATE DATABASE gone")
                try b.ok("CREATE DATABASE stays")
                try a.ok("USE gone")
                let old = try #require(cluster.master.databasePID)
                try b.ok("DROP DATABASE gone")
                try cluster.master.killDatabase()
                try waitUntil("the database is started again") { cluster.master.databasePID.map { $0 != old } ?? false }
                try cluster.master.waitUntilServing()
                try a.ok("USE stays")
                #expect(try a.value("SELECT DATABASE()") == "stays")
            }
        }

        @Test func `a variable set for one statement binds no connection`() throws {
            try run { node in
                let (a, b) = (try node.connect(), try node.connect())
                try a.ok("SET STATEMENT sql_select_limit = 1 FOR SELECT 1")
                #expect(try b.value("SELECT 2") == "2")
                #expect(try a.value("SELECT 3") == "3")
            }
        }

        @Test func `a character set that hides quotes is taken back, however it came`() throws {
            try run { node in
                let client = try node.connect()
                try client.ok("SET @cs = 'gbk', @saved = @@character_set_client")
                try client.refused("UNKNOWN-STATEMENT", "SET character_set_client = @cs")
                #expect(try client.value("SELECT @@character_set_client") == "utf8mb4")
                try client.ok("SET character_set_client = @saved")
            }
        }

        @Test func `the commit behind rows is told with their end`() throws {
            try run { node in
                let client = try node.connect()
                let before = try #require(try client.ok("INSERT INTO d.t (v) VALUES (1)").gtid)
                let returned = try client.ok("INSERT INTO d.t (v) VALUES (2) RETURNING id").gtid
                let called = try client.ok("SELECT d.writes()").gtid
                #expect(Set([before, returned, called]).count == 3)
                #expect(try client.ok("SELECT 1").gtid == called, "a read tells what is applied")
            }
        }

        @Test func `requests sent at once are answered in order, whatever stands between the reads`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
                try client.ok("INSERT INTO d.t SELECT seq, seq * 7 FROM d.seq_0_to_999")
                try client.ok("CREATE TABLE d.log (v INT)")
                try cluster.waitForSlaves()
                for node in cluster.nodes {
                    let client = try node.connect()
                    // The kinds prove themselves fast first.
                    for id in 0..<40 { #expect(try client.value("SELECT v FROM d.t WHERE id = \(id)") == "\(id * 7)") }
                    try client.ok("TRUNCATE d.log")
                    var wanted: [String?] = []
                    var text = ""
                    for number in 0..<600 {
                        switch number % 20 {
                        case 3:
                            text += "SELECT v FROM d.t WHERE id = \(number) AND nowhere\n"
                            wanted.append("1054")
                        case 7:
                            text += "INSERT INTO d.log VALUES (\(number))\n"
                            wanted.append(nil)
                        case 8:
                            text += "SELECT COUNT(*) FROM d.log\n"
                            wanted.append("\(number / 20 + 1)")
                        case 12:
                            text += "SELECT v + SLEEP(0.03) FROM d.t WHERE id = \(number)\n"
                            wanted.append("\(number * 7)")
                        case 16:
                            text += ".ping\n"
                            wanted.append(nil)
                        default:
                            text += "SELECT v FROM d.t WHERE id = \(number)\n"
                            wanted.append("\(number * 7)")
                        }
                    }
                    try client.send(text)
                    for (number, wanted) in wanted.enumerated() {
                        let reply = try client.reply()
                        #expect(reply.error?.code ?? reply.rows.first?.first ?? nil == wanted, "\(node.name), request \(number): \(reply.words)")
                    }
                    #expect(try client.value("SELECT 'end'") == "end")
                }
            }
        }
    }
}

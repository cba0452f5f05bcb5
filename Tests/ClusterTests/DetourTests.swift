import Testing

extension WholeClusters {
    /// Where clients share an account: what the gate refuses is reached by no detour, and what it promises still runs.
    @Suite struct Detours {
        /// Statements that the gate refuses when it sees them; here it can't.
        private static let hidden = [
            "ALTER USER ddbnode_client@localhost IDENTIFIED BY 'x'", "ALTER USER ddbnode_admin@localhost ACCOUNT LOCK",
            "DROP USER ddbnode_client@localhost", "DROP USER root@localhost", "CREATE USER mine@localhost IDENTIFIED BY 'x'",
            "RENAME USER ddbnode_admin@localhost TO other@localhost", "SET PASSWORD FOR ddbnode_admin@localhost = PASSWORD('x')",
            "GRANT ALL PRIVILEGES ON *.* TO ddbnode_client@localhost", "GRANT SUPER ON *.* TO PUBLIC", "CREATE ROLE mine",
            "GRANT PROXY ON root@localhost TO ddbnode_client@localhost", "SET ROLE mine",
            "SET sql_log_bin = 0", "SET SESSION binlog_format = STATEMENT", "SET gtid_domain_id = 7", "SET SESSION server_id = 9",
            "SET gtid_seq_no = 99999", "SET GLOBAL read_only = 1", "SET GLOBAL rpl_semi_sync_master_enabled = OFF", "SET GLOBAL server_id = 99",
            "SET GLOBAL gtid_strict_mode = OFF", "SET GLOBAL init_connect = 'DROP DATABASE d'", "SET GLOBAL general_log_file = '/tmp/x'",
            "SET GLOBAL max_connections = 10", "SET GLOBAL sync_binlog = 0", "SET GLOBAL event_scheduler = ON",
            "RESET MASTER", "RESET SLAVE ALL", "FLUSH MASTER", "FLUSH BINARY LOGS", "PURGE BINARY LOGS TO 'binlog.999999'", "SHUTDOWN",
            "CHANGE MASTER TO MASTER_HOST = 'x'", "START SLAVE", "STOP SLAVE", "BINLOG ''", "INSTALL SONAME 'auth_pam'",
            "CREATE FUNCTION x RETURNS INTEGER SONAME 'x.so'", "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
            "UPDATE mysql.global_priv SET priv = '{}'", "DELETE FROM mysql.user WHERE User = 'ddbnode_admin'", "DELETE FROM mysql.proc",
            "INSERT INTO mysql.db (Host, Db, User) VALUES ('localhost', 'mysql', 'ddbnode_client')",
            "UPDATE mysql.event SET definer = 'root@localhost'", "DROP TABLE mysql.gtid_slave_pos", "TRUNCATE mysql.gtid_slave_pos",
            "CREATE TABLE mysql.mine (a INT)", "CREATE PROCEDURE mysql.mine() SELECT 1", "RENAME TABLE d.t TO mysql.mine",
            "CREATE TRIGGER mysql.mine BEFORE INSERT ON mysql.func FOR EACH ROW SET @a = 1", "DROP DATABASE mysql",
            "DELETE FROM ddbnode.epochs", "DROP DATABASE ddbnode", "UPDATE ddbnode.outcomes SET gtid = ''", "CREATE TABLE ddbnode.mine (a INT)",
            "CREATE TRIGGER ddbnode.mine BEFORE INSERT ON ddbnode.outcomes FOR EACH ROW SET @a = 1",
            "CREATE DEFINER = root@localhost PROCEDURE d.r() SET sql_log_bin = 0", "CREATE DEFINER = root@localhost VIEW d.r AS SELECT 1",
            "CREATE DEFINER = root@localhost EVENT d.r ON SCHEDULE EVERY 1 DAY DO SELECT 1",
            "CREATE DEFINER = root@localhost TRIGGER d.r BEFORE INSERT ON d.t FOR EACH ROW SET @a = 1",
            "ALTER DEFINER = root@localhost EVENT d.e DO SELECT 1", "ALTER DEFINER = root@localhost VIEW d.v AS SELECT 1",
            "SELECT 1 INTO OUTFILE 'x'", "LOAD DATA INFILE '/etc/passwd' INTO TABLE d.t", "FLUSH TABLES WITH READ LOCK", "BACKUP STAGE START",
        ]

        private func run(_ settings: [String: String] = [:], _ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(slaves: 1, settings) { cluster in
                let client = try cluster.master.connect()
                for sql in [
                    "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE VIEW d.v AS SELECT 1 AS one",
                    "CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
                ] {
                    try client.ok(sql)
                }
                try body(cluster, client)
            }
        }

        /// A text in two halves: no reader of the statement sees it whole.
        private func halves(_ sql: String) -> String {
            let middle = sql.index(sql.startIndex, offsetBy: sql.count / 2)
            func literal(_ text: Substring) -> String { "'\(text.replacing("'", with: "''"))'" }
            return "CONCAT(LEFT(\(literal(sql[..<middle])), 999), \(literal(sql[middle...])))"
        }

        private func fingerprint(_ node: NodeProcess) throws -> String {
            try node.root(
                """
                SELECT GROUP_CONCAT(User, Host, Priv ORDER BY User, Host) FROM mysql.global_priv; SELECT @@read_only, @@server_id, @@gtid_strict_mode, \
                @@init_connect, @@sync_binlog, @@max_connections, @@event_scheduler, @@general_log_file; SELECT COUNT(*) FROM mysql.proc; \
                SELECT GROUP_CONCAT(definer) FROM mysql.event; SELECT COUNT(*) FROM ddbnode.epochs; SHOW DATABASES; SHOW BINARY LOGS
                """
            ).split(separator: "\n").filter { !$0.hasPrefix("binlog.") || $0.hasPrefix("binlog.000001") }.map {
                $0.hasPrefix("binlog.") ? "binlog" : String($0)
            }.joined(separator: "\n")
        }

        @Test func `dynamic SQL may what its account may, which is not to take the server or its accounts`() throws {
            try run { cluster, client in
                let before = try cluster.nodes.map(fingerprint)
                for sql in Self.hidden {
                    let now = try client.run("EXECUTE IMMEDIATE \(halves(sql))")
                    #expect(now.error.map { $0.code.allSatisfy(\.isNumber) } == true, "\(sql): \(now.words)")
                    try client.ok("SET @text = \(halves(sql))")
                    let prepared = try client.run("PREPARE p FROM @text")
                    if prepared.error == nil { #expect(try client.run("EXECUTE p").error != nil, "prepared: \(sql)") }
                    try client.ok(".reset")
                }
                for (number, sql) in Self.hidden.enumerated() {
                    try client.ok("CREATE PROCEDURE d.p\(number)() EXECUTE IMMEDIATE \(halves(sql))")
                    #expect(try client.run("CALL d.p\(number)()").error != nil, "in a procedure: \(sql)")
                    try client.ok("DROP PROCEDURE d.p\(number)")
                }
                try cluster.waitForSlaves()
                #expect(try cluster.nodes.map(fingerprint) == before)
                try client.ok("INSERT INTO d.t VALUES (1)")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a client that sets the password of all clients' account locks nobody out`() throws {
            try run { cluster, client in
                for password in ["PASSWORD('x')", "''"] {
                    try client.ok("EXECUTE IMMEDIATE \(halves("SET PASSWORD = \(password)"))")
                    try cluster.waitForSlaves()
                    for node in cluster.nodes {
                        // More than the connections that are there already.
                        let clients = try (0..<8).map { _ in try node.connect() }
                        for client in clients { try client.ok("SELECT 1") }
                        for client in clients { try client.ok("BEGIN") }
                        for client in clients { try client.ok("SELECT COUNT(*) FROM d.t") }
                        for client in clients { try client.ok("ROLLBACK") }
                    }
                }
            }
        }

        @Test func `what is promised on a master runs, though clients' account lacks the rights`() throws {
            try run { cluster, client in
                // Within a session that has state, too, in any mode of reading.
                try client.ok("SET @x = 1, sql_mode = 'ANSI_QUOTES'")
                for sql in [
                    #"CREATE USER "a"@localhost IDENTIFIED BY 'p'"#, "GRANT SELECT, INSERT ON d.* TO a@localhost",
                    "GRANT RELOAD ON *.* TO a@localhost",
                    "CREATE ROLE r", "GRANT r TO a@localhost", "SET DEFAULT ROLE r FOR a@localhost", "SET PASSWORD FOR a@localhost = PASSWORD('q')",
                    "ALTER USER a@localhost ACCOUNT LOCK", "REVOKE INSERT ON d.* FROM a@localhost", "RENAME USER a@localhost TO b@localhost",
                    "SET GLOBAL max_allowed_packet = 67108864", "FLUSH STATUS", "FLUSH TABLES", "FLUSH PRIVILEGES", "RESET QUERY CACHE",
                    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')", "DROP SERVER s", "CREATE DATABASE other", "DROP DATABASE other",
                    "SHOW MASTER STATUS", "SHOW PROCESSLIST", "SHOW GRANTS FOR b@localhost", "SHOW CREATE USER b@localhost",
                    "SHOW ENGINE INNODB STATUS", "LOCK TABLES d.t WRITE", "UNLOCK TABLES", "CREATE TEMPORARY TABLE d.temporary (a INT)",
                    "CREATE FUNCTION d.f() RETURNS INT RETURN 1", "CREATE TRIGGER d.r BEFORE INSERT ON d.t FOR EACH ROW SET @y = 1",
                    "ALTER EVENT d.e DISABLE", "DROP USER b@localhost", "DROP ROLE r", "SELECT COUNT(*) FROM mysql.user",
                ] {
                    try client.ok(sql)
                }
                #expect(try client.rows("SELECT @x, @@sql_mode") == ["1|ANSI_QUOTES"], "the session's own is as it was")
                let other = try cluster.master.connect()
                let number = try client.value("SELECT CONNECTION_ID()") ?? ""
                try other.ok("KILL \(number)")
                try client.refused("CONNECTION-LOST", "SELECT @x")
                let admin = try cluster.master.root("SELECT id FROM information_schema.processlist WHERE user = 'ddbnode_admin' LIMIT 1")
                try other.refused("1095", "KILL \(admin)")
            }
        }

        @Test func `a statement about accounts commits the transaction before it, and the session goes on`() throws {
            try run { cluster, client in
                try client.ok("SET @x = 5")
                try client.ok("BEGIN")
                try client.ok("INSERT INTO d.t VALUES (1)")
                try client.ok("SET GLOBAL max_allowed_packet = 67108864")
                try client.ok("INSERT INTO d.t VALUES (2)")
                #expect(try cluster.master.connect().value("SELECT COUNT(*) FROM d.t") == "0", "SET GLOBAL commits nothing")
                try client.ok("CREATE USER a@localhost")
                #expect(try cluster.master.connect().value("SELECT COUNT(*) FROM d.t") == "2")
                try client.ok("ROLLBACK")
                #expect(try client.rows("SELECT COUNT(*), @x FROM d.t") == ["2|5"])
                try client.refused("1396", "CREATE USER a@localhost")
                try client.ok("BEGIN")
                try client.ok("INSERT INTO d.t VALUES (3)")
                try client.refused("1396", "CREATE USER a@localhost")
                try client.ok("ROLLBACK")
                #expect(try client.value("SELECT COUNT(*) FROM d.t") == "3")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `locks on the whole server are their session's until it lets go or ends`() throws {
            try run { cluster, client in
                let writer = try cluster.master.connect()
                for release in ["UNLOCK TABLES", ".reset", ""] {
                    let holder = try cluster.master.connect()
                    try holder.ok("SET @x = 1")
                    try holder.ok("FLUSH TABLES WITH READ LOCK")
                    #expect(try holder.rows("SELECT COUNT(*), @x FROM d.t").count == 1)
                    try holder.refused("1223", "INSERT INTO d.t VALUES (100)")
                    try holder.refused("1223", "CREATE USER z@localhost")
                    try writer.ask("INSERT INTO d.t VALUES (\(release.count))")
                    try waitUntil("the write waits") { try cluster.master.root("SHOW PROCESSLIST").contains("Waiting for backup lock") }
                    if release.isEmpty { holder.close() } else { try holder.ok(release) }
                    #expect(try writer.reply().error == nil)
                }
                try client.ok("FLUSH TABLES d.t FOR EXPORT")
                try client.ok("UNLOCK TABLES")
                try client.ok("INSERT INTO d.t VALUES (1000)")
                try client.ok("LOCK TABLES d.t READ")
                try client.refused("1192", "CREATE USER z@localhost")
                try client.ok("UNLOCK TABLES")
                try client.ok("CREATE USER z@localhost")
            }
        }

        @Test func `objects that earlier clients made go on working`() throws {
            try run { cluster, client in
                try client.ok("CREATE PROCEDURE d.p() INSERT INTO d.t VALUES (7)")
                try client.ok("CREATE VIEW d.numbers AS SELECT id FROM d.t")
                #expect(try client.rows("SELECT definer FROM information_schema.routines WHERE routine_schema = 'd'") == ["ddbnode_client@localhost"])
                try cluster.master.stop()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                let client = try cluster.master.connect()
                try client.ok("CALL d.p()")
                #expect(try client.rows("SELECT id FROM d.numbers") == ["7"])
            }
        }
    }
}

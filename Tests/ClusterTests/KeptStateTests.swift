import Testing

extension WholeClusters {
    /// Statements whose effect outlives them on a connection: their session keeps it until that is gone.
    @Suite struct KeptState {
        private struct Case: CustomStringConvertible {
            let statements: [String]
            /// What ends it, short of `.reset`.
            var end: [String] = []
            var description: String { statements.joined(separator: "; ") }

            init(_ statements: String..., end: String...) { (self.statements, self.end) = (statements, end) }
        }

        private static let kept = [
            Case("BACKUP STAGE START", end: "BACKUP STAGE END"), Case("BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT", end: "BACKUP STAGE END"),
            Case("BACKUP LOCK d.t", end: "BACKUP UNLOCK"), Case("EXECUTE IMMEDIATE 'BACKUP LOCK d.t'"),
            Case("BACKUP STAGE START", "BACKUP LOCK d.t", "BACKUP STAGE END", end: "BACKUP UNLOCK"),
            Case("FLUSH TABLES WITH READ LOCK", end: "UNLOCK TABLES"), Case("FLUSH LOCAL TABLES WITH READ LOCK", end: "UNLOCK TABLES"),
            Case("FLUSH TABLES d.t WITH READ LOCK", end: "UNLOCK TABLES"), Case("FLUSH TABLES d.t FOR EXPORT", end: "UNLOCK TABLES"),
            Case("LOCK TABLES d.t READ", end: "UNLOCK TABLES"), Case("LOCK TABLES d.t WRITE", end: "UNLOCK TABLES"),
            Case("LOCK TABLE d.t AS x READ LOCAL", end: "UNLOCK TABLE"),
            Case("HANDLER d.t OPEN"), Case("HANDLER d.t OPEN AS h"),
            Case("SELECT GET_LOCK('a', 0)"), Case("DO GET_LOCK('a', 0)"), Case("SELECT 1 FROM DUAL WHERE GET_LOCK('a', 0)"),
            Case("SET @x = GET_LOCK('a', 0)"), Case("INSERT INTO d.t (v) VALUES (GET_LOCK('a', 0))"),
            Case("PREPARE p FROM 'SELECT 1'", end: "DEALLOCATE PREPARE p"), Case("PREPARE p FROM 'SELECT 1'", end: "DROP PREPARE p"),
            Case("CREATE TEMPORARY TABLE d.m (a INT)"), Case("CREATE OR REPLACE TEMPORARY TABLE d.m SELECT 1 AS a"),
            Case("CREATE TEMPORARY TABLE d.m LIKE d.t"), Case("CREATE TEMPORARY SEQUENCE d.m"),
            Case("SET @x = 1"), Case("SELECT 1 INTO @x"), Case("SELECT @x := 1"), Case("SELECT v INTO @x FROM d.t LIMIT 1"),
            Case("UPDATE d.t SET v = (@x := 5)"), Case("EXECUTE IMMEDIATE 'SELECT 1 INTO @x'"), Case("BEGIN NOT ATOMIC SET @x = 1; END"),
            Case("GET DIAGNOSTICS @n = NUMBER"), Case("CALL d.assigns()"), Case("USE d", "SELECT assigned()"),
            Case("SET SESSION sort_buffer_size = 65536"), Case("SET sort_buffer_size = 65536"), Case("SET @@sort_buffer_size = 65536"),
            Case("SET LOCAL sql_select_limit = 5"), Case("SET NAMES utf8mb4"), Case("SET ROLE NONE"), Case("SET timestamp = 5"),
            Case("SET profiling = 1"), Case("SET insert_id = 5"), Case("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
            Case("SET SESSION TRANSACTION READ ONLY"), Case("BEGIN NOT ATOMIC SET sort_buffer_size = 65536; END"),
            Case("BEGIN", end: "COMMIT"), Case("START TRANSACTION READ ONLY", end: "ROLLBACK"),
            Case("START TRANSACTION WITH CONSISTENT SNAPSHOT", end: "COMMIT"), Case("COMMIT AND CHAIN", end: "COMMIT"),
            Case("SET autocommit = 0", "SELECT v FROM d.t"),
            Case("XA START 'a'", end: "XA END 'a'", "XA ROLLBACK 'a'"),
            Case("XA START 'a'", "INSERT INTO d.t (v) VALUES (1)", "XA END 'a'", "XA PREPARE 'a'", end: "XA ROLLBACK 'a'"),
            Case("SELECT NEXTVAL(d.s)"), Case("SELECT @@last_gtid"),
        ]

        private static let notKept = [
            Case("SELECT v FROM d.t"), Case("INSERT INTO d.t (v) VALUES (1)"), Case("SET STATEMENT sort_buffer_size = 65536 FOR SELECT 1"),
            Case("USE d"),
            Case("FLUSH TABLES"), Case("FLUSH STATUS"), Case("SELECT IS_FREE_LOCK('a')"), Case("SAVEPOINT a"), Case("CREATE TABLE d.w (a INT)"),
            Case("DROP TABLE d.w"), Case("SELECT v FROM d.t FOR UPDATE"), Case("DO SLEEP(0)"), Case("ANALYZE TABLE d.t"), Case("SHOW PROFILES"),
        ]

        @Test func `a session keeps its connection as long as something of it is there, and no longer`() throws {
            try Cluster.run(slaves: 0, ["session": #"{"files": true}"#]) { cluster in
                let (client, watcher) = (try cluster.master.connect(), try cluster.master.connect())
                for sql in [
                    "CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "CREATE SEQUENCE d.s",
                    "CREATE PROCEDURE d.assigns() SET @x = 5", "CREATE FUNCTION d.assigned() RETURNS INT BEGIN SET @x = 5; RETURN 1; END",
                ] { try client.ok(sql) }
                try Processes.write("1\n", to: cluster.master.files + "/rows.txt", mode: 0o644)
                func inUse() throws -> String? { try watcher.rows(".status").first { $0.hasPrefix("pool.in_use|") } }
                try client.ok(".reset")
                let none = "pool.in_use|0"
                #expect(try inUse() == none)
                let rows = "LOAD DATA INFILE '\(cluster.master.files)/rows.txt' INTO TABLE d.t (@x) SET v = @x"
                for item in Self.kept + [Case(rows)] {
                    let replies = try item.statements.map { try client.run($0) }
                    #expect(replies.allSatisfy { $0.error == nil }, "\(item): \(replies.map(\.words))")
                    #expect(try inUse() == "pool.in_use|1", "\(item)")
                    for end in item.end { try client.ok(end) }
                    if !item.end.isEmpty { #expect(try inUse() == none, "\(item), ended by \(item.end)") }
                    try client.ok(".reset")
                    #expect(try inUse() == none, "\(item), reset")
                    // A query that has proven fast would open a connection for many.
                    #expect(try client.run("DELETE FROM d.t WHERE 0").error == nil, "\(item)")
                }
                for item in Self.notKept {
                    for sql in item.statements { try client.ok(sql) }
                    #expect(try inUse() == none, "\(item)")
                }
            }
        }

        @Test func `what a session locks for its backup stays locked, and goes with its client`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let (backup, writer) = (try cluster.master.connect(), try cluster.master.connect())
                for sql in ["CREATE DATABASE d", "CREATE TABLE d.t (v INT)"] { try writer.ok(sql) }
                for stage in ["START", "FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"] { try backup.ok("BACKUP STAGE \(stage)") }
                // Others use the connections that are free.
                for _ in 0..<5 { try writer.ok("SELECT 1") }
                try writer.ask("INSERT INTO d.t VALUES (1)")
                try waitUntil("it waits") { try cluster.master.root("SHOW PROCESSLIST").contains("Waiting for backup lock") }
                backup.abort()
                #expect(try writer.reply().error == nil)
                let locker = try cluster.master.connect()
                try locker.ok("BACKUP LOCK d.t")
                for _ in 0..<5 { try writer.ok("SELECT 1") }
                try writer.ask("ALTER TABLE d.t ADD COLUMN w INT")
                try waitUntil("it waits") { try cluster.master.root("SHOW PROCESSLIST").contains("Waiting for table metadata lock") }
                try locker.ok("BACKUP UNLOCK")
                #expect(try writer.reply().error == nil)
            }
        }
    }
}

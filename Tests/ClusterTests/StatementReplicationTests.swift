import Testing

/// Every test of the tier: one after another, since each has servers of its own on shared cores.
@Suite(.serialized) enum WholeClusters {}

extension WholeClusters {
    /// What is run on the master is the same on every slave, whatever kind of statement it is.
    @Suite struct StatementReplication {
        private func run(_ settings: [String: String] = [:], _ body: (Client, Cluster) throws -> Void) throws {
            try Cluster.run(master: settings) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("USE d")
                try body(client, cluster)
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `what no two servers would compute alike is the same everywhere`() throws {
            try run { client, cluster in
                try client.ok("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, at DATETIME(6), r DOUBLE, u VARCHAR(36), c BIGINT)")
                try client.ok("CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(60), r DOUBLE)")
                try client.ok("CREATE TRIGGER ti AFTER INSERT ON t FOR EACH ROW INSERT INTO log (what, r) VALUES (CONCAT('i', NEW.id), RAND())")
                for _ in 0..<20 { try client.ok("INSERT INTO t (at, r, u, c) VALUES (NOW(6), RAND(), UUID(), CONNECTION_ID())") }
                try client.ok("INSERT INTO t (at, r, u) SELECT SYSDATE(6), RAND(), UUID() FROM t LIMIT 7")
                try client.ok("UPDATE t SET r = RAND() LIMIT 5")
                try client.ok("DELETE FROM t LIMIT 3")
                try cluster.requireSameEverywhere()
                #expect(try cluster.slave(1).connect().rows("SELECT COUNT(*), COUNT(DISTINCT u) FROM d.t") == ["24|24"])
                #expect(try cluster.slave(2).connect().value("SELECT COUNT(*) FROM d.log") == "27")
            }
        }

        @Test func `AUTO_INCREMENT keeps its gaps`() throws {
            try run { client, cluster in
                try client.ok("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
                for value in 0..<10 {
                    try client.ok("BEGIN")
                    try client.ok("INSERT INTO t (v) VALUES (\(value)), (\(value))")
                    try client.ok(value % 2 == 0 ? "ROLLBACK" : "COMMIT")
                }
                try client.ok("INSERT INTO t (id, v) VALUES (1000, 1)")
                #expect(try client.ok("INSERT INTO t (v) VALUES (1)").fields["insert_id"] == "1001")
                try cluster.waitForSlaves()
                #expect(try cluster.slave(1).connect().rows("SELECT id FROM d.t ORDER BY id").prefix(3) == ["3", "4", "7"])
            }
        }

        @Test func `every way to write rows`() throws {
            try run { client, _ in
                try client.ok("CREATE TABLE a (id INT PRIMARY KEY, v INT, n INT DEFAULT 0)")
                try client.ok(
                    "CREATE TABLE b (id INT PRIMARY KEY, a INT, v INT, FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE ON UPDATE CASCADE)")
                try client.ok("INSERT INTO a (id, v) SELECT seq, seq % 7 FROM seq_1_to_100")
                try client.ok("INSERT INTO b SELECT seq, seq, seq FROM seq_1_to_100")
                try client.ok("UPDATE a JOIN b ON a.id = b.a SET a.v = b.v * 2, b.v = a.v + 1 WHERE a.id % 3 = 0")
                try client.ok("DELETE a, b FROM a JOIN b ON a.id = b.a WHERE a.id BETWEEN 10 AND 19")
                // The cascades are InnoDB's own work, which no event tells.
                try client.ok("DELETE FROM a WHERE id < 5")
                try client.ok("UPDATE a SET id = id + 1000 WHERE id > 90")
                try client.ok("REPLACE INTO a VALUES (50, 99, 0), (2000, 1, 1)")
                try client.ok("INSERT INTO a (id, v) VALUES (60, 1), (3000, 1) ON DUPLICATE KEY UPDATE n = n + 10, v = VALUES(v)")
                try client.ok("INSERT IGNORE INTO a (id, v) VALUES (60, 5), (3001, 1)")
                try client.ok("CREATE TABLE c (PRIMARY KEY (id), r DOUBLE DEFAULT 0) SELECT id, v, id + 0.5 AS r FROM a LIMIT 20")
                try client.ok("CREATE TEMPORARY TABLE tmp SELECT id, v FROM a WHERE v > 3")
                try client.ok("INSERT INTO c (id, v) SELECT id + 100000, v FROM tmp")
                try client.ok("DROP TEMPORARY TABLE tmp")
                let returning = try client.ok("INSERT INTO a (id, v) VALUES (4000, 5), (4001, 6) RETURNING id, v * 2 AS w")
                #expect(returning.rows == [["4000", "10"], ["4001", "12"]])
                #expect(returning.gtid == (try client.value("SELECT @@gtid_binlog_pos")))
                #expect(try client.ok("DELETE FROM a WHERE id = 4001 RETURNING id").rows == [["4001"]])
            }
        }

        @Test func `every kind of value`() throws {
            try run { client, cluster in
                try client.ok(
                    """
                    CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(200) CHARACTER SET utf8mb4, l VARCHAR(20) CHARACTER SET latin1, b VARBINARY(300), j JSON,
                      p POINT, e ENUM('x', 'ü'), st SET('a', 'b', 'c'), bi BIT(12), d DECIMAL(40, 20), f FLOAT, y YEAR, ti TIME(6), ts TIMESTAMP(6) NULL,
                      u UUID, i INET6, v INT AS (id * 2) VIRTUAL, g INT AS (id * 3) PERSISTENT, KEY (g), SPATIAL KEY (sp), sp POINT NOT NULL)
                    """)
                let text = "Zoë 🦭 日本語\t\\ 'quoted'"
                let bytes = (0..<256).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                try client.ok(
                    """
                    INSERT INTO t (id, s, l, b, j, p, e, st, bi, d, f, y, ti, ts, u, i, sp) VALUES (1, '\(text.replacing("\\", with: "\\\\").replacing("'", with: "''"))', 'é',
                      x'\(bytes)', '{"a": [1, "ß"]}', POINT(1.5, -2), 'ü', 'a,c', b'101010101010', '12345678901234567890.12345678901234567890', 1e-20, 2155,
                      '-838:59:59.999999', '2038-01-19 03:14:07.999999', UUID(), '2001:db8::1', POINT(0, 0))
                    """)
                try client.ok("INSERT INTO t (id, sp) VALUES (2, POINT(9, 9))")
                try client.ok("UPDATE t SET j = JSON_SET(j, '$.b', 2), p = POINT(3, 4) WHERE id = 1")
                try cluster.waitForSlaves()
                let slave = try cluster.slave(2).connect()
                #expect(try slave.value("SELECT s FROM d.t WHERE id = 1") == text)
                #expect(
                    try slave.rows("SELECT HEX(b) = '\(bytes.uppercased())', ST_AsText(p), v, g, j FROM d.t WHERE id = 1") == [
                        #"1|POINT(3 4)|2|3|{"a": [1, "ß"], "b": 2}"#
                    ])
            }
        }

        @Test func `large rows and a transaction of 20,000 rows`() throws {
            try run { client, cluster in
                try client.ok("CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB)")
                let letters = String(repeating: "0123456789abcdef", count: 8 << 16)
                try client.ok("INSERT INTO big VALUES (1, '\(letters)')")
                try client.ok("INSERT INTO big VALUES (2, REPEAT(UNHEX('00FF5C0A'), 2097152))")
                try client.ok("UPDATE big SET b = CONCAT(b, 'x') WHERE id = 1")
                try client.ok("CREATE TABLE many (id INT AUTO_INCREMENT PRIMARY KEY, v INT, s VARCHAR(60))")
                try client.ok("BEGIN")
                for batch in 0..<20 {
                    try client.ok("INSERT INTO many (v, s) VALUES " + (0..<1000).map { "(\(batch * 1000 + $0), UUID())" }.joined(separator: ","))
                }
                try client.ok("COMMIT")
                try client.ok("UPDATE many SET v = -v WHERE v % 2 = 0")
                try cluster.waitForSlaves()
                let slave = try cluster.slave(1).connect()
                #expect(try slave.rows("SELECT LENGTH(b) FROM d.big ORDER BY id") == ["8388609", "8388608"])
                #expect(try slave.value("SELECT COUNT(*) FROM d.many") == "20000")
            }
        }

        @Test func `definitions of all kinds`() throws {
            try run { client, cluster in
                for sql in Self.definitions { try client.ok(sql) }
                try cluster.requireSameEverywhere()
                let slave = try cluster.slave(1).connect()
                #expect(try slave.rows("SHOW DATABASES LIKE 'other%'") == ["other2"])
                #expect(try slave.value("SELECT d.twice(21)") == "42")
                #expect(try slave.rows("SELECT event_name, status FROM information_schema.events") == ["ev|SLAVESIDE_DISABLED"])
                #expect(try slave.rows("SELECT COUNT(*) FROM d.hits") == ["3"])
            }
        }

        private static let definitions = [
            "CREATE TABLE t (id INT PRIMARY KEY, v INT, s VARCHAR(20), o INT)",
            "INSERT INTO t SELECT seq, seq, seq, seq FROM seq_1_to_50",
            "ALTER TABLE t ADD COLUMN c INT DEFAULT 5 FIRST, ADD KEY kv (v), ADD CONSTRAINT positive CHECK (v > 0)",
            "ALTER TABLE t MODIFY s VARCHAR(100) NOT NULL COMMENT 'text', CHANGE o p BIGINT, ALGORITHM=COPY",
            "ALTER TABLE t DROP COLUMN c", "CREATE UNIQUE INDEX ks ON t (s)", "CREATE INDEX kp ON t (p, v)", "DROP INDEX kp ON t",
            "CREATE TABLE likes LIKE t", "RENAME TABLE likes TO liked, t TO u", "RENAME TABLE u TO t", "TRUNCATE TABLE liked",
            "CREATE OR REPLACE TABLE liked (a INT) ENGINE=Aria", "INSERT INTO liked VALUES (1), (2)",
            """
            CREATE TABLE p (id INT NOT NULL, y INT NOT NULL, PRIMARY KEY (id, y)) PARTITION BY RANGE (y)
              (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (30))
            """,
            "INSERT INTO p SELECT seq, seq FROM seq_1_to_29", "ALTER TABLE p ADD PARTITION (PARTITION p3 VALUES LESS THAN (40))",
            "ALTER TABLE p DROP PARTITION p0", "ALTER TABLE p TRUNCATE PARTITION p2",
            "CREATE TABLE e (id INT NOT NULL, y INT NOT NULL, PRIMARY KEY (id, y))",
            "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE e",
            "ALTER TABLE p REORGANIZE PARTITION p1, p2 INTO (PARTITION p12 VALUES LESS THAN (30))",
            "CREATE VIEW v AS SELECT id, v FROM t WHERE v > 10", "CREATE OR REPLACE VIEW v AS SELECT id FROM t", "ALTER VIEW v AS SELECT v FROM t",
            "CREATE SEQUENCE q START WITH 100 INCREMENT BY 5 CACHE 10", "SELECT NEXTVAL(q)", "SELECT NEXT VALUE FOR q",
            "ALTER SEQUENCE q RESTART 500",
            "SELECT SETVAL(q, 700)", "INSERT INTO t (id, v, s, p) VALUES (1000, NEXTVAL(q), 'q', 1)",
            "CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2",
            "CREATE TABLE hits (at DATETIME(6), who VARCHAR(30), n DOUBLE)",
            "CREATE PROCEDURE hit(n INT)\nBEGIN\n  WHILE n > 0 DO INSERT INTO hits VALUES (NOW(6), USER(), RAND()); SET n = n - 1; END WHILE;\nEND",
            "CALL hit(3)", "ALTER PROCEDURE hit COMMENT 'writes'",
            "CREATE TRIGGER tu BEFORE UPDATE ON t FOR EACH ROW SET NEW.p = OLD.p + FLOOR(RAND() * 1000)", "UPDATE t SET v = v + 1",
            "CREATE EVENT ev ON SCHEDULE EVERY 1 SECOND DO INSERT INTO hits VALUES (NOW(), 'event', 0)", "ALTER EVENT ev COMMENT 'never runs'",
            "CREATE DATABASE other CHARACTER SET latin1", "ALTER DATABASE other CHARACTER SET utf8mb4", "CREATE TABLE other.t SELECT * FROM d.t",
            "CREATE DATABASE other2", "RENAME TABLE other.t TO other2.t", "DROP DATABASE other",
            "CREATE TABLE gone (a INT)", "DROP TABLE gone", "DROP TABLE IF EXISTS never_was", "CREATE VIEW gv AS SELECT 1", "DROP VIEW gv",
            "OPTIMIZE TABLE t", "ANALYZE TABLE t",
        ]

        @Test func `accounts, grants and roles`() throws {
            try run { client, cluster in
                try client.ok("CREATE TABLE t (a INT, b INT)")
                try client.ok("CREATE USER ann@'%' IDENTIFIED BY 'secret', bob@localhost IDENTIFIED VIA mysql_native_password USING PASSWORD('x')")
                try client.ok("CREATE ROLE readers")
                try client.ok("GRANT SELECT ON d.* TO readers")
                try client.ok("GRANT readers TO ann@'%'")
                try client.ok("GRANT INSERT (a), UPDATE (b) ON d.t TO bob@localhost")
                try client.ok("SET PASSWORD FOR ann@'%' = PASSWORD('new')")
                try client.ok("ALTER USER bob@localhost ACCOUNT LOCK")
                try client.ok("RENAME USER bob@localhost TO rob@localhost")
                try client.ok("SET DEFAULT ROLE readers FOR ann@'%'")
                try client.ok("CREATE USER eve")
                try client.ok("DROP USER eve")
                try client.ok("REVOKE UPDATE (b) ON d.t FROM rob@localhost")
                try cluster.waitForSlaves()
                #expect(
                    try cluster.slave(1).connect().rows("SELECT User FROM mysql.user WHERE User IN ('ann', 'bob', 'rob', 'eve') ORDER BY 1") == [
                        "ann", "rob",
                    ])
            }
        }

        @Test func `transactions: savepoints, rollbacks, XA`() throws {
            try run { client, cluster in
                try client.ok("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
                for sql in [
                    "BEGIN", "INSERT INTO t VALUES (1, 1)", "SAVEPOINT a", "INSERT INTO t VALUES (2, 2)", "ROLLBACK TO SAVEPOINT a",
                    "INSERT INTO t VALUES (3, 3)",
                    "RELEASE SAVEPOINT a", "COMMIT", "BEGIN", "INSERT INTO t VALUES (4, 4)", "ROLLBACK", "XA START 'x'",
                    "INSERT INTO t VALUES (5, 5)", "XA END 'x'",
                    "XA PREPARE 'x'", "XA COMMIT 'x'", "XA START 'y'", "INSERT INTO t VALUES (6, 6)", "XA END 'y'", "XA PREPARE 'y'",
                    "XA ROLLBACK 'y'", "XA START 'z'",
                    "INSERT INTO t VALUES (7, 7)", "XA END 'z'", "XA COMMIT 'z' ONE PHASE",
                ] { try client.ok(sql) }
                try cluster.waitForSlaves()
                #expect(try cluster.slave(2).connect().rows("SELECT id FROM d.t ORDER BY id") == ["1", "3", "5", "7"])
            }
        }

        @Test func `LOAD DATA reads from the node's files, and no further`() throws {
            try run(["session": #"{"files": true}"#]) { client, cluster in
                try Processes.write("1\tone\n2\ttwo\n3\t\\N\n", to: cluster.master.files + "/rows.tsv", mode: 0o644)
                try client.ok("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(20))")
                let reply = try client.ok("LOAD DATA INFILE '\(cluster.master.files)/rows.tsv' INTO TABLE t")
                #expect(reply.fields["affected"] == "3")
                try client.refused("1290", "LOAD DATA INFILE '/etc/passwd' INTO TABLE t")
                try client.refused("4166", "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t")
                try cluster.waitForSlaves()
                #expect(try cluster.slave(1).connect().rows("SELECT * FROM d.t") == ["1|one", "2|two", "3|NULL"])
            }
        }

        @Test(arguments: [false, true]) func `a link carries what a slave needs, compressed or as it is`(compression: Bool) throws {
            try Cluster.run(slaves: 1, master: ["replication": "{\"compression\": \(compression)}"]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT, b LONGBLOB)")
                for id in 0..<100 { try client.ok("INSERT INTO d.t VALUES (\(id), REPEAT('words ', 5000), NULL)") }
                try client.ok("INSERT INTO d.t VALUES (100, NULL, REPEAT(RANDOM_BYTES(1000), 1000))")
                try cluster.requireSameEverywhere()
                let bytes = try #require(Int(try cluster.slave(1).status("link.received_bytes")))
                #expect(bytes > 1_000_000)
                #expect((bytes > 4_000_000) == !compression, "\(bytes) bytes")
            }
        }
    }
}

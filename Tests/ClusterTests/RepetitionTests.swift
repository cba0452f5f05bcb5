import Testing

extension WholeClusters {
    /// Definitions that depend on their session, their server or chance come out the same on every node, or are refused.
    @Suite struct Repetition {
        private func run(_ body: (Client, Cluster) throws -> Void) throws {
            try Cluster.run { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("USE d")
                try body(client, cluster)
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a setting goes along with a definition, or holds it up`() throws {
            try run { client, _ in
                try client.ok("SET innodb_strict_mode=OFF")
                try client.ok("CREATE TABLE loose (i INT) ROW_FORMAT=COMPACT KEY_BLOCK_SIZE=8")
                try client.ok("SET default_storage_engine=Aria, div_precision_increment=12")
                try client.ok("CREATE TABLE aria (a INT, b INT, s POINT)")
                try client.ok("CREATE TABLE chosen COMMENT 'x' SELECT 1 a, 3 b")
                #expect(
                    try client.value("SELECT GROUP_CONCAT(DISTINCT engine) FROM information_schema.tables WHERE table_name IN ('aria','chosen')")
                        == "Aria")
                try client.refused("NOT-REPEATABLE", "ALTER TABLE chosen ADD q DECIMAL(30,20) AS (a/b) PERSISTENT")
                try client.refused("NOT-REPEATABLE", "CREATE SEQUENCE s")
                try client.ok("SET div_precision_increment=DEFAULT, default_storage_engine=InnoDB")
                try client.ok("ALTER TABLE chosen ADD q DECIMAL(30,20) AS (a/b) PERSISTENT")
                try client.refused("NOT-REPEATABLE", "CREATE FUNCTION sets() RETURNS INT BEGIN SET default_week_format=3; RETURN 1; END")
            }
        }

        @Test func `rows that are there get the same values and numbers everywhere`() throws {
            try run { client, cluster in
                try client.ok("CREATE TABLE t (id INT)")
                try client.ok("ALTER TABLE t ADD u VARCHAR(36) DEFAULT UUID()")
                try client.ok("INSERT INTO t (id) VALUES (3), (1), (2)")
                try client.refused("NOT-REPEATABLE", "ALTER TABLE t ADD r DOUBLE DEFAULT RAND()")
                let other = try cluster.master.connect()
                for (first, second) in [("7", "5"), ("8", "4")] {
                    try client.ok("BEGIN")
                    try client.ok("INSERT INTO t VALUES (\(first), 'x')")
                    try other.ok("INSERT INTO d.t VALUES (\(second), 'x')")
                    try client.ok("COMMIT")
                }
                try client.ok("ALTER TABLE t ADD n INT AUTO_INCREMENT PRIMARY KEY FIRST")
                #expect(try client.value("SELECT COUNT(DISTINCT n) FROM t") == "7")
                try client.ok("UPDATE t SET u='changed' WHERE n=2")
                try client.ok("CREATE TABLE text_only (v TEXT)")
                try client.ok("INSERT INTO text_only VALUES ('a'), ('A')")
                try client.refused("NOT-REPEATABLE", "ALTER TABLE text_only ADD n INT AUTO_INCREMENT PRIMARY KEY")
                // As phpMyAdmin's dumps do it.
                try client.ok("CREATE TABLE php (id INT NOT NULL, v INT) ENGINE=InnoDB")
                try client.ok("INSERT INTO php VALUES (4, 1), (2, 1)")
                try client.ok("ALTER TABLE php ADD PRIMARY KEY (id)")
                try client.ok("ALTER TABLE php MODIFY id INT NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5")
            }
        }

        @Test func `a load with unique checks off keeps its rows`() throws {
            try run { client, _ in
                try client.ok("CREATE TABLE t (k INT PRIMARY KEY, v INT, u INT UNIQUE)")
                try client.ok("/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */")
                try client.ok("SET FOREIGN_KEY_CHECKS=0")
                try client.ok("INSERT IGNORE INTO t VALUES (1, 1, 1), (1, 2, 2), (3, 3, 1)")
                #expect(try client.rows("SELECT k, v FROM t") == ["1|1"])
                try client.ok("BEGIN")
                try client.ok("REPLACE INTO t VALUES (5, 1, 5), (5, 2, 6)")
                try client.ok("COMMIT")
                try client.ok("SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS")
            }
        }

        @Test func `a temporary table is renamed by ALTER alone`() throws {
            try run { client, _ in
                try client.ok("CREATE TEMPORARY TABLE tt (a INT)")
                try client.ok("CREATE TABLE kept (a INT)")
                try client.refused("NOT-REPEATABLE", "RENAME TABLE kept TO moved, tt TO uu")
                try client.ok("RENAME TABLE kept TO moved")
                try client.ok("ALTER TABLE tt RENAME uu")
            }
        }
    }
}

import Testing

extension WholeClusters {
    /// A dump as mariadb-dump writes it, loaded through the console.
    @Suite struct Dumps {
        private static let makeShop = [
            "CREATE DATABASE shop", "USE shop",
            """
            CREATE TABLE goods (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100), bin BLOB, price DECIMAL(20,5), at TIMESTAMP(6) NULL, \
            twice INT AS (id * 2) VIRTUAL, kind ENUM('a','b''c')) COMMENT 'it''s; a "comment" \\\\ --'
            """,
            "CREATE TABLE old (a INT, s VARCHAR(40)) DEFAULT CHARSET=latin1",
            "CREATE TABLE part (id INT PRIMARY KEY, w VARCHAR(20)) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN MAXVALUE)",
            "CREATE TABLE child (id INT PRIMARY KEY, goods INT, FOREIGN KEY (goods) REFERENCES goods (id))",
            "CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 3", "SELECT NEXTVAL(numbers)",
            #"""
            INSERT INTO goods (name, bin, price, kind, at) VALUES
            ('it''s "quoted" \\ back\\\\slash; -- no comment /* nor */ this # one', 0x00010A0D1A5C2722FF, 12345.67891, 'b''c', NOW(6)),
            ('Zoë 漢字 😀 \t tab \n line', 'bin\0ary', -1, 'a', NULL), ('DELIMITER ;;', NULL, 0, NULL, NULL),
            ('delimiter //\n.quit\nquit\n\\q', 'x', NULL, NULL, NULL)
            """#,
            "INSERT INTO old VALUES (1, 'Zoë')", "INSERT INTO part VALUES (1, 'x'), (100, 'y')", "INSERT INTO child VALUES (1, 1), (2, 4)",
            #"CREATE VIEW backslashes AS SELECT id, name FROM goods WHERE name LIKE '%\\\\%' OR id > 1"#,
            "CREATE VIEW prices AS SELECT b.id, price FROM backslashes b JOIN goods ON b.id = goods.id",
            """
            CREATE TRIGGER filled AFTER INSERT ON part FOR EACH ROW BEGIN
            -- don't; 'stop /* here
            IF NEW.w = '*/' THEN SET @z = "it's;"; /* an inner ' comment; */ END IF; # or "here
            END
            """,
            """
            CREATE PROCEDURE counts(IN x INT, OUT y INT) COMMENT 'c; c'
            BEGIN DECLARE i INT DEFAULT 0; WHILE i < x DO SET i = i + 1; END WHILE; SET y = i; -- comment ; here
            END
            """,
            #"CREATE FUNCTION marks(x VARCHAR(20)) RETURNS VARCHAR(60) DETERMINISTIC RETURN CONCAT(x, ';', '\'', "\\")"#,
            "CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM goods WHERE id < 0; UPDATE goods SET price = price; END",
        ]

        @Test func `a dump loads through the console, and is the same everywhere`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let master = cluster.master
                let client = try master.connect()
                for sql in Self.makeShop { try client.ok(sql) }
                let wanted = try Contents(master)
                let file = "\(cluster.root)/shop.sql"
                let dump = "mariadb-dump --no-defaults --socket=\(master.socket) -uroot --routines --events --triggers --databases shop > \(file)"
                let dumped = Processes.shell(dump)
                try #require(dumped.code == 0, "\(dumped.output)")
                try client.ok("DROP DATABASE shop")
                let load = Processes.shell("exec < \(file); \(NodeProcess.binary) console 127.0.0.1:\(master.port) --format tsv | grep -v '^OK '")
                #expect(!load.output.contains("ERROR"), "\(load.output)")
                let again = Processes.shell("exec < \(file); \(NodeProcess.binary) console 127.0.0.1:\(master.port) --format tsv")
                #expect(again.code == 0, "it replaces what is there")
                let differences = wanted.differences(try Contents(master))
                #expect(differences.isEmpty, "\(differences)")
                try cluster.requireSameEverywhere()
                #expect(try cluster.slave(1).connect().rows("SELECT HEX(bin), twice FROM shop.goods WHERE id = 1") == ["00010A0D1A5C2722FF|2"])
                try client.ok("CALL shop.counts(3, @y)")
                #expect(try client.rows("SELECT @y, shop.marks('x')") == [#"3|x;'\"#])
            }
        }

        @Test func `a dump of tables loads through a slave's console`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let client = try cluster.master.connect()
                for sql in Self.makeShop { try client.ok(sql) }
                let file = "\(cluster.root)/part.sql"
                let options = "--skip-add-drop-table --skip-triggers"
                let dumped = Processes.shell(
                    "mariadb-dump --no-defaults --socket=\(cluster.master.socket) -uroot \(options) shop goods part > \(file)")
                try #require(dumped.code == 0, "\(dumped.output)")
                try client.ok("CREATE DATABASE copy")
                try cluster.waitForSlaves()
                let console = "\(NodeProcess.binary) console 127.0.0.1:\(cluster.slave(1).port) --format tsv"
                let load = Processes.shell("(echo 'USE copy;'; cat \(file)) | \(console)")
                #expect(load.code == 0, "\(load.output)")
                try cluster.requireSameEverywhere()
                #expect(
                    try client.rows("CHECKSUM TABLE copy.goods, copy.part").map { $0.dropFirst(5) }
                        == client.rows("CHECKSUM TABLE shop.goods, shop.part").map { $0.dropFirst(5) })
            }
        }
    }
}

import Glibc
import Testing

extension WholeClusters {
    /// Whether the nodes hold the same, as a node finds out itself.
    @Suite struct Verifying {
        /// A master and two slaves, and tables of several kinds.
        private func run(_ settings: [String: String] = [:], _ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(settings.merging(["log": #"{"level": "debug"}"#]) { $1 }) { cluster in
                let client = try cluster.master.connect(timeout: 120)
                for sql in Self.tables { try client.ok(sql) }
                try cluster.waitForSlaves()
                try body(cluster, client)
            }
        }

        private static let tables = [
            "CREATE DATABASE d", "USE d", "CREATE TABLE d.t (a INT, b VARCHAR(20) CHARACTER SET utf8mb4, f FLOAT, g DOUBLE, PRIMARY KEY (a, b))",
            "INSERT INTO d.t SELECT seq DIV 3, CONCAT('ä', seq), seq / 7, RAND() FROM seq_1_to_6000",
            "CREATE TABLE d.kinds (id VARBINARY(8) PRIMARY KEY, e ENUM('x','y'), s SET('p','q'), bits BIT(9), j JSON, l LONGBLOB, t TIMESTAMP(3) NULL, v INT AS (LENGTH(id)))",
            "INSERT INTO d.kinds (id, e, s, bits, j, l, t) SELECT UNHEX(LEFT(MD5(seq), 16)), 1 + seq % 2, seq % 4, seq % 512, '{}', REPEAT('z', seq), NOW(3) FROM seq_1_to_300",
            "CREATE TABLE d.keyless (a INT, b TEXT)", "INSERT INTO d.keyless SELECT seq DIV 2, NULL FROM seq_1_to_100",
            "CREATE TABLE d.plain (a INT PRIMARY KEY) ENGINE=MyISAM", "CREATE VIEW d.v AS SELECT * FROM d.t", "CREATE SEQUENCE d.s",
            #"CREATE TABLE d.`ab'c"d\e.ä f` (`x``y'z\` INT PRIMARY KEY)"#, #"INSERT INTO d.`ab'c"d\e.ä f` VALUES (1), (2)"#,
        ]

        /// Behind replication's back.
        private func change(_ slave: NodeProcess, _ sql: String) throws { try slave.root("SET sql_log_bin=0; \(sql)") }

        /// `database.table@node state detail`, of what is not the same.
        private func differences(_ reply: Reply) -> [String] {
            reply.rows.filter { $0[4] != "same" && $0[4] != "skipped" }.map { row in
                "\([row[0], row[1]].compactMap { $0 }.joined(separator: "."))@\(row[2] ?? "") \(row[4] ?? ""): \(row[5] ?? "")"
            }
        }

        private func id(_ node: NodeProcess) throws -> String { try node.status("node") }

        /// What the program prints, and its exit code.
        private func verify(_ node: NodeProcess, _ scope: String = "") -> Processes.Ended {
            Processes.shell("\(Processes.quoted(NodeProcess.binary)) verify 127.0.0.1:\(node.port) \(scope) 2>&1")
        }

        @Test func `under load all nodes are the same, whichever is asked`() throws {
            try run { cluster, client in
                let load = try Load(on: cluster.master)
                for node in cluster.nodes {
                    let reply = try node.connect(timeout: 240).ok(".verify")
                    #expect(differences(reply).filter { !$0.contains("its definition keeps changing") } == [], "\(node.name)")
                    let same = reply.rows.filter { $0[0] == "d" && $0[4] == "same" }
                    #expect(same.count == 12, "\(reply.rows)")
                    #expect(reply.rows.filter { $0[4] == "skipped" }.count == 4)
                    #expect(same.contains { $0[1] == "t" && $0[3] == "6000" })
                }
                try load.finish(on: cluster)
                let ended = verify(cluster.slave(1))
                #expect(ended.code == 0, "\(ended.output)")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a table is read in several snapshots, each at one position, and a difference is found all the same`() throws {
            try run(["verify": #"{"snapshotMs": 100}"#]) { cluster, client in
                try client.ok("USE d")
                try client.ok("CREATE TABLE d.large (a INT PRIMARY KEY, b VARCHAR(200))")
                try client.ok("INSERT INTO d.large SELECT seq, REPEAT(seq, 20) FROM seq_1_to_60000")
                try cluster.waitForSlaves()
                try change(cluster.slave(1), "DELETE FROM d.large WHERE a = 47000")
                let load = try Load(on: cluster.master)
                let found = try differences(client.ok(".verify d.large"))
                #expect(found == ["d.large@\(try id(cluster.slave(1))) differs: 1 row missing: (47000) (by a)"])
                #expect(try differences(cluster.slave(2).connect(timeout: 240).ok(".verify w.rows")) == [])
                try load.finish(on: cluster)
                let snapshots = cluster.slave(2).logText.split(separator: "\n").count { $0.contains("held for a snapshot") }
                #expect(snapshots > 4, "\(snapshots) snapshots")
            }
        }

        @Test func `what was changed behind replication's back is named with its key and its node`() throws {
            try run { cluster, client in
                let (one, two) = (try id(cluster.slave(1)), try id(cluster.slave(2)))
                try change(cluster.slave(1), "UPDATE d.t SET f = 1e9 WHERE b = 'ä3000'; DELETE FROM d.t WHERE a = 7")
                try change(cluster.slave(1), "INSERT INTO d.t VALUES (-1, 'x', NULL, NULL); DELETE FROM d.keyless LIMIT 1")
                try change(cluster.slave(2), "UPDATE d.kinds SET bits = 511 WHERE id = UNHEX(LEFT(MD5(9), 16)); CREATE TABLE d.extra (a INT)")
                try change(cluster.slave(2), "ALTER TABLE d.plain ADD COLUMN more INT; DROP VIEW d.v")
                let key = try #require(try client.value("SELECT HEX(id) FROM d.kinds WHERE id = UNHEX(LEFT(MD5(9), 16))"))
                let found = differences(try cluster.slave(2).connect(timeout: 120).ok(".verify"))
                #expect(
                    Set(found) == [
                        "d.t@\(one) differs: 1 row changed: (1000, 'ä3000'); 3 rows missing: (7, 'ä21'), (7, 'ä22'), (7, 'ä23'); 1 row extra: (-1, 'x') (by a, b)",
                        "d.keyless@\(one) differs: 99 rows here, 100 on the master; no key tells which",
                        "d.kinds@\(two) differs: 1 row changed: (0x\(key)) (by id)", "d.extra@\(two) differs: it is here, and not on the master",
                        "d.plain@\(two) differs: column more int is extra here", "d.v@\(two) differs: it is missing here",
                    ], "\(found)")
                let ended = verify(cluster.master, "d.t")
                #expect(ended.code == 1 && ended.output.contains("1 same, 1 differs"), "\(ended.output)")
                #expect(verify(cluster.master, "d.s").code == 0)
                #expect(verify(cluster.master, "nosuch").code == 3)
                #expect(verify(cluster.master, "a.b.c").code == 2)
            }
        }

        /// A type of a key, and its values for the numbers from 1 on.
        private static let keys = [
            ("DECIMAL(40,10)", "12345678901234567890123456 + seq / 7"), ("BIGINT UNSIGNED", "18446744073709551615 - seq"),
            ("INT", "600 - CAST(seq AS SIGNED)"),
            ("DATETIME(6)", "'2020-01-01' + INTERVAL seq * 7919 MICROSECOND"), ("TIMESTAMP(3)", "'2026-10-25 00:30:00' + INTERVAL seq * 11 SECOND"),
            ("DATE", "'2020-01-01' + INTERVAL seq DAY"), ("TIME(2)", "SEC_TO_TIME(CAST(seq AS SIGNED) * 7 - 3000)"),
            ("UUID", "UUID()"),
            ("INET6", "INET6_NTOA(UNHEX(MD5(seq)))"),
            ("CHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "CONCAT(IF(seq % 2, 'Ä', 'b'), ' ', seq)"),
            ("VARBINARY(16)", "UNHEX(MD5(seq))"), ("VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin", #"CONCAT('é\\', seq)"#),
            ("VARCHAR(20) CHARACTER SET ucs2", "CONCAT('ж''', seq)"), ("DOUBLE", "seq / 3"), ("ENUM('a','b')", "1 + seq % 2"),
        ]

        @Test func `whatever the key's type, a table is cut by it and the row that differs is found`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let client = try cluster.master.connect(timeout: 120)
                try client.ok("CREATE DATABASE d")
                try client.ok("USE d")
                for (number, (type, value)) in Self.keys.enumerated() {
                    try client.ok("CREATE TABLE d.k\(number) (k \(type), n INT, PRIMARY KEY (k, n))")
                    try client.ok("INSERT INTO d.k\(number) SELECT \(value), seq FROM seq_1_to_2500")
                }
                try cluster.waitForSlaves()
                #expect(try differences(client.ok(".verify")) == [])
                for number in Self.keys.indices { try change(cluster.slave(1), "DELETE FROM d.k\(number) WHERE n = 777") }
                let rows = try client.ok(".verify").rows.filter { $0[0] == "d" && $0[1] != nil }
                #expect(rows.count == Self.keys.count)
                for row in rows {
                    let type = Self.keys[Int(row[1]?.dropFirst() ?? "") ?? 0].0
                    let isKeyed = type != "DOUBLE" && !type.hasPrefix("ENUM")
                    let words = row[5] ?? ""
                    #expect(row[3] == "2500" && row[4] == "differs", "\(type): \(row)")
                    #expect(
                        isKeyed
                            ? words.hasPrefix("1 row missing: (") && words.hasSuffix(", 777) (by k, n)") : words.hasPrefix("2499 rows here, 2500"),
                        "\(type): \(row)")
                }
            }
        }

        @Test func `a slave that is away is told of, and the others are compared`() throws {
            try run { cluster, client in
                let (one, two) = (try id(cluster.slave(1)), try id(cluster.slave(2)))
                cluster.slave(2).kill()
                let reply = try client.ok(".verify d.t")
                #expect(reply.rows.count == 2)
                #expect(reply.rows[0][2] == one && reply.rows[0][4] == "same")
                #expect(reply.rows[1][0] == nil && reply.rows[1][2] == two && reply.rows[1][4] == "unverified")
                #expect(verify(cluster.slave(1), "d.t").code == 3)
                cluster.master.kill()
                let words = try cluster.slave(1).connect().refused("VERIFY-FAILED", ".verify")
                #expect(words.contains("the master, node 1"), "\(words)")
            }
        }

        @Test func `a client that leaves ends the verification, and the slaves go on`() throws {
            try run(["cluster": #"{"name": "v", "secret": "0123456789abcdef"}"#]) { cluster, client in
                try client.ok("USE d")
                try client.ok("CREATE TABLE d.large (a INT PRIMARY KEY, b VARCHAR(200))")
                try client.ok("INSERT INTO d.large SELECT seq, REPEAT(seq, 20) FROM seq_1_to_400000")
                try cluster.waitForSlaves()
                let driver = cluster.slave(1)
                for end in [{ (asker: Client) in asker.abort() }, { _ in driver.kill() }] {
                    let asker = try driver.connect()
                    try asker.ask(".verify d.large")
                    try waitUntil("it is under way") { try Self.isReading(driver) }
                    try client.refused("VERIFY-FAILED", ".verify")
                    try driver.connect().refused("VERIFY-RUNNING", ".verify")
                    #expect(try cluster.slave(2).status("verify.read_by") != "")
                    end(asker)
                    try waitUntil("the others are free") {
                        try [cluster.master, cluster.slave(2)].allSatisfy { try $0.status("verify.read_by").isEmpty }
                    }
                    try client.ok("INSERT INTO d.keyless VALUES (1, 'after')")
                    let gtid = try #require(try client.value("SELECT @@gtid_binlog_pos"))
                    try cluster.slave(2).connect().ok(".wait \(gtid) 20000")
                }
                try driver.launch()
                try driver.waitUntilServing()
                try cluster.waitForSlaves()
                #expect(try differences(client.ok(".verify d.keyless")) == [])
            }
        }

        /// Rows are being compared.
        private static func isReading(_ node: NodeProcess) throws -> Bool {
            let words = try node.status("verify")
            return words.hasPrefix("running") && !words.contains(", 0 rows")
        }
    }
}

import ClusterModel
import StatementGate
import Testing

/// What the gate refuses since other nodes would not come to the same, and what it lets pass beside it.
struct RepetitionTests {
    private func refusal(
        _ sql: String, _ role: Role = .master, values: [String: String] = [:], _ session: SessionShape = SessionShape(), multi: Bool = false
    ) -> Refusal? {
        let options = GateOptions(multiStatements: multi, values: ServerValues(values))
        guard case .refuse(let refusal) = decide(sorted(sql), role: role, options: options, session: session, master: "-") else { return nil }
        return refusal
    }

    private func refusal(_ sql: String, _ session: SessionShape) -> Refusal? { refusal(sql, .master, values: [:], session) }

    private func expect(_ lines: String, _ why: NotRepeatable?) {
        for sql in lines.split(separator: "\n").map(String.init) {
            let found = sorted(sql).classification?.repetition.obstacles ?? []
            #expect(found == (why.map { [$0] } ?? []), "\(sql)")
            guard why != nil else { continue }
            for role in Role.allCases { #expect(refusal(sql, role) != nil, "\(sql)") }
        }
    }

    private func looks(_ sql: String) -> [String] {
        (sorted(sql).classification?.repetition.looks ?? []).map {
            let database = $0.database.map { String(decoding: $0, as: UTF8.self) + "." } ?? ""
            return "\(database)\(String(decoding: $0.table, as: UTF8.self)): \($0.question)"
        }
    }

    // MARK: The text alone

    @Test func `places on one node are refused`() {
        expect(
            """
            CREATE TABLE t (a INT) DATA DIRECTORY='/x'
            CREATE TABLE t (a INT) ENGINE=MyISAM INDEX DIRECTORY '/x'
            create table t (a int) data /**/ directory = "/x"
            CREATE TABLE t (a INT) /*! DATA DIRECTORY='/x' */
            CREATE TABLE t (a INT) PARTITION BY HASH(a) (PARTITION p0 DATA DIRECTORY='/tmp/x', PARTITION p1)
            ALTER TABLE t DATA DIRECTORY='/x'
            EXECUTE IMMEDIATE 'CREATE TABLE t (a INT) DATA DIRECTORY=''/x'''
            CREATE PROCEDURE p() CREATE TABLE t (a INT) DATA DIRECTORY='/x'
            """, .directory)
        expect("ALTER TABLE t DISCARD TABLESPACE\nALTER TABLE t IMPORT TABLESPACE\nALTER TABLE t IMPORT PARTITION p0 TABLESPACE", .tablespaceFile)
        expect("CREATE TABLE t (a INT) ENGINE=CONNECT\nALTER TABLE t ENGINE = 'federated'\nCREATE TABLE t ENGINE Spider", .outsideEngine)
        expect(
            """
            CREATE TABLE t (data INT, directory INT, INDEX directory (directory))
            CREATE TABLE t (`data directory` INT COMMENT 'DATA DIRECTORY=')
            ALTER TABLE t ADD INDEX directory (a)
            CREATE TABLE connect (federated INT) ENGINE=InnoDB
            """, nil)
    }

    @Test func `spatial keys need another one`() {
        expect(
            """
            CREATE TABLE t (g POINT NOT NULL, SPATIAL INDEX (g))
            CREATE TABLE t (a INT, g POINT NOT NULL, SPATIAL KEY s (g), KEY (a)) ENGINE=InnoDB
            """, .keylessSpatial)
        expect(
            """
            CREATE TABLE t (a INT PRIMARY KEY, g POINT NOT NULL, SPATIAL INDEX (g))
            CREATE TABLE t (a INT, g POINT NOT NULL, SPATIAL INDEX (g), UNIQUE (a))
            CREATE TABLE t (a SERIAL, g POINT NOT NULL, SPATIAL INDEX (g))
            CREATE TABLE t (a INT KEY, g POINT NOT NULL, SPATIAL INDEX (g))
            CREATE TABLE t (g POINT NOT NULL, SPATIAL INDEX (g)) ENGINE=Aria
            """, nil)
    }

    @Test func `other things that come out otherwise elsewhere are refused`() {
        expect(
            "CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i) ON DELETE SET NULL) WITH SYSTEM VERSIONING\n"
                + "ALTER TABLE c ADD SYSTEM VERSIONING, ADD FOREIGN KEY (i) REFERENCES p (i) ON UPDATE CASCADE", .versionedCascade)
        expect("CREATE TABLE t (k INT PRIMARY KEY) IGNORE SELECT 1 k\nCREATE TABLE t (k INT KEY) IGNORE (SELECT 1 k)", .ignoringQuery)
        expect("ANALYZE LOCAL TABLE t PERSISTENT FOR ALL\nANALYZE NO_WRITE_TO_BINLOG TABLE t PERSISTENT FOR COLUMNS (a) INDEXES ()", .localStatistics)
        expect("DELETE FROM mysql.innodb_table_stats\nUPDATE mysql.innodb_index_stats SET stat_value=1", .ownStatistics)
        expect("SET DEFAULT ROLE `r'o` FOR tu\nSET DEFAULT ROLE ro FOR 'a''b'@'%'\nSET DEFAULT ROLE `r\\o` FOR tu", .quotedRole)
        expect("CREATE ROLE r WITH ADMIN CURRENT_ROLE", .currentRole)
        expect(
            "CREATE EVENT e ON SCHEDULE AT NOW() + INTERVAL RAND() * 9 DAY DO SELECT 1\nALTER EVENT e ON SCHEDULE EVERY LENGTH(USER()) DAY",
            .chanceInSchedule)
        expect(
            "CREATE TABLE t (a INT, u VARCHAR(36) AS (UUID()) VIRTUAL)\nALTER TABLE t ADD u DOUBLE AS (RAND())\nALTER TABLE t MODIFY u DOUBLE AS (RAND())",
            .chanceInGeneratedColumn)
        #expect(refusal("DELETE FROM mysql.gtid_slave_pos")?.code == .nodeOwned)
        #expect(refusal("TRUNCATE mysql.gtid_slave_pos")?.code == .nodeOwned)
        expect(
            """
            CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i)) WITH SYSTEM VERSIONING
            CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i) ON DELETE CASCADE)
            CREATE TABLE t SELECT 1 a
            ANALYZE LOCAL TABLE t
            INSERT INTO kept SELECT * FROM mysql.innodb_table_stats
            SET DEFAULT ROLE `r o` FOR tu
            CREATE USER `r'o`
            CREATE EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 HOUR STARTS NOW() DO SELECT RAND()
            CREATE TABLE t (a INT, b DATE, c INT AS (a + YEAR(b)) STORED, u UUID DEFAULT UUID(), r DOUBLE DEFAULT (RAND()))
            CREATE TABLE t (id INT PRIMARY KEY, n BIGINT DEFAULT NEXTVAL(s))
            """, nil)
    }

    // MARK: What the server is asked

    @Test func `a new column's default is looked at in the rows that are there`() {
        for value in [
            "uuid()", "(UUID())", "RAND()", "(FLOOR(RAND()*10))", "NEXTVAL(s)", "NEXT VALUE FOR s", "(s.nextval)", "USER()", "CURRENT_USER",
            "SYSDATE(6)",
            "CONNECTION_ID()", "@@hostname", "(CONCAT('a', @@server_id))", "(some_function(1))", "`uuid`()", "(VERSION())",
        ] {
            #expect(looks("ALTER TABLE d.t ADD COLUMN c VARCHAR(80) DEFAULT \(value)") == ["d.t: isEmpty"], "\(value)")
            #expect(looks("ALTER TABLE t ADD (b INT, c VARCHAR(80) NOT NULL DEFAULT \(value) COMMENT 'x')") == ["t: isEmpty"], "\(value)")
            #expect(looks("ALTER TABLE t ADD b INT, ADD IF NOT EXISTS c TEXT DEFAULT \(value) AFTER b") == ["t: isEmpty"], "\(value)")
            #expect(looks("ALTER TABLE t MODIFY c VARCHAR(80) DEFAULT \(value)") == [], "\(value)")
            #expect(looks("ALTER TABLE t ALTER c SET DEFAULT \(value)") == [], "\(value)")
        }
        for value in [
            "NOW(6)", "CURRENT_TIMESTAMP", "'uuid()'", "(1 + 2)", "(CONCAT(a, DATE_FORMAT(b, '%Y')))", "NULL", "5 REFERENCES u (id)",
            "(CAST(a AS CHAR(10)))",
        ] {
            #expect(looks("ALTER TABLE t ADD COLUMN c VARCHAR(80) DEFAULT \(value)") == [], "\(value)")
        }
        #expect(refusal("CREATE PROCEDURE p() ALTER TABLE t ADD c INT DEFAULT RAND()")?.code == .notRepeatable)
        #expect(refusal("SELECT 1; ALTER TABLE t ADD c INT DEFAULT RAND()", multi: true)?.code == .notRepeatable)
        #expect(looks("EXECUTE IMMEDIATE 'ALTER TABLE t ADD c INT DEFAULT RAND()'") == ["t: isEmpty"])
    }

    @Test func `what goes by the order of rows is looked at`() {
        #expect(looks("ALTER TABLE t ADD id INT AUTO_INCREMENT PRIMARY KEY FIRST") == ["t: hasOrder"])
        #expect(looks("ALTER TABLE `t` ADD COLUMN (`id` BIGINT NOT NULL AUTO_INCREMENT, KEY (id))") == ["t: hasOrder"])
        #expect(looks("ALTER TABLE t ADD id SERIAL") == ["t: hasOrder"])
        #expect(looks("ALTER TABLE t MODIFY id INT NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5") == ["t: hasOrder"])
        #expect(looks("ALTER IGNORE TABLE t ADD UNIQUE (k)") == ["t: hasOrder"])
        #expect(looks("ALTER TABLE t ADD PRIMARY KEY (id), ADD COLUMN serial INT, AUTO_INCREMENT=7") == [])
    }

    @Test func `tables are looked at where keys, versions or names matter`() {
        #expect(looks("RENAME TABLE a TO b, d.c TO e").count == 2)
        #expect(looks("CREATE SPATIAL INDEX s ON t (g)") == ["t: hasUniqueKey(besides: [])"])
        #expect(looks("ALTER TABLE t ADD SPATIAL INDEX (g)") == ["t: hasUniqueKey(besides: [])"])
        #expect(looks("ALTER TABLE t ADD SPATIAL INDEX (g), ADD PRIMARY KEY (a)") == [])
        #expect(looks("ALTER TABLE t DROP PRIMARY KEY").count == 1)
        #expect(looks("ALTER TABLE t DROP FOREIGN KEY f, DROP PARTITION p") == [])
        #expect(looks("ALTER TABLE t ADD SYSTEM VERSIONING") == ["t: hasNoCascade"])
        #expect(looks("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (a) ON DELETE CASCADE") == ["t: isUnversioned"])
        #expect(refusal("CREATE PROCEDURE p() RENAME TABLE a TO b") == nil)
    }

    // MARK: Settings

    @Test func `a definition waits for the session's settings that shape it`() {
        let engine = SessionShape(variables: ["default_storage_engine"])
        #expect(refusal("CREATE TABLE t (a INT); SELECT 1", .master, values: [:], engine, multi: true)?.code == .notRepeatable)
        #expect(refusal("EXECUTE IMMEDIATE 'CREATE TABLE t (a INT)'", engine)?.code == .notRepeatable)
        #expect(refusal("CREATE TABLE t (a INT) /*!110000 ENGINE=Aria */", engine)?.code == .notRepeatable)
        #expect(refusal("CREATE SEQUENCE s", engine)?.code == .notRepeatable)
        #expect(refusal("CALL p()", engine)?.code == .notRepeatable)
        #expect(refusal("EXECUTE IMMEDIATE @x", engine)?.code == .notRepeatable)
        for sql in [
            "CREATE TABLE t (a INT) ENGINE=Aria", "CREATE TABLE t LIKE u", "CREATE TEMPORARY TABLE t (a INT)", "ALTER TABLE t ADD b INT",
            "INSERT INTO t VALUES (1)",
            "CREATE VIEW v AS SELECT 1", "DROP TABLE t",
        ] {
            #expect(refusal(sql, engine) == nil, "\(sql)")
        }
        #expect(refusal("ALTER TABLE t ADD b INT", SessionShape(variables: ["div_precision_increment"]))?.code == .notRepeatable)
        #expect(refusal("CREATE TABLE t (b INT)", SessionShape(variables: ["div_precision_increment"])) == nil)
        #expect(refusal("ANALYZE TABLE t", SessionShape(variables: ["use_stat_tables"]))?.code == .notRepeatable)
        #expect(refusal("CREATE USER u IDENTIFIED BY 'x'", SessionShape(variables: ["old_passwords"]))?.code == .notRepeatable)
        #expect(refusal("CREATE TABLE t SELECT 1 a", SessionShape(sqlMode: "ANSI_QUOTES,NO_TABLE_OPTIONS"))?.code == .notRepeatable)
        #expect(refusal("CREATE TABLE t (a INT)", SessionShape(sqlMode: "ANSI_QUOTES,NO_TABLE_OPTIONS")) == nil)
        #expect(refusal("CREATE PROCEDURE p() SELECT 1", SessionShape(sqlMode: "NO_DIR_IN_CREATE"))?.code == .notRepeatable)
    }

    @Test func `a setting is refused where it can't be seen before a definition, unless it is what there is anyway`() {
        let values = ["default_storage_engine": "InnoDB", "div_precision_increment": "4", "unique_checks": "ON"]
        for sql in [
            "SET GLOBAL default_storage_engine=Aria", "SET @@global.div_precision_increment=5", "SET GLOBAL unique_checks=0",
            "SET STATEMENT default_storage_engine=Aria FOR CREATE TABLE t (a INT)", "SET STATEMENT div_precision_increment=9 FOR CALL p()",
            "SET STATEMENT unique_checks=0 FOR INSERT INTO t VALUES (1)",
            "CREATE PROCEDURE p() BEGIN SET default_storage_engine=Aria; SELECT 1; END", "CREATE PROCEDURE p() SET unique_checks=0",
            "BEGIN NOT ATOMIC SET div_precision_increment=@x; CREATE TABLE t (a INT); END",
        ] {
            #expect(refusal(sql, values: values)?.code == .notRepeatable, "\(sql)")
        }
        for sql in [
            "SET GLOBAL default_storage_engine=innodb", "SET STATEMENT default_storage_engine='InnoDB' FOR CREATE TABLE t (a INT)",
            "CREATE PROCEDURE p() BEGIN SET div_precision_increment=4; SET unique_checks=1; SET unique_checks=DEFAULT; END",
            "SET default_storage_engine=Aria", "SET unique_checks=0", "SET STATEMENT div_precision_increment=9 FOR SELECT 1/3",
            "SET STATEMENT max_statement_time=5 FOR CREATE TABLE t (a INT)", "SET GLOBAL max_connections=5",
            "CREATE PROCEDURE p() SET group_concat_max_len=9",
        ] {
            #expect(refusal(sql, values: values) == nil, "\(sql)")
        }
        #expect(refusal("SET default_storage_engine=Aria; CREATE TABLE t (a INT)", values: values, multi: true)?.code == .notRepeatable)
    }

    @Test func `the place where a CREATE TABLE can name its engine`() {
        for sql in [
            "CREATE TABLE t (a INT)^ COMMENT 'x' PARTITION BY HASH (a)", "CREATE TABLE t^ SELECT 1 a", "CREATE TABLE `t``u`^ (SELECT 1)",
            "CREATE OR REPLACE TABLE d.t (a INT, KEY (a))^", "/*!40101 CREATE TABLE IF NOT EXISTS t (a INT)^ */",
        ] {
            let bytes = Array(sql.utf8)
            let text = bytes.filter { $0 != UInt8(ascii: "^") }
            #expect(sorted(text).classification?.repetition.engineAt == bytes.firstIndex(of: UInt8(ascii: "^")), "\(sql)")
        }
        for sql in [
            "CREATE TABLE t (a INT) ENGINE=Aria", "CREATE TABLE t LIKE u", "CREATE TEMPORARY TABLE t (a INT)",
            "CREATE PROCEDURE p() CREATE TABLE t (a INT)",
        ] {
            #expect(sorted(sql).classification?.repetition.engineAt == nil, "\(sql)")
        }
    }

    @Test func `what dumps begin with passes`() {
        for sql in [
            "/*!40101 SET NAMES utf8mb4 */", "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
            "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */", "/*!40103 SET TIME_ZONE='+00:00' */",
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */", "/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */",
            "SET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\"", "SET time_zone = \"+00:00\"", "/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */",
            "SET SESSION innodb_strict_mode=OFF", "SET autocommit = 0", "/*!40101 SET character_set_client = utf8mb4 */", "START TRANSACTION",
        ] {
            #expect(refusal(sql, values: ["unique_checks": "ON"]) == nil, "\(sql)")
        }
    }

    @Test func `every reason says what to do, in one line`() {
        for reason in NotRepeatable.allCases {
            #expect(reason.words.contains("; "), "\(reason)")
            #expect(!reason.words.contains("\n"), "\(reason)")
        }
    }
}

import ClusterModel
import StatementGate
import Testing

struct FactsTests {
    private static let facts: [(SessionFacts, String)] = [
        ([], "SELECT 1"),
        ([], "INSERT INTO t VALUES (1)"),
        (.implicitlyCommits, "GRANT SELECT ON t TO 'a'@'%'"),
        (.setsSessionVariable, "SET time_zone = '+00:00'"),
        (.setsSessionVariable, "SET @@session.time_zone = '+00:00'"),
        (.setsSessionVariable, "SET NAMES utf8mb4"),
        (.setsSessionVariable, "SET character_set_client = utf8mb4"),
        ([.setsSessionVariable, .setsCharset, .readsUserVariable], "SET character_set_client = @x"),
        ([.setsSessionVariable, .setsCharset, .readsUserVariable], "EXECUTE IMMEDIATE 'SET @@character_set_client := @x'"),
        ([.setsSessionVariable, .readsUserVariable], "SET character_set_results = @x, collation_connection = @y"),
        (.setsSessionVariable, "SET CHARSET utf8mb4"),
        (.setsSessionVariable, "SET ROLE r"),
        ([.setsSessionVariable, .setsSQLMode], "SET sql_mode = ''"),
        ([], "SET GLOBAL sql_mode = ''"),
        ([], "SET GLOBAL max_connections = 5, sql_mode = ''"),
        ([.setsSessionVariable, .setsSQLMode], "SET @@global.max_connections = 5, sql_mode = ''"),
        ([.setsSessionVariable, .setsSQLMode], "SET GLOBAL max_connections = 5, SESSION sql_mode = ''"),
        ([.setsSessionVariable, .setsSQLMode], "SET GLOBAL max_connections = 5, @@sql_mode = ''"),
        (.setsForStatement, "SET STATEMENT max_statement_time = 5 FOR SELECT 1"),
        (.setsUserVariable, "SET @x = 1"),
        ([.setsUserVariable, .implicitlyCommits], "SET @x = 1, PASSWORD FOR 'a'@'%' = 'x'"),
        ([.setsUserVariable, .readsUserVariable], "SET @x = @y"),
        ([.setsUserVariable, .setsSessionVariable], "SET @x = 1, time_zone = SYSTEM"),
        (.assignsUserVariable, "SELECT @x := 1"),
        (.assignsUserVariable, "SELECT a INTO @x FROM t"),
        (.assignsUserVariable, "SELECT a, b INTO @x, @y FROM t"),
        ([.assignsUserVariable, .readsUserVariable], "SELECT @x := @x + 1"),
        (.readsUserVariable, "SELECT @x"),
        (.readsUserVariable, "UPDATE t SET a = @x"),
        ([], "SELECT '@x' /* @x */"),
        (.temporaryTable, "CREATE TEMPORARY TABLE t (a INT)"),
        (.temporaryTable, "DROP TEMPORARY TABLE t"),
        (.prepares, "PREPARE p FROM 'SET @x = 1'"),
        (.executesPrepared, "EXECUTE p"),
        ([.executesPrepared, .readsUserVariable], "EXECUTE p USING @x"),
        (.setsUserVariable, "EXECUTE IMMEDIATE 'SET @x = 1'"),
        (.deallocates, "DEALLOCATE PREPARE p"),
        (.deallocates, "DROP PREPARE p"),
        ([.locksTables, .implicitlyCommits], "LOCK TABLES t READ"),
        ([.locksTables, .implicitlyCommits, .locksForWriting], "LOCK TABLES t WRITE"),
        ([.unlocksTables, .implicitlyCommits], "UNLOCK TABLES"),
        (.advisoryLock, "SELECT GET_LOCK('a', 1)"),
        ([.advisoryLock, .callsFunction], "DO `release_lock`('a')"),
        (.readsDiagnostics, "SHOW WARNINGS"),
        (.readsDiagnostics, "SHOW ERRORS"),
        (.readsDiagnostics, "SHOW COUNT(*) WARNINGS"),
        (.readsDiagnostics, "SELECT FOUND_ROWS()"),
        (.readsDiagnostics, "SELECT ROW_COUNT ()"),
        (.readsDiagnostics, "SELECT @@warning_count"),
        (.readsDiagnostics, "SELECT @@session.error_count"),
        ([.readsDiagnostics, .readsUserVariable, .assignsUserVariable], "GET DIAGNOSTICS @n = NUMBER"),
        (.readsDiagnostics, "GET DIAGNOSTICS n = NUMBER"),
        (.readsLastInsertID, "SELECT LAST_INSERT_ID()"),
        (.readsLastInsertID, "INSERT INTO t VALUES (LAST_INSERT_ID())"),
        (.readsLastInsertID, "SELECT @@identity"),
        (.readsLastInsertID, "SELECT @@last_insert_id"),
        (.readsLastGTID, "SELECT @@last_gtid"),
        (.readsLastGTID, "SELECT @@session.`LAST_GTID`"),
        (.advancesSequence, "SELECT NEXTVAL(s)"),
        (.advancesSequence, "SELECT NEXT VALUE FOR d.s"),
        (.advancesSequence, "INSERT INTO t VALUES (NEXT VALUE FOR s)"),
        ([], "SELECT SETVAL(s, 5)"),
        (.advancesSequence, "ANALYZE SELECT NEXTVAL(s)"),
        (.implicitlyCommits, "CREATE TABLE t (a INT DEFAULT NEXT VALUE FOR s)"),
        (.readsLastValue, "SELECT LASTVAL (s)"),
        (.readsLastValue, "SELECT PREVIOUS VALUE FOR d.s"),
        (.readsLastValue, "INSERT INTO t VALUES (PREVIOUS VALUE FOR s)"),
        ([], "SELECT previous, lastval FROM t"),
        (.callsFunction, "DO f(1)"),
        (.callsFunction, "SELECT f(a) FROM t FOR UPDATE"),
        ([], "DO UPPER('a')"),
        ([], "INSERT INTO t (a) VALUES (1)"),
        (.opensHandler, "HANDLER t OPEN"),
        ([.assignsUserVariable, .readsUserVariable], "LOAD DATA INFILE 'a' INTO TABLE t (@x, b) SET c = @x"),
        ([.beginsBackup, .implicitlyCommits], "BACKUP STAGE START"),
        ([.beginsBackup, .implicitlyCommits], "BACKUP STAGE BLOCK_COMMIT"),
        ([.endsBackup, .implicitlyCommits], "BACKUP STAGE END"),
        ([.locksForBackup, .implicitlyCommits], "BACKUP LOCK d.t"),
        ([.unlocksForBackup, .implicitlyCommits], "BACKUP UNLOCK"),
        ([], "HANDLER t READ FIRST"),
        (.callsRoutine, "CALL p()"),
        (.implicitlyCommits, "CREATE TABLE t (a INT)"),
        (.implicitlyCommits, "ALTER TABLE t DROP a"),
        (.implicitlyCommits, "DROP TABLE t"),
        (.implicitlyCommits, "TRUNCATE t"),
        (.implicitlyCommits, "CREATE USER 'a'@'b'"),
        (.implicitlyCommits, "CREATE DATABASE d"),
        (.implicitlyCommits, "CREATE PROCEDURE p() SET @x = 1"),
        (.implicitlyCommits, "ANALYZE TABLE t"),
    ]

    private func shape(_ text: String) -> UInt64? { sorted(text).classification?.shape }

    @Test func `texts that differ in their values only have one shape`() {
        let one = shape("SELECT c FROM t WHERE id = 17 AND name = 'Jessy'")
        #expect(one != nil)
        #expect(shape("SELECT c FROM t WHERE id=-0x1F AND name = 'Jes''sy'") != one, "a sign is a token")
        #expect(shape("SELECT  c FROM t /* x */ WHERE id=4 AND name=\"\"") == one)
        for other in [
            "SELECT d FROM t WHERE id = 17 AND name = 'Jessy'", "SELECT c FROM t WHERE id = 17 OR name = 'Jessy'",
            "SELECT c FROM t WHERE id > 17 AND name = 'Jessy'", "SELECT cF ROM t WHERE id = 17 AND name = 'Jessy'",
            "SELECT c FROM t WHERE id = 17 AND name = 'Jessy' LIMIT 1",
        ] { #expect(shape(other) != one, "\(other)") }
    }

    @Test func `only a read that leaves and needs nothing is plain`() {
        for plain in [
            "SELECT 1", "SELECT * FROM t WHERE a = 'x'", "WITH a AS (SELECT 1) SELECT * FROM a", "SHOW TABLES",
            "SELECT COUNT(*), IF(a IN (1, 2), MAX(b), 3) FROM t JOIN u USING (id) GROUP BY c",
            "SELECT UPPER(a), COALESCE(b, NOW(6)) FROM t WHERE EXISTS (SELECT 1 FROM u)",
        ] {
            #expect(sorted(plain).classification?.isPlainRead == true, "\(plain)")
        }
        for other in [
            "SELECT @a", "SELECT @a := 1", "SELECT LAST_INSERT_ID()", "SELECT FOUND_ROWS()", "SELECT SQL_CALC_FOUND_ROWS * FROM t", "SHOW WARNINGS",
            "SELECT GET_LOCK('a', 1)", "SELECT * FROM t FOR UPDATE", "SELECT NEXTVAL(s)", "SELECT LASTVAL(s)", "SELECT PREVIOUS VALUE FOR s",
            "SELECT @@last_gtid", "INSERT INTO t VALUES (1)", "USE d", "SET @a = 1", "COMMIT",
            "SELECT 1; SELECT 2", "SET STATEMENT max_statement_time = 1 FOR SELECT 1", "SELECT 1 INTO @a", "SELECT f(1)", "SELECT d.f(1)",
            "SELECT d.upper(1)", "SELECT d . count(1)", "SELECT `upper`(1)", "SELECT SLEEP(1)",
            "SELECT BENCHMARK(9, 1)", "SELECT a FROM t WHERE f(a)",
        ] { #expect(sorted(other).classification?.isPlainRead != true, "\(other)") }
    }

    @Test func `a statement's facts tell what it does to its session`() {
        for (expected, statement) in Self.facts {
            #expect(sorted(statement).classification?.facts == expected, "\(statement)")
        }
    }

    @Test func `a sequence's values in Oracle's spelling are seen where the mode has it`() {
        for (fact, text) in [
            (SessionFacts.advancesSequence, "SELECT d.s.nextval"), (.readsLastValue, "SELECT s.currval"), (.readsLastValue, "SELECT `s`.`currval`"),
        ] {
            #expect(sorted(text, mode: LexicalMode(sqlMode: "ORACLE")).classification?.facts == fact, "\(text)")
            #expect(sorted(text).classification?.facts == [], "\(text)")
        }
    }

    private static let transactions: [(TransactionVerb?, String)] = [
        (nil, "SELECT 1"),
        (.begin(readOnly: false), "BEGIN"),
        (.begin(readOnly: false), "START TRANSACTION"),
        (.begin(readOnly: false), "START TRANSACTION READ WRITE"),
        (.begin(readOnly: true), "START TRANSACTION READ ONLY"),
        (.begin(readOnly: true), "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"),
        (.begin(readOnly: true), "START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT"),
        (.commit(chain: false), "COMMIT"),
        (.commit(chain: true), "COMMIT AND CHAIN"),
        (.commit(chain: false), "COMMIT WORK AND NO CHAIN RELEASE"),
        (.rollback(chain: false), "ROLLBACK"),
        (.rollback(chain: true), "ROLLBACK AND CHAIN NO RELEASE"),
        (.savepoint, "SAVEPOINT a"),
        (.rollbackToSavepoint, "ROLLBACK TO a"),
        (.rollbackToSavepoint, "ROLLBACK WORK TO SAVEPOINT a"),
        (.rollbackToSavepoint, "ROLLBACK TO savepoint"),
        (.releaseSavepoint, "RELEASE SAVEPOINT a"),
        (.setAutocommit(false), "SET autocommit = 0"),
        (.setAutocommit(false), "SET autocommit = 'off'"),
        (.setAutocommit(true), "SET @@session.autocommit = ON"),
        (.setAutocommit(true), "SET @x = 1, autocommit = 1, @y = 2"),
        (.setAutocommit(false), "SET autocommit = @old"),
        (.setAutocommit(false), "SET autocommit = 1 - 1"),
        (nil, "SET GLOBAL autocommit = 0"),
        (.setCharacteristics, "SET TRANSACTION READ ONLY"),
        (.setCharacteristics, "SET SESSION TRANSACTION READ ONLY"),
        (nil, "SET GLOBAL TRANSACTION READ ONLY"),
        (.commit(chain: false), "SET STATEMENT max_statement_time = 1 FOR COMMIT"),
        (.xa, "XA START 'a'"),
        (nil, "BEGIN NOT ATOMIC COMMIT; END"),
        (nil, "CREATE PROCEDURE p() COMMIT"),
    ]

    @Test func `a statement's verb tells what it does to the transaction`() {
        for (verb, statement) in Self.transactions { #expect(sorted(statement).classification?.transaction == verb, "\(statement)") }
    }

    @Test func `USE names its database without quotes`() {
        #expect(sorted("USE shop").classification?.database == Array("shop".utf8))
        #expect(sorted("USE `a``b`;").classification?.database == Array("a`b".utf8))
        #expect(sorted("SELECT 1").classification?.database == nil)
    }

    @Test func `statements are counted between semicolons`() {
        #expect(sorted("SELECT 1;;").classification?.statementCount == 1)
        #expect(sorted("SELECT 1; SELECT ';'; ;SELECT 3").classification?.statementCount == 3)
        #expect(sorted("BEGIN NOT ATOMIC SELECT 1; SELECT 2; END; SELECT 1").classification?.statementCount == 2)
    }
}

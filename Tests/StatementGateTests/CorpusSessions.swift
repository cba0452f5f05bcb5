import StatementGate

extension Corpus {
    static let transactions = Group(
        .transaction, master: "session", slave: "session",
        #"""
        BEGIN
        BEGIN;
        BEGIN WORK
        begin/**/work
        START TRANSACTION
        START TRANSACTION READ ONLY
        START TRANSACTION READ WRITE
        START TRANSACTION WITH CONSISTENT SNAPSHOT
        START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY
        START/**/TRANSACTION
        COMMIT
        COMMIT WORK
        COMMIT AND CHAIN
        COMMIT AND NO CHAIN
        COMMIT AND NO CHAIN NO RELEASE
        COMMIT RELEASE
        ROLLBACK
        ROLLBACK WORK AND CHAIN
        ROLLBACK NO RELEASE
        ROLLBACK TO s
        ROLLBACK TO SAVEPOINT s
        ROLLBACK WORK TO SAVEPOINT `drop`
        SAVEPOINT s
        SAVEPOINT `drop`
        RELEASE SAVEPOINT s
        SET autocommit = 0
        SET autocommit = 1
        SET AUTOCOMMIT=ON
        SET @@autocommit = 'OFF'
        SET SESSION autocommit := 0
        SET @@session.autocommit = DEFAULT
        SET `autocommit` = 0
        SET autocommit = 0, sql_mode = ''
        SET STATEMENT max_statement_time = 1 FOR COMMIT
        SET TRANSACTION READ ONLY
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED
        SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY
        SET LOCAL TRANSACTION READ ONLY
        XA START 'a'
        XA END 'a'
        XA PREPARE 'a'
        XA COMMIT 'a' ONE PHASE
        XA ROLLBACK 'a'
        XA RECOVER
        /*!40000 COMMIT */
        """#)

    static let sessions = Group(
        .session, master: "session", slave: "session",
        #"""
        USE shop
        USE `drop`
        USE/**/shop
        SET @x = 1
        SET @x := 1, @y = 'drop'
        SET @`x y` = 1
        SET @x = (SELECT MAX(a) FROM t)
        SET @x = 'SET GLOBAL read_only = 0'
        SET sql_mode = 'ANSI_QUOTES'
        SET SESSION sql_mode = ''
        SET LOCAL time_zone = '+00:00'
        SET @@time_zone = '+00:00'
        SET @@session.time_zone = '+00:00', @@local.max_statement_time = 5
        SET time_zone := SYSTEM, @x = 1
        SET foreign_key_checks = 0
        SET timestamp = DEFAULT
        SET tx_isolation = 'READ-COMMITTED'
        SET NAMES utf8mb4
        SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'
        SET NAMES utf8 COLLATE utf8_general_ci
        SET NAMES latin1
        SET NAMES binary
        SET NAMES ascii, @x = 1
        SET @x = 1, NAMES utf8mb3
        SET CHARACTER SET utf8mb4
        SET CHARSET 'utf8'
        SET character_set_client = utf8mb4
        SET @@character_set_client = 'latin1'
        SET character_set_client = @saved_cs_client
        /*!40101 SET character_set_client = @saved_cs_client */
        /*!50003 SET @@session.character_set_client  = @saved_cs_client */ ;
        SET @saved_cs_client     = @@character_set_client
        SET @x = 1, character_set_client = @saved_cs_client, time_zone = SYSTEM
        EXECUTE IMMEDIATE 'SET character_set_client = @saved_cs_client'
        /*!50003 SET collation_connection  = @saved_col_connection */
        /*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */
        /*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */
        SET character_set_results = NULL
        SET character_set_connection = utf8mb4
        /*!40101 SET NAMES utf8 */
        /*!50503 SET character_set_client = utf8mb4 */
        /*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */
        /*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */
        /*!40103 SET TIME_ZONE='+00:00' */
        SET ROLE r
        SET ROLE NONE
        SET @x = 1, ROLE NONE
        SET ROLE r, @x = 1
        SET x = 5
        SET `drop` = 1
        SET insert_id = 5
        SET default.key_buffer_size = 5
        PREPARE p FROM 'SELECT 1'
        PREPARE p FROM 'SELECT ?'
        PREPARE p FROM "SELECT 'drop'"
        DEALLOCATE PREPARE p
        DROP PREPARE p
        LOCK TABLES t READ
        LOCK TABLE t READ LOCAL, u AS v READ
        LOCK TABLES `write` READ
        UNLOCK TABLES
        UNLOCK TABLE
        SIGNAL SQLSTATE '45000'
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'drop'
        RESIGNAL
        GET DIAGNOSTICS @n = NUMBER
        GET CURRENT DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT
        KILL CONNECTION_ID()
        KILL QUERY CONNECTION_ID()
        KILL HARD CONNECTION CONNECTION_ID ( )
        BEGIN NOT ATOMIC SET @x = 1; SELECT @x; END
        EXECUTE IMMEDIATE 'SET @x = 1'
        """#)

    static let locksForWriting = Group(
        .session, master: "session", slave: "forward",
        #"""
        LOCK TABLES t WRITE
        LOCK TABLE t LOW_PRIORITY WRITE
        LOCK TABLES t READ, u AS v WRITE
        LOCK TABLES t WRITE CONCURRENT
        LOCK/**/TABLES/**/t/**/WRITE
        LOCK TABLES t /*! WRITE */
        """#)

    static let files = Group(
        .serverFiles, master: "FILES-REFUSED", slave: "FILES-REFUSED",
        #"""
        SELECT * FROM t INTO OUTFILE '/tmp/x'
        SELECT * INTO OUTFILE '/tmp/x' FROM t
        SELECT * INTO DUMPFILE '/tmp/x' FROM t
        SELECT 1 INTO/**/OUTFILE '/tmp/x'
        SELECT 1 INTO /*! OUTFILE */ '/tmp/x'
        SELECT 1 /*!99999 INTO OUTFILE '/tmp/x' */
        SELECT 1 INTO DUMPFILE /**/ '/tmp/x'
        SELECT 1e1INTO OUTFILE '/tmp/x'
        SELECT 1.5INTO OUTFILE '/tmp/x'
        SELECT 1.INTO OUTFILE '/tmp/x'
        SELECT .5INTO OUTFILE '/tmp/x'
        SELECT \NINTO OUTFILE '/tmp/x'
        SELECT 'a'INTO OUTFILE '/tmp/x'
        SELECT `a`INTO OUTFILE '/tmp/x' FROM t
        VALUES (1) INTO OUTFILE '/tmp/x'
        WITH a AS (SELECT 1) SELECT * FROM a INTO OUTFILE '/tmp/x'
        SELECT LOAD_FILE('/etc/passwd')
        SELECT load_file ('/etc/passwd')
        SELECT LOAD_FILE/**/('/etc/passwd')
        SELECT `load_file`('/etc/passwd')
        SELECT `LOAD_FILE` /* x */ ('/etc/passwd')
        SELECT mariadb_schema.load_file('/etc/passwd')
        SELECT mariadb_schema . `load_file` ('/etc/passwd')
        INSERT INTO t VALUES (LOAD_FILE('/etc/passwd'))
        UPDATE t SET a = LOAD_FILE('/etc/passwd')
        SET @x = LOAD_FILE('/etc/passwd')
        DO LOAD_FILE('/etc/passwd')
        CALL p(LOAD_FILE('/etc/passwd'))
        SHOW TABLES WHERE LOAD_FILE('/etc/passwd')
        LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t
        LOAD DATA/**/LOCAL/**/INFILE '/etc/passwd' INTO TABLE t
        LOAD DATA LOW_PRIORITY LOCAL INFILE '/etc/passwd' INTO TABLE t
        LOAD XML LOCAL INFILE '/etc/x.xml' INTO TABLE t
        EXECUTE IMMEDIATE 'SELECT LOAD_FILE(''/etc/passwd'')'
        EXECUTE IMMEDIATE 'SELECT 1' USING LOAD_FILE('/etc/passwd')
        PREPARE p FROM 'SELECT 1 INTO OUTFILE "/tmp/x"'
        BEGIN NOT ATOMIC SELECT 1 INTO OUTFILE '/tmp/x'; END
        IF LOAD_FILE('/etc/passwd') THEN SELECT 1; END IF
        BEGIN NOT ATOMIC DECLARE x TEXT DEFAULT LOAD_FILE('/etc/passwd'); END
        CREATE TABLE t AS SELECT LOAD_FILE('/etc/passwd')
        CREATE VIEW v AS SELECT LOAD_FILE('/etc/passwd')
        SELECT 1 LIMIT ROWS EXAMINED 5 INTO OUTFILE '/tmp/x'
        """#)

    static let opaque = Group(
        .opaque, master: "run", slave: "DYNAMIC-REFUSED",
        #"""
        EXECUTE IMMEDIATE @sql
        EXECUTE IMMEDIATE @sql USING 5
        EXECUTE IMMEDIATE _ucs2 x'00440052004F0050'
        EXECUTE IMMEDIATE _utf16'DROP'
        EXECUTE IMMEDIATE UPPER('drop table t')
        EXECUTE IMMEDIATE b'01000100'
        BEGIN NOT ATOMIC EXECUTE IMMEDIATE x; END
        CREATE PROCEDURE p(s TEXT) EXECUTE IMMEDIATE s
        CREATE PROCEDURE p() BEGIN PREPARE s FROM @x; EXECUTE s; END
        """#)
}

import StatementGate

extension Corpus {
    static let reads = Group(
        .read, master: "run", slave: "run",
        #"""
        SELECT 1
        select 1;
        SELECT 1;;;
        SELECT * FROM users WHERE id = 7
        SELECT * FROM mysql.global_priv
        SeLeCt name FrOm users
        SELECT a.drop, b.`delete` FROM t1 a JOIN t2 b USING (id)
        SELECT `drop` FROM `update`
        SELECT * FROM `drop`
        SELECT * FROM shop.`drop table`
        SELECT drop.id FROM `drop`
        SELECT 1 AS `insert`
        SELECT 'DROP TABLE users'
        SELECT "DROP TABLE users"
        SELECT 'it''s; DROP TABLE users'
        SELECT 'it\'s; DROP TABLE users'
        SELECT "a""b; DELETE FROM t"
        SELECT 'FOR UPDATE'
        SELECT "INTO OUTFILE '/tmp/x'"
        SELECT 1 -- FOR UPDATE
        SELECT 1 --	FOR UPDATE
        SELECT 1 # FOR UPDATE
        SELECT 1 /* FOR UPDATE */
        SELECT/**/1
        SELECT--¶ 1
        SELECT 1--1
        SELECT 5 --5
        SELECT 1 # a¶ + 2
        SELECT */* all */ FROM t
        SELECT /*! 1 */
        SELECT /*!40101 1 */
        /*!40101 SELECT */ 1
        /*!50001 SELECT 1 */
        /*M! SELECT 1 */
        /*M!100300 SELECT 1 */
        SELECT 1 /*!999999 + 2 */
        SELECT 1 /*!50701 + 2 */
        SELECT 1 /*! + 1 /*!40101 + 1 */ + 1
        SELECT 1 /*!40101 + 1 /* x */ + 1 */
        SELECT 1 /*! -- */¶ + 1 */
        SELECT 1 /*! + '*/' */
        SELECT 1 /*m! FOR UPDATE */
        SELECT 1 /* /*! */ + 5
        SELECT 1 /*!80000 + 2 */ /*M!110000 + 3 */
        SELECT 1 /*M!999999 + /* inner */ 2 */ FROM t
        /* leading */ SELECT 1
        -- leading¶SELECT 1
        # leading¶SELECT 1
        SELECT _utf8mb4'x' COLLATE utf8mb4_bin
        SELECT N'x', x'4142', X'41', b'101', 0x41, 0b11
        SELECT 1e5, 1.5e-3, .5, 5., 1e5 FROM t
        SELECT 'a' 'b' "c"
        SELECT \N
        SELECT @@version, @@global.read_only, @@session.sql_mode, @@local.time_zone
        SELECT @@`read_only`, @@global.`gtid_domain_id`
        SELECT @@gtid_current_pos
        SELECT @x, @`y z`, @'w', @"v"
        SELECT COUNT(*), MAX(id) FROM orders GROUP BY day HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 5
        SELECT CASE WHEN a THEN b ELSE c END FROM t
        SELECT CASE a WHEN 1 THEN 'drop' END FROM t
        SELECT IF(a, b, c), REPLACE(a, 'x', 'y'), INSERT('abc', 1, 1, 'x'), TRUNCATE(1.5, 0) FROM t
        SELECT REPEAT('x', 3), LEFT(a, 1), MOD(5, 2), CHAR(65), USER(), DATABASE(), SCHEMA(), PASSWORD('x')
        SELECT LAST_INSERT_ID()
        SELECT FOUND_ROWS(), ROW_COUNT()
        SELECT CONNECTION_ID()
        SELECT LASTVAL(s), PREVIOUS VALUE FOR s
        SELECT IS_FREE_LOCK('a'), IS_USED_LOCK('a')
        SELECT SLEEP(1)
        SELECT NOW(), UUID(), RAND()
        SELECT f(1), shop.f(2)
        SELECT get_lock, load_file, nextval FROM t
        SELECT t.get_lock, t.nextval FROM t
        SELECT 1 UNION SELECT 2
        SELECT 1 UNION ALL (SELECT 2) ORDER BY 1
        SELECT 1 EXCEPT SELECT 2 INTERSECT SELECT 3
        (SELECT 1)
        ((SELECT 1))
        (SELECT 1) UNION (SELECT 2)
        (VALUES (1), (2))
        VALUES (1, 2), (3, 4)
        SELECT * FROM (SELECT 1 AS a) AS d
        SELECT * FROM t FOR SYSTEM_TIME ALL
        SELECT * FROM t FOR SYSTEM_TIME AS OF NOW()
        SELECT * FROM t USE INDEX FOR ORDER BY (a)
        SELECT a INTO @x FROM t LIMIT 1
        SELECT a, b INTO @x, @y FROM t LIMIT 1
        SELECT @x := 1
        SELECT @x := @x + 1 FROM t
        SELECT SQL_NO_CACHE STRAIGHT_JOIN DISTINCT a FROM t
        SELECT größe FROM maße
        SELECT 名前 FROM 表
        SELECT '，；' FROM t
        SELECT * FROM t WHERE a = 'ｄｒｏｐ'
        SELECT 1 /* ｄｒｏｐ，ｔａｂｌｅ */
        SELECT `ｄｒｏｐ` FROM t
        SELECT {d '2020-01-01'}
        SELECT a || b && c ^ ~d FROM t
        """#)

    static let readsOfAllKinds = Group(
        .read, master: "run", slave: "run",
        #"""
        WITH a AS (SELECT 1) SELECT * FROM a
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n
        WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM a, b
        WITH RECURSIVE n (i) AS (SELECT 1 UNION SELECT i FROM n) CYCLE i RESTRICT SELECT * FROM n
        WITH a AS (SELECT 1) (SELECT * FROM a)
        WITH `delete` AS (SELECT 1) SELECT * FROM `delete`
        SHOW TABLES
        SHOW FULL TABLES FROM shop LIKE 'a%'
        SHOW DATABASES
        SHOW CREATE TABLE users
        SHOW CREATE PROCEDURE p
        SHOW GRANTS FOR 'a'@'%'
        SHOW WARNINGS
        SHOW ERRORS LIMIT 1
        SHOW COUNT(*) WARNINGS
        SHOW COUNT(*) ERRORS
        SHOW GLOBAL VARIABLES LIKE 'read_only'
        SHOW SESSION STATUS WHERE Variable_name = 'Threads_running'
        SHOW SLAVE STATUS
        SHOW ALL SLAVES STATUS
        SHOW MASTER STATUS
        SHOW BINARY LOGS
        SHOW BINLOG EVENTS
        SHOW PROCESSLIST
        SHOW FULL PROCESSLIST
        SHOW ENGINE INNODB STATUS
        SHOW INDEX FROM users
        SHOW COLUMNS FROM users
        SHOW TRIGGERS
        SHOW PLUGINS
        SHOW EXPLAIN FOR 5
        SHOW CREATE DATABASE shop
        SHOW FUNCTION STATUS
        SHOW OPEN TABLES
        SHOW CHARACTER SET
        SHOW COLLATION
        SHOW PRIVILEGES
        SHOW TABLE STATUS
        DESCRIBE users
        DESC users
        DESC shop.users
        DESC users name
        DESC users 'na%'
        DESC `drop`
        EXPLAIN users
        EXPLAIN SELECT * FROM users
        EXPLAIN EXTENDED SELECT * FROM users
        EXPLAIN PARTITIONS SELECT * FROM users
        EXPLAIN FORMAT=JSON SELECT * FROM users
        EXPLAIN FORMAT = 'json' SELECT 1
        EXPLAIN FOR CONNECTION 5
        EXPLAIN (SELECT 1)
        EXPLAIN WITH a AS (SELECT 1) SELECT * FROM a
        DESCRIBE SELECT 1
        DESC extended
        ANALYZE SELECT * FROM users
        ANALYZE FORMAT=JSON SELECT * FROM users
        HELP 'SELECT'
        HELP contents
        CHECK TABLE users EXTENDED
        CHECK VIEW v
        CHECKSUM TABLE users, orders
        SET STATEMENT max_statement_time = 5 FOR SELECT 1
        SET STATEMENT max_statement_time = 5, sort_buffer_size = 100000 FOR SELECT SLEEP(1)
        EXECUTE IMMEDIATE 'SELECT 1'
        EXECUTE IMMEDIATE 'SELECT ?' USING 5
        EXECUTE IMMEDIATE 'SEL' 'ECT 1'
        EXECUTE IMMEDIATE CONCAT('SEL', 'ECT 1')
        EXECUTE IMMEDIATE 0x53454C4543542031
        EXECUTE IMMEDIATE x'53454C4543542031'
        EXECUTE IMMEDIATE N'SELECT 1'
        EXECUTE IMMEDIATE 'SELECT ''DROP TABLE t'''
        EXECUTE IMMEDIATE "SELECT 'a\\'b'"
        EXECUTE IMMEDIATE 'SELECT 1;'
        BEGIN NOT ATOMIC SELECT 1; END
        BEGIN NOT ATOMIC SELECT 1; SELECT 2; END;
        BEGIN NOT ATOMIC END
        BEGIN NOT ATOMIC DECLARE x INT DEFAULT 5; SELECT x; END
        BEGIN NOT ATOMIC DECLARE c CURSOR FOR SELECT 1; OPEN c; FETCH c INTO x; CLOSE c; END
        BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION, NOT FOUND, 1062, SQLSTATE '23000' SELECT 'no'; SELECT 1; END
        IF 1 > 0 THEN SELECT 1; ELSEIF 2 THEN SELECT 2; ELSE SELECT 3; END IF
        IF CASE WHEN 1 THEN 2 END THEN SELECT 1; END IF
        CASE 1 WHEN 1 THEN SELECT 1; ELSE SELECT 2; END CASE
        WHILE 0 DO SELECT 1; END WHILE
        REPEAT SELECT 1; UNTIL 1 END REPEAT
        LOOP SELECT 1; END LOOP
        FOR i IN 1..3 DO SELECT i; END FOR
        FOR r IN (SELECT a FROM t) DO SELECT r.a; END FOR
        BEGIN NOT ATOMIC l: LOOP LEAVE l; END LOOP l; END
        BEGIN NOT ATOMIC `drop`: BEGIN SELECT 1; END `drop`; END
        """#)

    static let lockingReads = Group(
        .lockingRead, master: "run", slave: "forward",
        #"""
        SELECT * FROM t FOR UPDATE
        SELECT * FROM t FOR UPDATE NOWAIT
        SELECT * FROM t FOR UPDATE SKIP LOCKED
        SELECT * FROM t LOCK IN SHARE MODE
        SELECT * FROM t for/**/update
        SELECT * FROM t FOR -- x¶ UPDATE
        SELECT * FROM t FOR # x¶ UPDATE
        SELECT * FROM t /*! FOR UPDATE */
        SELECT * FROM t /*!40101 FOR UPDATE */
        SELECT * FROM t /*M!100100 FOR UPDATE */
        SELECT * FROM t /*!99999 FOR UPDATE */
        SELECT * FROM t /*M!101100 FOR UPDATE */
        SELECT * FROM t /*!101100 FOR */ UPDATE
        (SELECT * FROM t FOR UPDATE)
        SELECT * FROM (SELECT * FROM t FOR UPDATE) d
        SELECT 1 UNION SELECT 2 FOR UPDATE
        WITH a AS (SELECT * FROM t FOR UPDATE) SELECT * FROM a
        SELECT NEXTVAL(s)
        SELECT nextval (s)
        SELECT NEXTVAL/**/(s)
        SELECT NEXT VALUE FOR s
        SELECT NEXT/**/VALUE/**/FOR shop.s
        SELECT SETVAL(s, 100)
        SELECT (SELECT NEXTVAL(s))
        SELECT GET_LOCK('a', 10)
        SELECT `get_lock`('a', 10)
        SELECT `GET_LOCK` ('a', 10)
        SELECT mariadb_schema.get_lock('a', 10)
        SELECT RELEASE_LOCK('a')
        SELECT RELEASE_ALL_LOCKS()
        VALUES (NEXTVAL(s))
        EXPLAIN SELECT * FROM t FOR UPDATE
        ANALYZE SELECT * FROM t FOR UPDATE
        EXECUTE IMMEDIATE 'SELECT * FROM t FOR UPDATE'
        SET STATEMENT max_statement_time = 1 FOR SELECT * FROM t FOR UPDATE
        BEGIN NOT ATOMIC SELECT NEXTVAL(s); END
        SELECT 1e5FROM t FOR UPDATE
        """#)
}

import StatementGate

/// What does two things at once: on the master it needs the session's own connection.
extension Corpus {
    static let inSession = [
        Group(
            .lockingRead, master: "session", slave: "forward",
            #"""
            SET @x = NEXTVAL(s)
            SET @x = (SELECT a FROM t FOR UPDATE)
            SET @x = GET_LOCK('a', 1)
            PREPARE p FROM 'SELECT * FROM t FOR UPDATE'
            """#),
        Group(
            .write, master: "session", slave: "forward",
            #"""
            PREPARE p FROM 'DELETE FROM t'
            PREPARE p FROM "INSERT INTO t VALUES ('a')"
            PREPARE p FROM 'UPD' 'ATE t SET a = 1'
            PREPARE `p q` FROM N'DELETE FROM t'
            BEGIN NOT ATOMIC START TRANSACTION; SELECT 1; COMMIT; END
            """#),
        Group(
            .tableDefinition, master: "session", slave: "forward",
            #"""
            PREPARE p FROM 'ALTER TABLE t ADD a INT'
            """#),
        Group(
            .drop, master: "session", slave: "DROP-REFUSED",
            #"""
            PREPARE p FROM 'DROP TABLE t'
            PREPARE p FROM "ALTER TABLE t DROP a"
            PREPARE p FROM _utf8mb4'DROP TABLE t'
            BEGIN NOT ATOMIC PREPARE p FROM 'DROP TABLE t'; EXECUTE p; END
            """#),
        Group(
            .databaseDefinition, master: "session", slave: "DATABASE-REFUSED",
            #"""
            PREPARE p FROM 'CREATE DATABASE shop'
            """#),
        Group(
            .accounts, master: "session", slave: "ADMIN-REFUSED",
            #"""
            SET @x = 1, PASSWORD = 'x'
            SET @x = 1, PASSWORD FOR 'a'@'%' = PASSWORD('x'), @y = 2
            SET @x = 1, DEFAULT ROLE NONE
            SET NAMES utf8mb4, DEFAULT ROLE r FOR 'a'@'%'
            SET time_zone = SYSTEM, /*! PASSWORD */ = 'x'
            """#),
        Group(
            .serverAdministration, master: "session", slave: "ADMIN-REFUSED",
            #"""
            SET @x = 1, GLOBAL max_connections = 5
            SET SESSION time_zone = '+00:00', GLOBAL max_connections = 5
            PREPARE p FROM 'FLUSH TABLES'
            """#),
        Group(
            .opaque, master: "session", slave: "DYNAMIC-REFUSED",
            #"""
            PREPARE p FROM @sql
            PREPARE p FROM CONCAT('DROP ', @what)
            PREPARE p FROM CONCAT(CONCAT('a'), 'b')
            PREPARE p FROM (SELECT 'DROP TABLE t')
            PREPARE p FROM 'SELECT 1' COLLATE utf8mb4_bin
            PREPARE p FROM REVERSE('t ELBAT PORD')
            EXECUTE p
            EXECUTE p USING @a, @b
            EXECUTE `never prepared`
            BEGIN NOT ATOMIC EXECUTE p; END
            """#),
    ]
}

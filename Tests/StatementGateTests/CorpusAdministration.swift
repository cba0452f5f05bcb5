import StatementGate

extension Corpus {
    static let breaking = Group(
        .breaksReplication, master: "NODE-OWNED", slave: "NODE-OWNED",
        #"""
        SET sql_log_bin = 0
        INSERT INTO mysql.global_priv VALUES ('%', 'me', '{}')
        DELETE FROM `mysql`.`GLOBAL_PRIV`
        UPDATE global_priv SET Priv = '{}'
        DROP TABLE IF EXISTS `global_priv`
        TRUNCATE mysql.global_priv
        DELETE FROM ddbnode.outcomes
        INSERT INTO `ddbnode` . outcomes VALUES ('x', NULL, 1)
        UPDATE shop.t, ddbnode.epochs SET epoch = 1
        DROP TABLE ddbnode.outcomes
        DROP DATABASE ddbnode
        EXECUTE IMMEDIATE 'REPLACE INTO mysql.global_priv VALUES (1, 2, 3)'
        CREATE TRIGGER t AFTER INSERT ON d.t FOR EACH ROW DELETE FROM mysql.global_priv
        DROP DATABASE mysql
        DROP SCHEMA IF EXISTS `MySQL`
        ALTER DATABASE mysql CHARACTER SET latin1
        SET SQL_LOG_BIN=0
        set session sql_log_bin := off
        SET LOCAL sql_log_bin = 0
        SET @@sql_log_bin = 0
        SET @@session.sql_log_bin = 0
        SET @@session . sql_log_bin = 0
        SET @@local.sql_log_bin = 0
        SET `sql_log_bin` = 0
        SET @@`sql_log_bin` = 0
        SET @@session.`sql_log_bin` = 0
        SET SESSION `sql_log_bin` = 0
        SET/**/sql_log_bin/**/=/**/0
        SET /*! sql_log_bin */ = 0
        SET /*!99999 sql_log_bin = 0, */ @x = 1
        /*!40101 SET sql_log_bin = 0 */
        SET @x = 1, sql_log_bin = 0
        SET NAMES utf8mb4, sql_log_bin = 0
        SET autocommit = 0, sql_log_bin = 0
        SET @x = (1, 2), @@sql_log_bin = 0
        SET binlog_format = 'STATEMENT'
        SET SESSION binlog_row_image = minimal
        SET GLOBAL binlog_checksum = NONE
        SET @@global.binlog_format = ROW
        SET gtid_domain_id = 5
        SET SESSION gtid_seq_no = 5
        SET GLOBAL gtid_slave_pos = '0-1-5'
        SET @@GLOBAL.gtid_binlog_state = ''
        SET GLOBAL gtid_strict_mode = 0
        SET server_id = 5
        SET GLOBAL server_id = 5
        SET pseudo_slave_mode = 1
        SET @@session.pseudo_thread_id = 5
        SET GLOBAL read_only = 0
        SET @@global.read_only = OFF
        SET read_only = 1
        SET @x = 1, GLOBAL read_only = 0
        SET GLOBAL max_connections = 5, read_only = 0
        SET GLOBAL rpl_semi_sync_master_enabled = 0
        SET GLOBAL rpl_semi_sync_slave_enabled = 0
        SET GLOBAL sync_binlog = 0
        SET GLOBAL slave_parallel_threads = 5
        SET GLOBAL replicate_do_db = 'x'
        SET skip_replication = 1
        SET skip_parallel_replication = 1
        SET GLOBAL relay_log_purge = 0
        SET wsrep_on = 0
        SET GLOBAL init_connect = 'SET sql_log_bin = 0'
        SET session_track_system_variables = ''
        SET session_track_transaction_info = OFF
        SET GLOBAL expire_logs_days = 1
        SET GLOBAL log_bin_trust_function_creators = 1
        SET transaction_read_only = 0
        SET @@session.tx_read_only = 0
        SET GLOBAL innodb_flush_log_at_trx_commit = 0
        SET GLOBAL general_log_file = '/tmp/x'
        SET GLOBAL slow_query_log_file = '/tmp/x'
        SET GLOBAL log_output = 'FILE'
        SET GLOBAL local_infile = 1
        SET GLOBAL init_slave = 'DELETE FROM t'
        SET GLOBAL secure_timestamp = 'NO'
        SET innodb_tmpdir = '/tmp'
        CREATE OR REPLACE USER ddbnode_client@localhost
        ALTER USER 'ddbnode_admin'@'localhost' IDENTIFIED BY 'x'
        ALTER USER a, `ddbnode_admin`@localhost ACCOUNT LOCK
        DROP USER ddbnode_client@localhost
        DROP USER "d\dbnode_client"@localhost
        RENAME USER a TO b, ddbnode_client@localhost TO c
        GRANT ALL ON *.* TO a, DDBNODE_client@localhost
        REVOKE ALL PRIVILEGES, GRANT OPTION FROM ddbnode_client@localhost
        SET PASSWORD FOR ddbnode_client@localhost = PASSWORD('x')
        SET DEFAULT ROLE r FOR ddbnode_client@localhost
        RESET MASTER
        RESET MASTER TO 5
        RESET SLAVE
        RESET SLAVE ALL
        RESET REPLICA
        RESET QUERY CACHE, MASTER
        RESET/**/MASTER
        FLUSH MASTER
        FLUSH SLAVE
        FLUSH STATUS, MASTER
        FLUSH LOCAL SLAVE
        FLUSH BINARY LOGS DELETE_DOMAIN_ID = (5)
        CHANGE MASTER TO master_host = 'x'
        CHANGE MASTER 'c' TO master_use_gtid = slave_pos
        START SLAVE
        START SLAVE 'c' UNTIL master_gtid_pos = '0-1-5'
        START ALL SLAVES
        START REPLICA
        START/**/SLAVE
        STOP SLAVE
        STOP ALL SLAVES
        STOP REPLICA
        STOP SLAVE IO_THREAD
        PURGE BINARY LOGS TO 'x'
        PURGE MASTER LOGS BEFORE NOW()
        BINLOG 'abc'
        INSTALL PLUGIN x SONAME 'x.so'
        INSTALL SONAME 'x'
        UNINSTALL PLUGIN x
        UNINSTALL SONAME 'x'
        CREATE FUNCTION f RETURNS STRING SONAME 'x.so'
        CREATE OR REPLACE FUNCTION f RETURNS INTEGER SONAME 'x.so'
        CREATE AGGREGATE FUNCTION f RETURNS REAL SONAME 'x.so'
        CREATE FUNCTION IF NOT EXISTS f RETURNS STRING SONAME 'x.so'
        SHUTDOWN
        SHUTDOWN WAIT FOR ALL SLAVES
        """#)

    static let breakingInside = Group(
        .breaksReplication, master: "NODE-OWNED", slave: "NODE-OWNED",
        #"""
        EXECUTE IMMEDIATE 'SET sql_log_bin = 0'
        EXECUTE IMMEDIATE 'SET sql_' 'log_bin = 0'
        PREPARE p FROM 'SET sql_log_bin = 0'
        PREPARE p FROM 'RESET MASTER'
        BEGIN NOT ATOMIC SET sql_log_bin = 0; DELETE FROM t; END
        BEGIN NOT ATOMIC IF 1 THEN SET @@session.sql_log_bin = 0; END IF; END
        BEGIN NOT ATOMIC SHUTDOWN; END
        IF 1 THEN SET sql_log_bin = 0; END IF
        CREATE PROCEDURE p() SET sql_log_bin = 0
        CREATE PROCEDURE p() BEGIN SELECT 1; RESET MASTER; END
        CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET GLOBAL read_only = 0
        BEGIN NOT ATOMIC DROP USER ddbnode_client@localhost; END
        SET STATEMENT sql_log_bin = 0 FOR DELETE FROM t
        SET STATEMENT binlog_format = 'STATEMENT' FOR INSERT INTO t VALUES (UUID())
        SET STATEMENT max_statement_time = 5, gtid_domain_id = 7 FOR DELETE FROM t
        SET STATEMENT gtid_domain_id = 7 FOR SELECT 1
        SET STATEMENT max_statement_time = 1 FOR SET sql_log_bin = 0
        """#)

    static let administration = Group(
        .serverAdministration, master: "run", slave: "ADMIN-REFUSED",
        #"""
        SET GLOBAL max_connections = 5
        SET @@global.max_connections = 5
        SET @@GLOBAL . max_connections = 5
        SET/**/GLOBAL/**/max_connections = 5
        SET GLOBAL sql_mode = ''
        SET GLOBAL max_connections = 5, sql_mode = '', autocommit = 1
        SET GLOBAL autocommit = 1
        SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED
        SET GLOBAL event_scheduler = ON
        SET event_scheduler = ON
        SET GLOBAL hot.key_buffer_size = 5
        SET @@global.hot.key_buffer_size = 5
        SET GLOBAL general_log = 1
        FLUSH PRIVILEGES
        FLUSH TABLES
        FLUSH TABLES WITH READ LOCK
        FLUSH TABLES t, u FOR EXPORT
        FLUSH TABLES `master`
        FLUSH LOGS
        FLUSH BINARY LOGS
        FLUSH NO_WRITE_TO_BINLOG STATUS
        FLUSH LOCAL HOSTS
        FLUSH QUERY CACHE
        RESET QUERY CACHE
        KILL 5
        KILL QUERY 5
        KILL CONNECTION 5
        KILL HARD QUERY ID 5
        KILL SOFT USER a
        KILL USER 'a'@'%'
        KILL CONNECTION_ID() + 1
        KILL (SELECT 5)
        KILL @x
        CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')
        CREATE OR REPLACE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')
        ALTER SERVER s OPTIONS (HOST 'x')
        DROP SERVER s
        DROP SERVER IF EXISTS s
        CACHE INDEX t IN hot
        LOAD INDEX INTO CACHE t
        BACKUP STAGE START
        BACKUP LOCK t
        /*!40101 SET GLOBAL max_connections = 5 */
        EXECUTE IMMEDIATE 'SET GLOBAL max_connections = 5'
        BEGIN NOT ATOMIC KILL 5; END
        CREATE PROCEDURE p() FLUSH TABLES
        """#)
}

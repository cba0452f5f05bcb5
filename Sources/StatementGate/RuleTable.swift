package import ClusterModel

/// What each role does with each class: the one table that decisions and documentation are made from.
package enum RuleTable {
    package enum Action: Hashable, Sendable {
        /// Here, on any connection.
        case run
        /// To the master, over the session's connection to it.
        case forward
        /// On the connection that keeps the session's state.
        case inSession
        case refuse(RefusalCode)
        /// Run where the configuration opens the server's files to clients.
        case runIfFilesAllowed
    }

    package struct Rule: Sendable {
        package let statementClass: StatementClass
        package let title: String
        package let examples: String
        package let onMaster: Action
        package let onSlave: Action
    }

    /// A row for each class, in the order of the documentation.
    package static let rules: [Rule] = [
        Rule(
            statementClass: .read, title: "read",
            examples: "`SELECT`, `WITH … SELECT`, `SHOW`, `DESCRIBE`, `EXPLAIN`, `VALUES`, `HELP`, `CHECK TABLE`, `CHECKSUM TABLE`",
            onMaster: .run, onSlave: .run),
        Rule(
            statementClass: .lockingRead, title: "locking or advancing read",
            examples: "`SELECT … FOR UPDATE`, `… LOCK IN SHARE MODE`, `NEXT VALUE FOR`, `NEXTVAL()`, `SETVAL()`, `GET_LOCK()`, `RELEASE_LOCK()`",
            onMaster: .run, onSlave: .forward),
        Rule(
            statementClass: .write, title: "write",
            examples:
                "`INSERT`, `REPLACE`, `UPDATE`, `DELETE`, `LOAD DATA INFILE`, `CALL`, `DO`, `HANDLER`, `ANALYZE UPDATE …`, `DROP TEMPORARY TABLE`",
            onMaster: .run, onSlave: .forward),
        Rule(
            statementClass: .tableDefinition, title: "table definition",
            examples:
                "`CREATE`, `ALTER`, `RENAME` of tables, indexes, views, sequences, triggers, procedures, functions, events; `TRUNCATE`, `OPTIMIZE`, `REPAIR`, `ANALYZE TABLE`",
            onMaster: .run, onSlave: .forward),
        Rule(
            statementClass: .drop, title: "drop",
            examples: "`DROP TABLE`, `DROP VIEW`, `DROP INDEX`, …; `ALTER TABLE … DROP …`, `… TRUNCATE PARTITION`",
            onMaster: .run, onSlave: .refuse(.drop)),
        Rule(
            statementClass: .databaseDefinition, title: "database definition",
            examples: "`CREATE`, `ALTER`, `DROP` of `DATABASE` or `SCHEMA`",
            onMaster: .run, onSlave: .refuse(.database)),
        Rule(
            statementClass: .accounts, title: "accounts",
            examples: "`CREATE`, `ALTER`, `DROP`, `RENAME` of `USER` or `ROLE`; `GRANT`, `REVOKE`, `SET PASSWORD`, `SET DEFAULT ROLE`",
            onMaster: .run, onSlave: .refuse(.administration)),
        Rule(
            statementClass: .transaction, title: "transaction",
            examples: "`BEGIN`, `START TRANSACTION`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `SET autocommit`, `SET TRANSACTION`, `XA`",
            onMaster: .inSession, onSlave: .inSession),
        Rule(
            statementClass: .session, title: "session",
            examples:
                "`USE`, `SET` of session and user variables, `SET NAMES`, `SET ROLE`, `PREPARE`, `EXECUTE`, `DEALLOCATE`, `LOCK TABLES … READ`, `UNLOCK TABLES`, `SIGNAL`, `KILL` of the own connection",
            onMaster: .inSession, onSlave: .inSession),
        Rule(
            statementClass: .breaksReplication, title: "would break replication",
            examples:
                "`SET` of `sql_log_bin`, `binlog_*`, `gtid_*`, `server_id`, `pseudo_*`, `rpl_*`, `read_only`, `log_output` and their like, or of the server's files; statements about accounts named `ddbnode_…`; changes of `mysql.global_priv` and of what is in `ddbnode`; `DROP DATABASE mysql`; `RESET MASTER`, `CHANGE MASTER`, `START SLAVE`, `STOP SLAVE`, `PURGE BINARY LOGS`, `BINLOG`, `INSTALL PLUGIN`, `CREATE FUNCTION … SONAME`, `SHUTDOWN`",
            onMaster: .refuse(.nodeOwned), onSlave: .refuse(.nodeOwned)),
        Rule(
            statementClass: .serverAdministration, title: "other server administration",
            examples: "`SET GLOBAL`, `FLUSH`, `KILL` of others, `CREATE SERVER`, `CACHE INDEX`, `LOAD INDEX`, `BACKUP`",
            onMaster: .run, onSlave: .refuse(.administration)),
        Rule(
            statementClass: .serverFiles, title: "reaches the server's files",
            examples: "`SELECT … INTO OUTFILE`, `… INTO DUMPFILE`, `LOAD DATA LOCAL`, `LOAD_FILE()`",
            onMaster: .runIfFilesAllowed, onSlave: .refuse(.files)),
        Rule(
            statementClass: .opaque, title: "unknown dynamic SQL",
            examples: "`PREPARE … FROM @text`, `EXECUTE IMMEDIATE` of an expression, `EXECUTE` of a name not prepared",
            onMaster: .run, onSlave: .refuse(.dynamic)),
    ]

    private static let onMaster = actions(\.onMaster)
    private static let onSlave = actions(\.onSlave)

    /// By the class's number: every statement asks for some.
    private static func actions(_ column: KeyPath<Rule, Action>) -> [Action] {
        rules.sorted { $0.statementClass.rawValue < $1.statementClass.rawValue }.map { $0[keyPath: column] }
    }

    /// What a role does with a class.
    package static func action(for statementClass: StatementClass, role: Role) -> Action {
        switch role {
        case .master: onMaster[statementClass.rawValue]
        case .slave: onSlave[statementClass.rawValue]
        }
    }
}

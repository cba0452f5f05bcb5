import ClusterModel
import StatementGate
import Testing

struct VerdictTests {
    private func refusal(_ sql: String, _ role: Role, master: String = "127.0.0.1:7001", _ options: GateOptions = GateOptions()) -> Refusal? {
        guard case .refuse(let refusal) = decide(sorted(sql), role: role, options: options, master: master) else { return nil }
        return refusal
    }

    @Test func `a refusal names its code, its state and the master`() {
        let refusal = refusal("DROP TABLE users", .slave)
        #expect(refusal?.code.rawValue == "DROP-REFUSED")
        #expect(refusal?.state == "42000")
        #expect(refusal?.message == "a slave may not run DROP; send it to the master at 127.0.0.1:7001")
    }

    @Test func `a refusal without a known master says so`() {
        #expect(refusal("DROP TABLE users", .slave, master: "-")?.message.contains("once there is one") == true)
    }

    @Test func `an unsorted statement is refused with its first words and its reason`() {
        let message = refusal("DR/**/OP TABLE users", .master)?.message
        #expect(message?.contains("DR/**/OP TABLE users") == true)
        #expect(message?.contains("spelling") == true)
    }

    @Test func `every message is one line and says what to do`() {
        for statement in Corpus.groups.flatMap(\.statements) {
            for role in Role.allCases {
                guard let message = refusal(statement, role)?.message else { continue }
                #expect(message.utf8.allSatisfy { $0 >= 0x20 }, "\(statement)")
                #expect(message.contains("; "), "\(statement)")
            }
        }
    }

    @Test func `several statements are refused unless the configuration allows them`() {
        for role in Role.allCases {
            #expect(refusal("SELECT 1; SELECT 2", role)?.code == .multipleStatements)
            #expect(decide(sorted("SELECT 1; SELECT 2"), role: role, options: GateOptions(multiStatements: true), master: "-") == .run)
        }
        let several = GateOptions(multiStatements: true)
        #expect(refusal("SELECT 1; DROP TABLE t", .slave, several)?.code == .drop)
        #expect(refusal("DROP TABLE t; SELECT 1", .slave, several)?.code == .drop)
        #expect(verdict(sorted("SELECT 1; DELETE FROM t; SELECT 2"), .slave, several) == .forward)
        #expect(refusal("SELECT 1; foo", .slave, several)?.code == .unknown)
        #expect(refusal("DELETE FROM t; SET sql_log_bin = 0", .master, several)?.code == .nodeOwned)
    }

    @Test func `files open on the master only`() {
        let open = GateOptions(files: true)
        for statement in Corpus.files.statements {
            #expect(!{ if case .refuse = verdict(sorted(statement), .master, open) { true } else { false } }(), "\(statement)")
            #expect(refusal(statement, .slave, open)?.code == .files, "\(statement)")
        }
    }

    @Test func `only a bare statement about the server may run with more rights`() {
        for statement in [
            "SET GLOBAL max_connections = 5", "SET @@global.max_connections = 5", "FLUSH STATUS", "FLUSH TABLES", "KILL 5", "RESET QUERY CACHE",
            "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
            "CREATE OR REPLACE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
            "DROP SERVER s", "/*!40101 SET GLOBAL max_connections = 5 */",
        ] {
            #expect(sorted(statement).classification?.administersOnly == true, "\(statement)")
        }
        for statement in [
            "BEGIN NOT ATOMIC FLUSH STATUS; SELECT 1; END", "BEGIN NOT ATOMIC FLUSH STATUS; END", "IF 1 THEN FLUSH STATUS; END IF",
            "EXECUTE IMMEDIATE 'FLUSH STATUS'", "SET STATEMENT max_statement_time = 5 FOR FLUSH STATUS", "CREATE PROCEDURE p() FLUSH STATUS",
            "SET GLOBAL max_connections = (SELECT 5)", "SET GLOBAL max_connections = f()", "SET @x = 1, GLOBAL max_connections = 5",
            "KILL (SELECT 5)",
            "FLUSH STATUS; DELETE FROM t", "FLUSH STATUS; FLUSH STATUS", "FLUSH TABLES WITH READ LOCK", "FLUSH TABLES t FOR EXPORT",
            "/*!110000 BEGIN NOT ATOMIC */ FLUSH STATUS; /*!110000 END */", "SET GLOBAL read_only = 0", "DELETE FROM t", "SELECT 1",
        ] {
            #expect(sorted(statement).classification?.administersOnly != true, "\(statement)")
        }
    }

    @Test func `only a bare statement about accounts may run with the rights for that`() {
        for statement in [
            "CREATE USER a", "CREATE OR REPLACE USER a IDENTIFIED BY 'p'", "CREATE USER IF NOT EXISTS a@'10.%' IDENTIFIED VIA p USING PASSWORD('x')",
            "ALTER USER a ACCOUNT LOCK", "DROP USER a, b", "RENAME USER a TO b", "CREATE ROLE r", "DROP ROLE r", "GRANT SELECT (a, b) ON d.t TO a",
            "GRANT r TO a", "REVOKE ALL PRIVILEGES, GRANT OPTION FROM a", "SET PASSWORD FOR a = PASSWORD('x')", "SET DEFAULT ROLE r FOR a",
            "/*!40101 CREATE USER a */",
        ] {
            #expect(sorted(statement).classification?.office == .accounts, "\(statement)")
            #expect(sorted(statement).classification?.administersOnly == false, "\(statement)")
        }
        for statement in [
            "EXECUTE IMMEDIATE 'CREATE USER a'", "PREPARE p FROM 'CREATE USER a'", "BEGIN NOT ATOMIC CREATE USER a; END",
            "CREATE PROCEDURE p() CREATE USER a", "CREATE USER a; SELECT 1", "SET STATEMENT max_statement_time = 5 FOR CREATE USER a",
            "SET PASSWORD FOR a = 'x', @y = f()", "SET PASSWORD FOR a = 'x', @y = (SELECT f())", "SET PASSWORD FOR a = 'x', GLOBAL read_only = 0",
            "ALTER USER ddbnode_admin@localhost ACCOUNT LOCK", "CREATE VIEW user AS SELECT 1", "CREATE TABLE user (a INT)",
        ] {
            #expect(sorted(statement).classification?.office != .accounts, "\(statement)")
        }
        #expect(sorted("KILL 5").classification?.office == .connections)
        #expect(sorted("BACKUP STAGE START").classification?.office == .server)
        #expect(sorted("FLUSH TABLES WITH READ LOCK").classification?.office == .server)
    }

    @Test func `what everybody is granted, the shared account is granted`() {
        let shared = GateOptions(sharesAccount: true)
        for statement in [
            "GRANT CREATE USER ON *.* TO PUBLIC", "GRANT r TO PUBLIC", "GRANT SELECT ON d.* TO a, public", "REVOKE SELECT ON d.* FROM PUBLIC",
            "GRANT r TO `public`", "GRANT r TO 'Public'",
        ] {
            #expect(refusal(statement, .master, shared)?.code == .nodeOwned, "\(statement)")
            #expect(refusal(statement, .master) == nil, "\(statement)")
        }
        for statement in ["GRANT SELECT ON public.* TO a", "GRANT SELECT ON public TO a", "CREATE ROLE publicans"] {
            #expect(refusal(statement, .master, shared) == nil, "\(statement)")
        }
    }

    @Test func `a slave's session can't be opened for writing`() {
        for statement in [
            "SET TRANSACTION READ WRITE", "SET SESSION TRANSACTION READ WRITE", "SET LOCAL TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
            "BEGIN NOT ATOMIC SET SESSION TRANSACTION READ WRITE; END", "EXECUTE IMMEDIATE 'SET SESSION TRANSACTION READ WRITE'",
            "SET @x = 1, SESSION TRANSACTION READ WRITE",
        ] where sorted(statement).reason == nil {
            #expect(refusal(statement, .slave)?.code == .nodeOwned, "\(statement)")
            #expect(refusal(statement, .master) == nil, "\(statement)")
        }
        #expect(refusal("SET SESSION TRANSACTION READ ONLY", .slave) == nil)
    }

    @Test func `the account that all clients share is not theirs to change`() {
        let shared = GateOptions(sharesAccount: true)
        for statement in [
            "SET PASSWORD = PASSWORD('x')", "SET DEFAULT ROLE r", "ALTER USER CURRENT_USER() IDENTIFIED BY 'x'", "DROP USER CURRENT_USER",
            "RENAME USER current_user() TO a",
        ] {
            #expect(refusal(statement, .master, shared)?.code == .nodeOwned, "\(statement)")
            #expect(refusal(statement, .master) == nil, "\(statement)")
        }
        #expect(refusal("SET PASSWORD FOR a = PASSWORD('x')", .master, shared) == nil)
        #expect(refusal("CREATE USER a IDENTIFIED BY 'current_user'", .master, shared) == nil)
    }

    @Test func `every class has a rule, once, and every code is used`() {
        #expect(RuleTable.rules.map(\.statementClass).sorted { $0.rawValue < $1.rawValue } == StatementClass.allCases)
        #expect(Set(RefusalCode.allCases.map(\.rawValue)).count == 9)
    }

    @Test func `a slave is never allowed more than a master, but in where it runs`() {
        for statementClass in StatementClass.allCases {
            let onMaster = RuleTable.action(for: statementClass, role: .master)
            let onSlave = RuleTable.action(for: statementClass, role: .slave)
            if case .refuse = onMaster { #expect(onSlave == onMaster) }
            if onMaster == .inSession { #expect(onSlave == .inSession) }
        }
    }
}

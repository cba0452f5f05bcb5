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

    @Test func `every class has a rule, once, and every code is used`() {
        #expect(RuleTable.rules.map(\.statementClass).sorted { $0.rawValue < $1.rawValue } == StatementClass.allCases)
        #expect(Set(RefusalCode.allCases.map(\.rawValue)).count == 8)
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

import ClusterModel
import StatementGate
import Testing

struct ClassTests {
    @Test(arguments: Corpus.groups)
    func `each statement of the corpus gets its class, and both roles their verdict`(group: Group) {
        for statement in group.statements {
            let result = sorted(statement)
            #expect(result.reason == nil, "\(statement)")
            #expect(result.classification?.statementClass == group.statementClass, "\(statement)")
            #expect(verdict(result, .master).word == group.master, "\(statement)")
            #expect(verdict(result, .slave).word == group.slave, "\(statement)")
        }
    }

    @Test func `the corpus is large and says nothing twice`() {
        let statements = Corpus.groups.flatMap(\.statements)
        #expect(statements.count >= 520)
        #expect(Set(statements).count == statements.count)
    }

    @Test func `every class has statements in the corpus`() {
        #expect(Set(Corpus.groups.map(\.statementClass)) == Set(StatementClass.allCases))
    }
}

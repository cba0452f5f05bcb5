import ClusterModel
import StatementGate
import Testing

struct PreparedStatementsTests {
    private func session(_ statements: String...) -> PreparedStatements {
        var prepared = PreparedStatements()
        for statement in statements {
            if let classification = sorted(statement, prepared: prepared).classification { prepared.applied(classification) }
        }
        return prepared
    }

    @Test func `EXECUTE takes the class of what was prepared`() {
        let prepared = session("PREPARE del FROM 'DELETE FROM t'", "PREPARE `drop` FROM 'DROP TABLE t'", "PREPARE one FROM 'SELECT @x'")
        #expect(sorted("EXECUTE del", prepared: prepared).classification?.statementClass == .write)
        #expect(sorted("EXECUTE `DEL` USING 1", prepared: prepared).classification?.statementClass == .write)
        #expect(verdict(sorted("EXECUTE `drop`", prepared: prepared), .slave).word == "DROP-REFUSED")
        #expect(verdict(sorted("EXECUTE one", prepared: prepared), .slave) == .inSession)
        #expect(sorted("EXECUTE one", prepared: prepared).classification?.facts == [.executesPrepared, .readsUserVariable])
    }

    @Test func `EXECUTE passes on the transaction's verb and the database`() {
        let prepared = session("PREPARE c FROM 'COMMIT'", "PREPARE u FROM 'USE shop'")
        #expect(sorted("EXECUTE c", prepared: prepared).classification?.transaction == .commit(chain: false))
        #expect(sorted("EXECUTE u", prepared: prepared).classification?.database == Array("shop".utf8))
    }

    @Test func `a name prepared again takes its new class, and a deallocated one is opaque`() {
        var prepared = session("PREPARE p FROM 'SELECT 1'", "PREPARE P FROM 'DELETE FROM t'")
        #expect(sorted("EXECUTE p", prepared: prepared).classification?.statementClass == .write)
        prepared = session("PREPARE p FROM 'SELECT 1'", "DEALLOCATE PREPARE P")
        #expect(prepared.isEmpty)
        #expect(sorted("EXECUTE p", prepared: prepared).classification?.statementClass == .opaque)
    }

    @Test func `a name prepared from a variable is opaque`() {
        let prepared = session("PREPARE p FROM 'SELECT 1'", "PREPARE p FROM @sql")
        let result = sorted("EXECUTE p", prepared: prepared)
        #expect(verdict(result, .slave).word == "DYNAMIC-REFUSED")
        #expect(verdict(result, .master) == .inSession)
    }

    @Test func `a branch that prepares a name leaves both of its meanings possible`() {
        let prepared = session("PREPARE p FROM 'DELETE FROM t'", "BEGIN NOT ATOMIC IF @x THEN PREPARE p FROM 'SELECT 1'; END IF; END")
        #expect(sorted("EXECUTE p", prepared: prepared).classification?.statementClass == .write)
        let kept = session("PREPARE p FROM 'DELETE FROM t'", "BEGIN NOT ATOMIC IF @x THEN DEALLOCATE PREPARE p; END IF; END")
        #expect(sorted("EXECUTE p", prepared: kept).classification?.statementClass == .write)
    }

    @Test func `a text that prepares and executes is as strict as what it prepares`() {
        let result = sorted("PREPARE p FROM 'DROP TABLE t'; EXECUTE p")
        #expect(verdict(result, .slave, GateOptions(multiStatements: true)).word == "DROP-REFUSED")
        let stored = sorted("CREATE PROCEDURE q() BEGIN PREPARE p FROM 'DROP TABLE t'; END").classification
        #expect(stored?.preparations.isEmpty == true)
    }

    @Test func `names beyond the limit are opaque`() {
        var prepared = PreparedStatements()
        for number in 0...PreparedStatements.countMax {
            if let classification = sorted("PREPARE p\(number) FROM 'SELECT 1'").classification { prepared.applied(classification) }
        }
        #expect(sorted("EXECUTE p0", prepared: prepared).classification?.statementClass == .session)
        #expect(sorted("EXECUTE p\(PreparedStatements.countMax)", prepared: prepared).classification?.statementClass == .opaque)
        if let again = sorted("PREPARE p0 FROM 'DELETE FROM t'").classification { prepared.applied(again) }
        #expect(sorted("EXECUTE p0", prepared: prepared).classification?.statementClass == .write)
    }

    @Test func `a text prepares a limited number of names`() {
        #expect(sorted(String(repeating: "PREPARE p FROM 'SELECT 1';", count: PreparedStatements.countMax)).reason == nil)
        #expect(sorted(String(repeating: "PREPARE p FROM 'SELECT 1';", count: 5000)).reason == .tooManyPreparations)
        #expect(sorted("PREPARE größe FROM 'SELECT 1'").reason == .strayCharacter)
    }

    @Test func `what is prepared is told by name and class`() {
        let prepared = sorted("PREPARE `a``b` FROM 'DELETE FROM t'").classification?.prepared
        #expect(prepared?.name == Array("a`b".utf8))
        #expect(prepared?.statement?.statementClass == .write)
        #expect(sorted("DEALLOCATE PREPARE p").classification?.prepared?.statement == nil)
    }
}

import ClusterModel
import LineProtocol
import StatementGate
import Testing

@testable import NodeRuntime

/// What an id asks for, by the statement and what its session holds.
@Suite struct IdentityTests {
    private func what(_ sql: String) throws -> Classification {
        try Array(sql.utf8).withUnsafeBytes { try classify($0, mode: .standard, prepared: PreparedStatements()).get() }
    }

    private func step(_ sql: String, _ hold: SessionHold = [], _ marks: TransactionMarks = []) throws -> Identity.Step? {
        try Identity(#require(TransactionID("x")), what(sql), hold: hold, marks: marks)?.step
    }

    private func isRefused(_ sql: String, _ hold: SessionHold = [], _ marks: TransactionMarks = []) throws -> Bool {
        do {
            _ = try step(sql, hold, marks)
            return false
        } catch let error as ReplyError {
            return error.code == .node(.badRequest)
        }
    }

    @Test(arguments: [
        "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "REPLACE t VALUES (1)", "CALL p()", "DO f()", "SELECT f()",
        "SELECT * FROM t FOR UPDATE", "CREATE TEMPORARY TABLE t (a INT)",
    ])
    func `a write is a transaction of its own`(_ sql: String) throws {
        #expect(try step(sql) == .begin)
        #expect(try step(sql, .variables) == .begin)
        #expect(try step(sql, .transaction) == .store)
        #expect(try step(sql, .autocommitOff) == .store)
    }

    @Test func `a read has no part in it, but in a transaction`() throws {
        #expect(try step("SELECT * FROM t") == nil)
        #expect(try step("SELECT * FROM t", .transaction) == .store)
        #expect(try step("SELECT * FROM t", .autocommitOff) == .store)
        #expect(try step("SET @x = 1", .autocommitOff) == nil)
        #expect(try step("USE d") == nil)
    }

    @Test func `a transaction has it behind its beginning, and before its end`() throws {
        for sql in ["BEGIN", "START TRANSACTION", "START TRANSACTION READ WRITE", "SET autocommit = 0"] {
            #expect(try step(sql) == .storeAfterwards)
            #expect(try step(sql, .transaction, .savepoint) == .storeAfterwards)
        }
        #expect(try step("COMMIT", .transaction) == .store)
        #expect(try step("COMMIT") == nil)
        for sql in ["ROLLBACK", "START TRANSACTION READ ONLY"] { #expect(try step(sql, .transaction) == nil) }
    }

    @Test(arguments: [
        "CREATE TABLE t (a INT)", "DROP TABLE t", "TRUNCATE t", "GRANT SELECT ON d.* TO me", "LOCK TABLES t READ", "UNLOCK TABLES", "FLUSH TABLES",
        "XA START 'x'", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", "BEGIN NOT ATOMIC COMMIT; END", "EXECUTE IMMEDIATE @x",
        "INSERT INTO t VALUES (ROW_COUNT())",
    ])
    func `what commits by itself is refused`(_ sql: String) throws {
        #expect(try isRefused(sql))
        #expect(try isRefused(sql, .transaction))
    }

    @Test func `what an id would not survive comes before it`() throws {
        let sql = "INSERT INTO t VALUES (1)"
        #expect(try isRefused(sql, .tableLocks))
        #expect(try isRefused(sql, .transaction, .savepoint))
        #expect(try isRefused(sql, .transaction, .xa))
        var marks: TransactionMarks = []
        for sql in ["SAVEPOINT s", "ROLLBACK TO s", "INSERT INTO t VALUES (1)"] { marks.ran(try what(sql)) }
        #expect(marks == .savepoint)
        marks.ran(try what("COMMIT AND CHAIN"))
        #expect(marks == [])
    }
}

import MariaDBConnector
import StatementGate
import TestSupport
import Testing

/// What the gate's tables say of variables and functions covers what the server has: a new release of MariaDB's that brings others is noticed here.
@Suite(.serialized, .server)
struct ServerVocabularyTests {
    private let server: TestServer

    init() throws { server = try #require(TestServer.shared) }

    @Test func `every session variable of the server is known for what it means to definitions`() async throws {
        let connection = try await open(server.target())
        let rows = try await connection.run(
            "SELECT LOWER(VARIABLE_NAME) FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_SCOPE LIKE 'SESSION%'"
        ).text
        #expect(rows.count > 150)
        let unknown = rows.compactMap { $0[0] }.filter { SessionVariables.effect(of: $0) == nil }
        #expect(unknown == [], "say in SessionVariables what they mean for a definition that another node runs again")
        try await connection.end()
    }

    @Test func `every function of the server is known for whether it gives the same on every node`() async throws {
        let connection = try await open(server.target())
        let rows = try await connection.run("SELECT LOWER(FUNCTION) FROM information_schema.SQL_FUNCTIONS").text
        #expect(rows.count > 150)
        let unknown = rows.compactMap { $0[0] }.filter { !RepeatableFunction.isNamed($0) && !RepeatableFunction.isKnownOther($0) }
        #expect(unknown == [], "say in RepeatableFunction whether they do")
        let both = rows.compactMap { $0[0] }.filter { RepeatableFunction.isNamed($0) && RepeatableFunction.isKnownOther($0) }
        #expect(both == [])
        try await connection.end()
    }
}

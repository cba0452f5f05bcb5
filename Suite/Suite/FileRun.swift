import CampaignHarness
import SuiteCore

/// Runs one file's statements on both sides.
final class FileRun {
    private let name: String
    private let known: KnownDifferences
    private let node: NodeSession
    private var plain: PlainClient
    private let server: PlainServer
    /// What is worth a look, line by line.
    private(set) var findings: [String] = []
    /// The nodes answer no longer as they should.
    private(set) var isBroken = false

    /// Codes by which a node refuses what its rules refuse.
    private static let refusals: Set<String> = [
        "DROP-REFUSED", "DATABASE-REFUSED", "ADMIN-REFUSED", "NODE-OWNED", "FILES-REFUSED", "UNKNOWN-STATEMENT", "MULTIPLE-STATEMENTS",
        "NOT-REPEATABLE",
    ]

    init(_ name: String, _ known: KnownDifferences, _ cluster: SuiteCluster, _ server: PlainServer) throws(Failure) {
        self.name = name
        self.known = known
        self.server = server
        node = try NodeSession(cluster.master.address)
        plain = try server.connect()
    }

    /// Both sides begin with an empty database `test`.
    func begin() throws(Failure) {
        for sql in ["DROP DATABASE IF EXISTS test", "CREATE DATABASE test", "USE test"] {
            let (own, other) = (onNode(Array(sql.utf8)), plain.run(sql))
            guard own.failure == nil, other.failure == nil else { throw Failure("\(name): \(sql): \(own.words); plain: \(other.words)") }
        }
    }

    func run(_ statements: [TestStatement], _ tally: inout Tally) throws(Failure) {
        for statement in statements where !isBroken {
            if EarlyEnd.isWanted { throw Failure("ended by a signal") }
            tally.judged(try judge(statement), statement.text)
        }
    }

    private func judge(_ statement: TestStatement) throws(Failure) -> Tally.Judgement {
        let own = onNode(statement.sql)
        // What the node does not run is not run on the other side either, so that both go on alike.
        if let failure = own.failure, Self.refusals.contains(failure.code) {
            findings.append("\(name):\(statement.line): refused \(failure.code): \(statement.text.prefix(200)) -> \(failure.message.prefix(200))")
            return .refused(failure.code)
        }
        let other = plain.run(statement.sql)
        if PlainClient.isGone(other.failure) { plain = try server.connect() }
        if own.isLike(other) { return .alike }
        if let reason = known.reason(file: name, statement: statement.text) { return .known(reason) }
        findings.append("\(name):\(statement.line): \(statement.text.prefix(300))\n    node:  \(own.words)\n    plain: \(other.words)")
        return .different
    }

    private func onNode(_ sql: [UInt8]) -> StatementResult {
        do throws(NoReply) { return try node.run(sql) } catch {
            isBroken = true
            var result = StatementResult()
            result.failure = StatementResult.Failure(code: "NO-REPLY", message: error.words)
            return result
        }
    }
}

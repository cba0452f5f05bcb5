import CampaignHarness
import ClusterModel
import LineProtocol
import SuiteCore

/// A client's session on a node.
final class NodeSession {
    private let client: Client

    init(_ address: NodeAddress) throws(Failure) {
        do throws(NoReply) { client = try Client(address, secondsMax: 60) } catch { throw Failure("\(address) can't be reached: \(error.words)") }
    }

    func run(_ sql: String) throws(NoReply) -> StatementResult { try run(Array(sql.utf8)) }

    func run(_ sql: [UInt8]) throws(NoReply) -> StatementResult {
        var result = StatementResult()
        var part = StatementResult.Part()
        func end(_ fields: ReplyPairs) -> Bool {
            part.affected = fields["affected"].flatMap { UInt64($0) } ?? 0
            part.warnings = fields["warnings"].flatMap { UInt64($0) } ?? 0
            result.parts.append(part)
            part = StatementResult.Part()
            return fields["more"] != "1"
        }
        try client.run(sql) { event in
            switch event {
            case .ok(let fields), .end(let fields): return end(fields)
            case .columns(let names):
                part.columns = names.map { String(decoding: $0, as: UTF8.self) }
                part.rows = []
                return false
            case .row(let values):
                part.rows?.append(values)
                return false
            case .error(let failure), .endError(let failure):
                result.failure = StatementResult.Failure(code: failure.code, message: String(decoding: failure.message, as: UTF8.self))
                return true
            }
        }
        return result
    }

    /// A command of the protocol.
    func command(_ line: String) throws(NoReply) -> Reply { try client.run(line) }
}

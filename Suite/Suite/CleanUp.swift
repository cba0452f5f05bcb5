import CampaignHarness
import SuiteCore

/// Takes away what a file left behind, on both sides: databases, accounts, global settings. What there is to take away is seen on the plain server.
struct CleanUp {
    private static let databases = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"
    private static let accounts = "SELECT IF(Host = '', QUOTE(User), CONCAT(QUOTE(User), '@', QUOTE(Host))), Host = '' FROM mysql.global_priv"
    private static let settings = """
        SELECT VARIABLE_NAME, GLOBAL_VALUE, VARIABLE_TYPE IN ('INT', 'INT UNSIGNED', 'BIGINT', 'BIGINT UNSIGNED', 'DOUBLE') \
        FROM information_schema.SYSTEM_VARIABLES WHERE READ_ONLY = 'NO' AND GLOBAL_VALUE IS NOT NULL AND VARIABLE_NAME NOT LIKE 'GTID%'
        """

    private let databasesBefore: Set<String>
    private let accountsBefore: Set<String>
    private let settingsBefore: [String: String]

    init(_ plain: PlainClient) {
        databasesBefore = Set(Self.rows(plain, Self.databases).map { $0[0] })
        accountsBefore = Set(Self.rows(plain, Self.accounts).map { $0[0] })
        settingsBefore = Dictionary(Self.rows(plain, Self.settings).map { ($0[0], $0[1]) }) { a, _ in a }
    }

    private static func rows(_ plain: PlainClient, _ sql: String) -> [[String]] {
        let rows = plain.run(sql).parts.first?.rows ?? []
        return rows.map { $0.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "" } }
    }

    func run(_ plain: PlainClient, _ node: NodeSession) throws(Failure) {
        for sql in statements(plain) {
            _ = plain.run(sql)
            do throws(NoReply) { _ = try node.run(sql) } catch { throw Failure("no answer to \(sql): \(error.words)") }
        }
    }

    private func statements(_ plain: PlainClient) -> [String] {
        var statements = ["SET sql_mode = DEFAULT"]
        for row in Self.rows(plain, Self.databases) where !databasesBefore.contains(row[0]) {
            statements.append("DROP DATABASE `\(row[0].split(separator: "`", omittingEmptySubsequences: false).joined(separator: "``"))`")
        }
        for row in Self.rows(plain, Self.accounts) where !accountsBefore.contains(row[0]) {
            statements.append("DROP \(row[1] == "1" ? "ROLE" : "USER") \(row[0])")
        }
        for row in Self.rows(plain, Self.settings) {
            guard let before = settingsBefore[row[0]], before != row[1] else { continue }
            statements.append("SET GLOBAL \(row[0]) = \(row[2] == "1" ? before : "'\(before)'")")
        }
        return statements
    }
}

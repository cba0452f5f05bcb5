import CMariaDB
import CampaignHarness
import SuiteCore

/// A connection to the plain server.
final class PlainClient {
    private let mysql: UnsafeMutablePointer<MYSQL>

    init(socket: String, user: String, password: String) throws(Failure) {
        guard let mysql = mysql_init(nil) else { throw Failure("out of memory") }
        _ = ddb_option_uint(mysql, MYSQL_OPT_CONNECT_TIMEOUT, 10)
        _ = ddb_option_uint(mysql, MYSQL_OPT_READ_TIMEOUT, 60)
        _ = ddb_option_string(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        guard mysql_real_connect(mysql, nil, user, password, nil, 0, socket, UInt(CLIENT_MULTI_RESULTS)) != nil else {
            let failure = Failure("the plain server can't be reached: \(String(cString: mysql_error(mysql)))")
            mysql_close(mysql)
            throw failure
        }
        self.mysql = mysql
    }

    deinit { mysql_close(mysql) }

    func run(_ sql: String) -> StatementResult { run(Array(sql.utf8)) }

    func run(_ sql: [UInt8]) -> StatementResult {
        var result = StatementResult()
        let isSent = sql.withUnsafeBytes { mysql_real_query(mysql, $0.baseAddress?.assumingMemoryBound(to: CChar.self), UInt(sql.count)) == 0 }
        guard isSent else {
            result.failure = failure
            return result
        }
        while true {
            guard let part = nextPart() else {
                result.failure = failure
                return result
            }
            result.parts.append(part)
            let next = mysql_next_result(mysql)
            if next < 0 { return result.asOfNode }
            if next > 0 {
                result.failure = failure
                return result
            }
        }
    }

    private var failure: StatementResult.Failure {
        StatementResult.Failure(code: "\(mysql_errno(mysql))", message: String(cString: mysql_error(mysql)))
    }

    /// Whether the server is gone, and this with it.
    static func isGone(_ failure: StatementResult.Failure?) -> Bool { ["2006", "2013", "2055"].contains(failure?.code) }

    private func nextPart() -> StatementResult.Part? {
        var part = StatementResult.Part()
        guard let stored = mysql_store_result(mysql) else {
            guard mysql_field_count(mysql) == 0 else { return nil }
            part.affected = mysql_affected_rows(mysql)
            part.warnings = UInt64(mysql_warning_count(mysql))
            return part
        }
        defer { mysql_free_result(stored) }
        let count = Int(mysql_num_fields(stored))
        if let fields = mysql_fetch_fields(stored) { part.columns = (0..<count).map { String(cString: fields[$0].name) } }
        var rows: [[[UInt8]?]] = []
        while let row = mysql_fetch_row(stored), let lengths = mysql_fetch_lengths(stored) {
            rows.append((0..<count).map { column in row[column].map { Array(UnsafeRawBufferPointer(start: $0, count: Int(lengths[column]))) } })
        }
        part.rows = rows
        return part
    }
}

import BinlogFormat
import ClusterModel

/// `ddbnode.outcomes`: the ids of transactions that are committed. A row is written by the transaction itself, so it is there, on every node, exactly
/// when that is.
enum OutcomeTable {
    private static let definition = """
        CREATE TABLE IF NOT EXISTS ddbnode.outcomes (id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, \
        gtid VARCHAR(42) CHARACTER SET ascii COLLATE ascii_bin NULL, at_ms BIGINT UNSIGNED NOT NULL, KEY (at_ms)) ENGINE=InnoDB
        """

    /// The node's own tables, as every node's database has them from its first start on.
    static let definitions = EpochMarker.tableDefinition + [definition]
    /// Clients' accounts, too, store their ids; the gate sees to it that they do nothing else there.
    static let grant = "GRANT INSERT ON ddbnode.outcomes TO PUBLIC"

    /// `nowMs`: of the cluster's `RunningTime`.
    static func insert(_ id: TransactionID, nowMs: UInt64) -> String {
        "INSERT INTO ddbnode.outcomes (id, at_ms) VALUES ('\(id)', \(nowMs))"
    }

    static func find(_ id: TransactionID) -> String { "SELECT gtid FROM ddbnode.outcomes WHERE id='\(id)'" }

    /// Nobody knows a transaction's GTID while it is open, so it is told afterwards.
    static func store(_ outcomes: [RememberedOutcomes.Entry]) -> String {
        let cases = outcomes.map { "WHEN '\($0.id)' THEN '\($0.gtid)'" }.joined(separator: " ")
        let ids = outcomes.map { "'\($0.id)'" }.joined(separator: ",")
        return "UPDATE ddbnode.outcomes SET gtid = CASE id \(cases) END WHERE id IN (\(ids)) AND gtid IS NULL"
    }

    static let latest = "SELECT MAX(at_ms) AS latest FROM ddbnode.outcomes"

    static func expire(before ms: UInt64, rowsMax: Int) -> String {
        "DELETE FROM ddbnode.outcomes WHERE at_ms < \(ms) ORDER BY at_ms LIMIT \(rowsMax) RETURNING id"
    }

    /// ER_NO_SUCH_TABLE, ER_BAD_DB_ERROR
    static let missing: Set<UInt32> = [1146, 1049]
    /// ER_DUP_ENTRY
    static let duplicate: UInt32 = 1062
    /// ER_TABLEACCESS_DENIED_ERROR
    static let denied: UInt32 = 1142
}

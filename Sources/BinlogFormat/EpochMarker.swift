package import ClusterModel

/// The first transaction of an epoch: made by the node that becomes master, behind what its journal holds, before its database has applied that.
///
/// It is a transaction like any other, so that every database applies it and has it in its binlog: a row of `ddbnode.epochs`. As with Raft's empty
/// first entry, once enough nodes hold it, all that came before it is committed.
package enum EpochMarker {
    /// The table that it writes to, as every cluster has it from its first start on.
    package static let tableDefinition = [
        "CREATE DATABASE IF NOT EXISTS ddbnode",
        """
        CREATE TABLE IF NOT EXISTS ddbnode.epochs (epoch BIGINT UNSIGNED NOT NULL PRIMARY KEY, node INT UNSIGNED NOT NULL, \
        began DATETIME NOT NULL) ENGINE=InnoDB
        """,
    ]

    /// Its events, one behind the other, as they stand in a binlog file. `timestamp`: seconds since 1970. Nil where the writer's number is no master's.
    package static func group(_ gtid: GTID, timestamp: UInt32, checksum: Checksum) -> [UInt8]? {
        guard let writer = gtid.writer else { return nil }
        let sql = "REPLACE INTO ddbnode.epochs VALUES (\(writer.epoch), \(writer.node), UTC_TIMESTAMP())"
        var out: [UInt8] = []
        func add(_ type: EventType, _ body: (inout [UInt8]) -> Void) {
            var fields: [UInt8] = []
            body(&fields)
            out += MadeEvent.event(
                type, timestamp: timestamp, flags: 0, serverID: gtid.server, endPosition: 0, checksum: checksum, fields: fields)
        }
        add(.gtid) {
            $0.append(littleEndian: gtid.sequence)
            $0.append(littleEndian: gtid.domain)
            $0.append(GTIDEvent.transactional)
            $0.append(contentsOf: [UInt8](repeating: 0, count: 6))
        }
        add(.query) {
            // Thread, duration; the database's length, error, length of the status variables; the database.
            $0.append(littleEndian: UInt32(0))
            $0.append(littleEndian: UInt32(0))
            $0.append(UInt8(0))
            $0.append(littleEndian: UInt16(0))
            $0.append(littleEndian: UInt16(0))
            $0.append(UInt8(0))
            $0.append(contentsOf: sql.utf8)
        }
        add(.xid) { $0.append(littleEndian: writer.epoch.rawValue) }
        return out
    }
}

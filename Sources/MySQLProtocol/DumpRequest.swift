package import ClusterModel

/// What a replica wants to be sent: COM_BINLOG_DUMP and the variables it set before.
///
/// Source: https://mariadb.com/kb/en/com_binlog_dump/
package struct DumpRequest: Sendable, Equatable {
    /// The last transaction of domain 0 that the replica has.
    package let position: Position
    /// The last transaction of every domain that the replica has, as it was sent.
    package let connectState: String
    /// How long the stream may be silent before a heartbeat is due, in nanoseconds; 0 for no heartbeats.
    package let heartbeatPeriodNanoseconds: UInt64
    /// The replica accepts no gaps in the sequence.
    package let strictMode: Bool
    /// The replica would acknowledge events (and expects the two bytes that ask for it before every event).
    package let semiSync: Bool
    /// The replica's `server_id`.
    package let replicaServerID: UInt32
    package let flags: UInt16
    /// The sequence number of the stream's first packet.
    package let nextSequence: UInt8

    /// At the end of the log send an EOF packet instead of waiting.
    package var isNonBlocking: Bool { flags & 0x01 != 0 }
    /// The replica wants the events with the statements behind the rows.
    package var wantsAnnotations: Bool { flags & 0x02 != 0 }

    /// A replica of this capability understands GTIDs.
    private static let gtidCapability = 4

    /// Throws what has to be told to a replica that can't be served.
    init(flags: UInt16, replicaServerID: UInt32, nextSequence: UInt8, variables: [String: String?]) throws(ERRPacket) {
        func number<Value: FixedWidthInteger>(_ name: String, _ type: Value.Type) -> Value { (variables[name] ?? nil).flatMap { Value($0) } ?? 0 }
        guard number("mariadb_slave_capability", Int.self) >= Self.gtidCapability else {
            throw .fatal("the replica does not understand GTIDs: use MariaDB 10.0 or later")
        }
        guard (variables["master_binlog_checksum"] ?? nil)?.uppercased() == "CRC32" else {
            throw .fatal("the replica does not understand event checksums: it must set @master_binlog_checksum")
        }
        guard let connectState = variables["slave_connect_state"] ?? nil else {
            throw .fatal("only GTIDs say where to start here: use CHANGE MASTER TO master_use_gtid=slave_pos")
        }
        guard let position = Position(list: connectState) else {
            throw .fatal("@slave_connect_state is no list of GTIDs: \(connectState.prefix(80))")
        }
        guard variables["slave_until_gtid"] == nil else {
            throw .fatal("START SLAVE UNTIL is not served here: use START SLAVE")
        }
        self.position = position
        self.connectState = connectState
        heartbeatPeriodNanoseconds = number("master_heartbeat_period", UInt64.self)
        strictMode = number("slave_gtid_strict_mode", Int.self) != 0
        semiSync = number("rpl_semi_sync_slave", Int.self) != 0
        self.replicaServerID = replicaServerID
        self.flags = flags
        self.nextSequence = nextSequence
    }
}

extension ERRPacket: Error {
    /// The error at which a replica stops and does not try again.
    package static func fatal(_ message: String) -> ERRPacket { ERRPacket(code: 1236, state: "HY000", message: message) }
}

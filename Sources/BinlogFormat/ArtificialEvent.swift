package import ClusterModel

/// The events that a dump makes up: they stand in no file, tell its reader where it is, and carry a CRC32 like all others.
package enum ArtificialEvent {
    /// Says that what follows comes from `file` at `position` (4 is the first event's).
    ///
    /// A replica that reconnects takes another file's name, or another `serverID`, for a master that crashed in the middle of what it sent last:
    /// keep both over reconnects.
    ///
    /// Source: https://mariadb.com/kb/en/rotate_event/
    package static func rotate(file: String, position: UInt64, serverID: UInt32, checksum: Checksum) -> [UInt8] {
        event(.rotate, flags: EventHeader.artificial, serverID: serverID, endPosition: 0, checksum: checksum) {
            $0.append(littleEndian: position)
            $0.append(contentsOf: file.utf8)
        }
    }

    /// Says that the sender is alive and has nothing past `position` of `file`.
    ///
    /// A MariaDB replica breaks the connection (error 1623) unless `file` is the name in the last rotate event it got and `position` is not below
    /// where it thinks it is: at that event's position, from which every other event moved it on by its length, or to its end position if that is
    /// further. A position that is too high does no harm, so `UInt32.max` serves as long as a rotate event comes before that count passes 4 GiB.
    ///
    /// It carries no artificial flag, as MariaDB's own doesn't.
    ///
    /// Source: https://mariadb.com/kb/en/heartbeat_log_event/
    package static func heartbeat(file: String, position: UInt32, serverID: UInt32, checksum: Checksum) -> [UInt8] {
        event(.heartbeat, flags: 0, serverID: serverID, endPosition: position, checksum: checksum) { $0.append(contentsOf: file.utf8) }
    }

    /// Says which transactions came before the first that follows; `endPosition` is where that one begins in the file, 0 for unknown.
    ///
    /// Source: https://mariadb.com/kb/en/gtid_list_event/
    package static func gtidList(_ gtids: [GTID], serverID: UInt32, endPosition: UInt32 = 0, checksum: Checksum) -> [UInt8] {
        event(.gtidList, flags: EventHeader.artificial, serverID: serverID, endPosition: endPosition, checksum: checksum) {
            $0.append(littleEndian: UInt32(gtids.count))
            for gtid in gtids {
                $0.append(littleEndian: gtid.domain)
                $0.append(littleEndian: gtid.server)
                $0.append(littleEndian: gtid.sequence)
            }
        }
    }

    private static func event(
        _ type: EventType, flags: UInt16, serverID: UInt32, endPosition: UInt32, checksum: Checksum, body: (inout [UInt8]) -> Void
    ) -> [UInt8] {
        var fields: [UInt8] = []
        body(&fields)
        return MadeEvent.event(
            type, timestamp: 0, flags: flags, serverID: serverID, endPosition: endPosition, checksum: checksum, fields: fields)
    }
}

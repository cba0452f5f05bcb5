/// What a binlog event is. Types without a name here are passed on like any other.
///
/// Source: https://mariadb.com/kb/en/2-binlog-event-header/
package struct EventType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A statement; also the COMMIT or ROLLBACK that ends a transaction without an XID.
    package static let query = EventType(rawValue: 2)
    /// The server shut down.
    package static let stop = EventType(rawValue: 3)
    /// The next file's name.
    package static let rotate = EventType(rawValue: 4)
    /// The AUTO_INCREMENT or LAST_INSERT_ID value of the statement that follows.
    package static let intvar = EventType(rawValue: 5)
    /// A block of the file that LOAD DATA reads.
    package static let appendBlock = EventType(rawValue: 9)
    /// RAND()'s seeds for the statement that follows.
    package static let rand = EventType(rawValue: 13)
    /// The value of a user variable for the statement that follows.
    package static let userVar = EventType(rawValue: 14)
    /// The first event of a file.
    package static let formatDescription = EventType(rawValue: 15)
    /// The commit of a transaction.
    package static let xid = EventType(rawValue: 16)
    /// The first block of the file that LOAD DATA reads.
    package static let beginLoadQuery = EventType(rawValue: 17)
    /// The LOAD DATA statement itself, after its blocks.
    package static let executeLoadQuery = EventType(rawValue: 18)
    /// Which table the row events that follow write.
    package static let tableMap = EventType(rawValue: 19)
    package static let writeRowsV1 = EventType(rawValue: 23)
    package static let updateRowsV1 = EventType(rawValue: 24)
    package static let deleteRowsV1 = EventType(rawValue: 25)
    /// The writer lost events.
    package static let incident = EventType(rawValue: 26)
    /// Nothing happened, and the sender is alive; never in a file.
    package static let heartbeat = EventType(rawValue: 27)
    package static let writeRowsV2 = EventType(rawValue: 30)
    package static let updateRowsV2 = EventType(rawValue: 31)
    package static let deleteRowsV2 = EventType(rawValue: 32)
    /// The end of a prepared XA transaction.
    package static let xaPrepare = EventType(rawValue: 38)
    /// The statement whose rows follow, for people.
    package static let annotateRows = EventType(rawValue: 160)
    /// The oldest file that crash recovery needs.
    package static let binlogCheckpoint = EventType(rawValue: 161)
    /// The start of a group.
    package static let gtid = EventType(rawValue: 162)
    /// The state at the head of a file.
    package static let gtidList = EventType(rawValue: 163)
    /// What follows in the file is encrypted.
    package static let startEncryption = EventType(rawValue: 164)
    package static let queryCompressed = EventType(rawValue: 165)
    package static let writeRowsCompressedV1 = EventType(rawValue: 166)
    package static let updateRowsCompressedV1 = EventType(rawValue: 167)
    package static let deleteRowsCompressedV1 = EventType(rawValue: 168)
    package static let writeRowsCompressedV2 = EventType(rawValue: 169)
    package static let updateRowsCompressedV2 = EventType(rawValue: 170)
    package static let deleteRowsCompressedV2 = EventType(rawValue: 171)

    /// True for the events that carry rows, compressed or not, of either version.
    package var carriesRows: Bool {
        switch rawValue {
        case 23...25, 30...32, 166...171: true
        default: false
        }
    }

    /// True for the events that only prepare the one that follows, so they never end a standalone group.
    var preparesNext: Bool {
        switch self {
        case .intvar, .rand, .userVar, .tableMap, .annotateRows, .beginLoadQuery, .appendBlock: true
        default: false
        }
    }
}

/// How far a node is in the cluster's one history: the last GTID of domain 0 it holds, or nothing yet.
///
/// The cluster writes one domain, and its sequence grows with every transaction whoever writes it, so positions compare by sequence.
package struct Position: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let gtid: GTID?

    package init(_ gtid: GTID?) { self.gtid = gtid }

    /// Before the first transaction.
    package static let start = Position(nil)

    /// Reads a `gtid_slave_pos` or `gtid_binlog_pos`: a comma-separated list, of which the entry of domain 0 counts.
    ///
    /// The empty list is `start`. Nil when an entry is not a GTID.
    package init?(list text: some StringProtocol) {
        var found: GTID?
        for part in text.split(separator: ",") {
            guard let gtid = GTID(part.drop(while: { $0 == " " })) else { return nil }
            if gtid.domain == 0 { found = gtid }
        }
        self.init(found)
    }

    package var sequence: UInt64 { gtid?.sequence ?? 0 }

    /// Whether this transaction is the very next one.
    ///
    /// A database that takes no numbers from its sessions gives out consecutive ones, whatever fails, is killed or rolled back.
    package func isFollowed(by gtid: GTID) -> Bool { gtid.sequence > 0 && gtid.sequence - 1 == sequence }

    /// The GTID, or `-` before the first transaction: a protocol value is never empty.
    package var description: String { gtid?.description ?? "-" }

    package static func < (a: Position, b: Position) -> Bool { a.sequence < b.sequence }
}

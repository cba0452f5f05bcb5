/// The number of a node within its cluster: also its MariaDB `server_id`, so it stands in every GTID the node writes.
///
/// 1 to 4294967295; zero is no node.
package struct NodeID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: UInt32

    /// Nil for zero, which MariaDB reads as "no server id".
    package init?(rawValue: UInt32) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Nil when `text` is no decimal number of that range.
    package init?(_ text: some StringProtocol) {
        guard let value = UInt32(text) else { return nil }
        self.init(rawValue: value)
    }

    package var description: String { String(rawValue) }

    package static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }
}

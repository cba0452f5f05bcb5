/// The number of a node within its cluster; it stands in every GTID the node writes, see `WriterID`.
///
/// 1 to 254; 255 stands for a node that has none yet.
package struct NodeID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: UInt32

    /// The highest a node can have.
    package static let max = NodeID(254)
    package static let unnamed = NodeID(255)

    /// Nil for what is no node's number.
    package init?(rawValue: UInt32) {
        guard (1...255).contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// Nil when `text` is no decimal number of that range.
    package init?(_ text: some StringProtocol) {
        guard let value = UInt32(text) else { return nil }
        self.init(rawValue: value)
    }

    package var description: String { String(rawValue) }

    package static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }
}

/// A client's own name for a transaction: the same transaction sent again has the same one.
package struct TransactionID: Hashable, Sendable, CustomStringConvertible {
    package static let bytesMax = 64

    /// 1 to 64 characters of A-Z a-z 0-9 . _ : -
    package let description: String

    /// Nil where the text is no id.
    package init?(_ text: String) {
        guard (1...Self.bytesMax).contains(text.utf8.count), text.utf8.allSatisfy(Self.allows) else { return nil }
        description = text
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

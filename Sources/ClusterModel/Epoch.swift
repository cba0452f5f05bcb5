/// The count of changes of master: grows by one with each; a log entry of a higher epoch beats any of a lower one.
package struct Epoch: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The epoch of a cluster whose first master never changed.
    package static let first = Epoch(rawValue: 1)

    package var description: String { String(rawValue) }

    package static func < (a: Epoch, b: Epoch) -> Bool { a.rawValue < b.rawValue }
}

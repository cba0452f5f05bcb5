package import ClusterModel

/// The last entry of a log, as votes compare them: the epoch it was written in, then its place.
///
/// Source: Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm, 5.4.1.
package struct LogEnd: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let epoch: Epoch
    package let sequence: UInt64

    package init(epoch: Epoch, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    package init(_ position: Position) {
        self.init(epoch: position.gtid?.epoch ?? Epoch(rawValue: 0), sequence: position.sequence)
    }

    /// Of a log without entries: below every other.
    package static let start = LogEnd(.start)

    /// Above every other: of a log that nobody can say the end of.
    package static let unknown = LogEnd(epoch: Epoch(rawValue: .max), sequence: .max)

    package var description: String { "\(epoch)/\(sequence)" }

    package static func < (a: LogEnd, b: LogEnd) -> Bool { (a.epoch, a.sequence) < (b.epoch, b.sequence) }
}

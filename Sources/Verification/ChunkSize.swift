/// How many rows to compare at a time, so that one statement takes about a fifth of a second on the slowest node.
package struct ChunkSize: Equatable, Sendable {
    package static let rowsMin = 100
    package static let rowsMax = 200_000
    private static let quickMs = 100
    private static let slowMs = 400

    package private(set) var rows = 1000

    package init() {}

    /// The last chunk took so long on the node that took longest.
    package mutating func took(milliseconds: Int) {
        if milliseconds < Self.quickMs { rows = min(rows * 2, Self.rowsMax) }
        if milliseconds > Self.slowMs { rows = max(rows / 2, Self.rowsMin) }
    }
}

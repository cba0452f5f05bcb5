/// A promise that the cluster broke.
package struct Violation: Equatable, Sendable {
    package enum Kind: String, Sendable {
        /// An acknowledged write is not there at the end.
        case lost
        /// A write is there more than once.
        case duplicate
        /// A write that was refused, or that nobody tried, is there.
        case unasked
        /// Nodes disagree whether a write is there, or on what it wrote.
        case disagreement
        /// A reader saw it, and it is not there at the end.
        case vanished
        /// A read missed what it was promised to see.
        case stale
        /// Money was made or lost.
        case wrongSum
        /// Two nodes were master in one epoch.
        case twoMasters
        /// The cluster did not come back in time.
        case notRecovered
        /// `ddbnode verify` found nodes that differ, or could not compare them.
        case notVerified
    }

    package let kind: Kind
    /// The write that it is about, if it is about one.
    package let value: Int?
    package let words: String

    package init(_ kind: Kind, _ value: Int? = nil, _ words: String) {
        self.kind = kind
        self.value = value
        self.words = words
    }
}

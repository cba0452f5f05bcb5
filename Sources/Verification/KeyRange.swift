/// The key of a row: a text for each of its columns, strings and binary values in hexadecimal digits.
package struct Key: Hashable, Sendable {
    package let parts: [String]
    package init(_ parts: [String]) { self.parts = parts }
}

/// Rows by their key: behind one key, up to and with another; nil is no bound.
package struct KeyRange: Hashable, Sendable {
    package var after: Key?
    package var through: Key?

    package init(after: Key? = nil, through: Key? = nil) {
        self.after = after
        self.through = through
    }

    package static let all = KeyRange()
}

/// How many rows a range has on a node, and what they sum up to.
package struct RangeSum: Hashable, Sendable {
    package let rows: Int
    /// The sum of 64 bits of each row's MD5, in decimal; the rows' order does not count, how often a row is there does.
    package let sum: String

    package init(rows: Int, sum: String) {
        self.rows = rows
        self.sum = sum
    }
}

/// One row of a range: its key, and the digest of all its columns.
package struct RowDigest: Hashable, Sendable {
    package let key: Key
    package let digest: String

    package init(key: Key, digest: String) {
        self.key = key
        self.digest = digest
    }
}

package import ClusterModel

/// One file of the journal.
package struct JournalSegment: Equatable, Sendable {
    /// Counts up from 1; the file is `journal.000001`.
    package let number: UInt32
    /// What came before its first transaction.
    package let after: Position
    /// The last whole transaction in it; `after` while there is none.
    package var last: Position
    /// Up to the end of the last whole transaction.
    package var bytes: Int

    package init(number: UInt32, after: Position, last: Position, bytes: Int) {
        self.number = number
        self.after = after
        self.last = last
        self.bytes = bytes
    }

    package var fileName: String {
        let digits = String(number)
        return "journal." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}

/// Which file of the journal holds which positions: contiguous, oldest first.
package struct JournalIndex: Equatable, Sendable {
    package private(set) var segments: [JournalSegment]

    /// Nil when the segments don't follow on one another: a file is missing or foreign.
    package init?(_ segments: [JournalSegment]) {
        for (a, b) in zip(segments, segments.dropFirst()) {
            guard a.number + 1 == b.number, a.last == b.after else { return nil }
        }
        self.segments = segments
    }

    package static let empty = JournalIndex(segments: [])
    private init(segments: [JournalSegment]) { self.segments = segments }

    /// The last position in it; nil while there is no file.
    package var last: Position? { segments.last?.last }
    /// What it reaches back to.
    package var first: Position? { segments.first?.after }
    package var totalBytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Where a reader that has everything up to `position` goes on; nil when the journal does not reach back so far, or not so far forward.
    package func segment(after position: Position) -> JournalSegment? {
        guard let last, let first, first <= position, position <= last else { return nil }
        return segments.last { $0.after <= position }
    }

    package func segment(number: UInt32) -> JournalSegment? { segments.first { $0.number == number } }

    /// A new file was begun.
    package mutating func began(_ segment: JournalSegment) {
        precondition(segments.last.map { $0.number + 1 == segment.number && $0.last == segment.after } ?? true, "segments follow on one another")
        segments.append(segment)
    }

    /// The newest file holds whole transactions up to `last`.
    package mutating func grew(to last: Position, bytes: Int) {
        segments[segments.count - 1].last = last
        segments[segments.count - 1].bytes = bytes
    }

    /// The newest file is gone.
    package mutating func removeNewest() { segments.removeLast() }

    /// The files that hold nothing past `position`, removed from the index; the newest always stays.
    package mutating func purge(upTo position: Position) -> [JournalSegment] {
        let keep = segments.dropLast().firstIndex { position < $0.last } ?? max(0, segments.count - 1)
        let purged = Array(segments[..<keep])
        segments.removeFirst(keep)
        return purged
    }

    /// Whether `purge` would find anything.
    package func canPurge(upTo position: Position) -> Bool { segments.count > 1 && segments[0].last <= position }
}

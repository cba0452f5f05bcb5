package import ClusterModel

/// What trying again can do about the error with which a slave's database stopped applying. Decided here and nowhere else.
package enum ApplyErrorKind: Equatable, Sendable {
    /// Something beside the data was in the way: a lock, an ended thread, a server that stops.
    case passing
    /// Room on a disk, memory, descriptors: tried again for as long as it takes, since a copy of a database would need more of them.
    case resources
    /// Database and transaction don't fit each other, at each attempt alike. Every error that is not known as one of the others is of this kind.
    case lasting

    /// - Parameters:
    ///   - error: MariaDB's error number; 0 where its threads stopped without one.
    ///   - words: MariaDB's message, which names the system's error where that is the cause.
    package init(error: Int, words: String) {
        if Self.passingErrors.contains(error) {
            self = .passing
        } else if Self.resourceErrors.contains(error) || Self.resourceErrnos.contains(where: { words.contains($0) }) {
            self = .resources
        } else {
            self = .lasting
        }
    }

    /// Lock waits and deadlocks (1205, 1213, 1613, 1614), a conflicting lock of a backup (1223), interrupted, killed or timed out (1317, 1927, 1969,
    /// 1053), a broken connection (2003, 2006, 2013), a row that changed meanwhile (1020).
    private static let passingErrors: Set<Int> = [0, 1020, 1053, 1205, 1213, 1223, 1317, 1613, 1614, 1927, 1969, 2003, 2006, 2013]

    /// A full disk (20, 1021, 1114), files that can't be made or written (1, 3, 1004, 1026), memory (5, 1037, 1038, 1041, 1206), descriptors (23, 24),
    /// connections and threads (1040, 1135).
    private static let resourceErrors: Set<Int> = [1, 3, 5, 20, 23, 24, 1004, 1021, 1026, 1037, 1038, 1040, 1041, 1114, 1135, 1206]

    /// As MariaDB writes the system's errors: out of memory, too many open files, no space, no quota.
    private static let resourceErrnos = [12, 24, 28, 122].flatMap { ["Errcode: \($0) ", "errno: \($0) ", "Got error \($0) "] }
}

/// Why a slave's database does not apply what its journal holds.
package struct ApplyTrouble: Equatable, Sendable {
    /// MariaDB's error number; 0: its threads stopped without one.
    package let error: Int
    /// MariaDB's message: it names the statement, or the table and the row's event.
    package let words: String
    /// The last transaction that the database has applied: the one that follows can't be.
    package let after: Position
    /// It will not pass by itself.
    package var isLasting: Bool

    package init(error: Int, words: String, after: Position, isLasting: Bool) {
        self.error = error
        self.words = words
        self.after = after
        self.isLasting = isLasting
    }

    /// Where and what, as a part of a sentence.
    package var description: String {
        let number = error > 0 && !words.contains("\(error)") ? "error \(error): " : ""
        return "the transaction after \(after) can't be applied: \(number)\(words)"
    }
}

/// Judges what a slave's database tells of its replica threads, look by look.
package struct ApplyWatch: Sendable {
    /// An error of the lasting kind is believed when it is seen so often in a row: each look is followed by another attempt.
    package static let looksMin = 2
    /// An error that passes, and has not for so long.
    package static let passingMsMax = 300_000

    /// One look.
    package struct Look: Sendable {
        /// The thread that applies runs.
        package var applies: Bool
        /// The thread that fetches from the node runs.
        package var receives: Bool
        /// Of the thread that applies; 0: none.
        package var error: Int
        /// Of the thread that applies, else of the one that fetches; empty: none.
        package var words: String
        /// What the database has applied, by its own word.
        package var applied: Position

        package init(applies: Bool, receives: Bool, error: Int, words: String, applied: Position) {
            self.applies = applies
            self.receives = receives
            self.error = error
            self.words = words
            self.applied = applied
        }
    }

    private var trouble: ApplyTrouble?
    private var looks = 0
    private var sinceMs = 0

    package init() {}

    /// Nil: it applies, as far as is seen.
    package mutating func saw(_ look: Look, nowMs: Int) -> ApplyTrouble? {
        if trouble?.after != look.applied { trouble = nil }
        // An attempt under way proves nothing yet: a long transaction may come to the same end.
        guard !look.applies || !look.receives else { return nil }
        let words = look.words.isEmpty ? "its replica threads do not run" : look.words
        if trouble?.error != look.error { (looks, sinceMs) = (0, nowMs) }
        if trouble == nil { (looks, sinceMs) = (0, nowMs) }
        looks += 1
        let found = ApplyTrouble(error: look.error, words: words, after: look.applied, isLasting: isLasting(look, nowMs: nowMs))
        trouble = found
        return found
    }

    private func isLasting(_ look: Look, nowMs: Int) -> Bool {
        // What fetches does so from the node itself: no copy of a database mends that.
        guard !look.applies else { return false }
        return switch ApplyErrorKind(error: look.error, words: look.words) {
        case .lasting: looks >= Self.looksMin
        case .passing: nowMs - sinceMs >= Self.passingMsMax
        case .resources: false
        }
    }
}

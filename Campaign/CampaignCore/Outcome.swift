/// What a client knows of a write that it tried.
package enum Outcome: String, Sendable, CaseIterable {
    /// It was told that the write is done: it must be there, once, for good.
    case acknowledged
    /// It was told that nothing was run: the write must never be seen.
    case refused
    /// Neither: the write may be there or not, but the same on all nodes.
    case unknown

    /// What an `ERR` tells of the one statement that it answers, a whole write or the end of one. What is not known to be harmless counts as unknown.
    package init(code: String, message: String) {
        self = Self.refusals.contains(code) || message.contains("was not run") ? .refused : .unknown
    }

    /// Codes that a statement gets only in the place of being run (Docs/ClientProtocol.md), and MariaDB's own that undo the statement
    /// before it could be written anywhere.
    private static let refusals: Set<String> = [
        "NOT-MASTER", "NOT-READY", "MASTER-UNREACHABLE", "DATABASE-DOWN", "POOL-EXHAUSTED", "TOO-MANY-CONNECTIONS", "SHUTTING-DOWN", "STALE-READ",
        "LINE-TOO-LONG", "BAD-REQUEST", "UNKNOWN-STATEMENT",
        // Duplicate key, lock wait timeout, deadlock, no such table, no such database, read-only server, read-only transaction.
        "1062", "1205", "1213", "1146", "1049", "1290", "1792",
    ]
}

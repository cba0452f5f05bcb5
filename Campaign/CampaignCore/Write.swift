/// A write that a client tried once.
package struct Write: Equatable, Sendable {
    package enum What: Equatable, Sendable {
        /// A row of the register table.
        case insert
        /// Money from one account to another, and the row that tells it.
        case transfer(Transfer)
    }

    /// Unique among all writes, from 1 on.
    package let value: Int
    package let what: What
    /// The node that was asked.
    package let node: Int
    package let beganMs: Int
    /// Nil: still under way, so as unknown as one without an answer.
    package fileprivate(set) var endedMs: Int?
    package fileprivate(set) var outcome = Outcome.unknown
    /// The reply, or why there was none.
    package fileprivate(set) var reply = "no reply yet"

    package var isTransfer: Bool { what != .insert }

    package var words: String {
        let end = endedMs.map { "ended at \($0) ms" } ?? "not ended"
        return "\(isTransfer ? "transfer" : "insert") \(value), \(outcome.rawValue), asked of node \(node), begun at \(beganMs) ms, \(end): \(reply)"
    }

    mutating func end(_ outcome: Outcome, _ reply: String, nowMs: Int) {
        precondition(endedMs == nil, "a write ends once")
        self.outcome = outcome
        self.reply = reply
        endedMs = nowMs
    }
}

/// What a transfer does.
package struct Transfer: Hashable, Sendable {
    package let source: Int
    package let target: Int
    package let amount: Int

    package init(from source: Int, to target: Int, _ amount: Int) {
        self.source = source
        self.target = target
        self.amount = amount
    }
}

/// All that clients tried, were told and saw; what can be judged at once is.
package struct History: Sendable {
    /// What a read's answer must hold, besides being true.
    package enum Promise: String, Sendable, CaseIterable {
        /// `.consistency local`: whatever the node has.
        case local
        /// What the same session saw or wrote before.
        case session
        /// All that was acknowledged to anybody before the read began.
        case linearizable
    }

    /// A question for the latest inserts.
    package struct Question: Sendable {
        package let values: [Int]
        /// Those acknowledged when it was made.
        let acknowledged: Set<Int>
        let askedMs: Int
    }

    /// What one connection to one node may count on from now on.
    package struct Session: Sendable {
        package let node: Int
        fileprivate var known: Set<Int> = []
        package init(node: Int) { self.node = node }
    }

    /// A value, and who saw it first.
    package struct Sight: Sendable {
        package let node: Int
        package let atMs: Int
    }

    /// By value, from 1 on.
    package private(set) var writes: [Write] = []
    package private(set) var seen: [Int: Sight] = [:]
    package private(set) var violations: [Violation] = []
    package private(set) var counts: [Outcome: Int] = [:]
    package private(set) var reads = 0
    /// By epoch.
    package private(set) var masters: [Int: Int] = [:]
    private var disputed: Set<Int> = []
    private var recentInserts: [Int] = []
    private var watchedFromMs = 0
    /// When the first write begun since `watch(fromMs:)` was acknowledged.
    package private(set) var firstAcknowledgedMs: Int?

    /// The latest beginning of an acknowledged write.
    package private(set) var lastAcknowledgedBeganMs = -1

    /// How many of the latest inserts a question asks for.
    private static let questionValuesMax = 64

    package init() {}

    package subscript(value: Int) -> Write? { writes.indices.contains(value - 1) ? writes[value - 1] : nil }

    // MARK: Writes

    /// A client is about to ask; the value that is its own.
    package mutating func began(_ what: Write.What, node: Int, nowMs: Int) -> Int {
        let value = writes.count + 1
        writes.append(Write(value: value, what: what, node: node, beganMs: nowMs))
        if case .insert = what {
            recentInserts.append(value)
            if recentInserts.count > Self.questionValuesMax { recentInserts.removeFirst() }
        }
        return value
    }

    package mutating func ended(_ value: Int, _ outcome: Outcome, _ reply: String, nowMs: Int) {
        writes[value - 1].end(outcome, reply, nowMs: nowMs)
        counts[outcome, default: 0] += 1
        guard outcome == .acknowledged else { return }
        let beganMs = writes[value - 1].beganMs
        lastAcknowledgedBeganMs = max(lastAcknowledgedBeganMs, beganMs)
        if firstAcknowledgedMs == nil, beganMs >= watchedFromMs { firstAcknowledgedMs = nowMs }
    }

    /// From here on the first acknowledged write is waited for.
    package mutating func watch(fromMs: Int) {
        watchedFromMs = fromMs
        firstAcknowledgedMs = nil
    }

    // MARK: Reads

    package func question(nowMs: Int) -> Question {
        Question(values: recentInserts, acknowledged: Set(recentInserts.filter { writes[$0 - 1].outcome == .acknowledged }), askedMs: nowMs)
    }

    /// The session's own acknowledged write, asked for by itself.
    package func question(for value: Int, nowMs: Int) -> Question { Question(values: [value], acknowledged: [value], askedMs: nowMs) }

    /// The session was told that its own write is done.
    package func wrote(_ value: Int, _ session: inout Session) { session.known.insert(value) }

    /// A read came back with those of the question's values that are there.
    package mutating func answered(_ question: Question, _ found: Set<Int>, _ promise: Promise, _ session: inout Session, nowMs: Int) {
        reads += 1
        for value in found {
            if self[value].map(\.isTransfer) ?? true {
                violations.append(Violation(.unasked, value, "node \(session.node) shows the insert \(value), which nobody tried"))
            }
            if seen[value] == nil { seen[value] = Sight(node: session.node, atMs: nowMs) }
        }
        let promised: Set<Int> =
            switch promise {
            case .local: []
            case .session: session.known.intersection(question.values)
            case .linearizable: session.known.intersection(question.values).union(question.acknowledged)
            }
        for value in promised.subtracting(found).sorted() {
            let words = self[value]?.words ?? "\(value)"
            violations.append(
                Violation(
                    .stale, value,
                    "a \(promise) read on node \(session.node), asked at \(question.askedMs) ms, answered at \(nowMs) ms, missed \(words)"))
        }
        // What is older is not asked for any more.
        session.known = session.known.union(found).filter { $0 >= recentInserts.first ?? 0 }
    }

    /// Somebody added up all accounts.
    package mutating func addedUp(_ sum: Int, wanted: Int, node: Int, nowMs: Int) {
        reads += 1
        guard sum != wanted else { return }
        violations.append(Violation(.wrongSum, nil, "node \(node) at \(nowMs) ms: all accounts hold \(sum), not \(wanted)"))
    }

    /// A node said that it is master. An epoch has one at most, and keeps it.
    package mutating func led(_ node: Int, epoch: Int, nowMs: Int) {
        guard let other = masters[epoch] else { return masters[epoch] = node }
        guard other != node, !disputed.contains(epoch) else { return }
        disputed.insert(epoch)
        violations.append(Violation(.twoMasters, nil, "epoch \(epoch): node \(node) says it is master at \(nowMs) ms, and node \(other) did before"))
    }

    package mutating func broke(_ violation: Violation) { violations.append(violation) }
}

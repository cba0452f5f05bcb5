package import ClusterModel

/// What a leader knows of who still follows it: for each the latest beat that it answered, by the time that beat was *sent*.
///
/// The time of sending is on the leader's own clock and bounds from below when the follower still knew no later epoch; the time of the answer's
/// arrival bounds nothing.
package struct LeaderContact: Equatable, Sendable {
    private let own: NodeID
    private let sinceMs: Int
    private var answeredMs: [NodeID: Int] = [:]

    package init(own: NodeID, sinceMs: Int) {
        self.own = own
        self.sinceMs = sinceMs
    }

    package mutating func answered(by node: NodeID, sentMs: Int) { answeredMs[node] = max(answeredMs[node] ?? .min, sentMs) }

    /// The latest time at which a majority, the leader included, is known to have followed still. Nil while there is none.
    package func confirmedMs(_ configuration: Configuration) -> Int? {
        let times = configuration.voters.compactMap { $0 == own ? Int.max : answeredMs[$0] }.sorted(by: >)
        return configuration.majority <= times.count && configuration.majority > 0 ? times[configuration.majority - 1] : nil
    }

    /// Whether no majority was heard for `timeoutMs`. (Raft dissertation, 6.2)
    package func isLost(_ configuration: Configuration, timeoutMs: Int, nowMs: Int) -> Bool {
        let heardMs = max(confirmedMs(configuration) ?? .min, sinceMs)
        return heardMs < nowMs - timeoutMs
    }
}

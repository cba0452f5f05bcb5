package import ClusterModel

/// Who wrote a log, oldest first: for each writer the last sequence, as far back as is known; as MariaDB's `gtid_binlog_state` has it.
///
/// A writer is one node in one epoch, so its transactions stand together. Two logs that hold the same GTID are the same up to there.
package struct LogHistory: Hashable, Sendable {
    /// Consecutive transactions of one writer.
    package struct Run: Hashable, Sendable {
        package let server: UInt32
        package fileprivate(set) var last: UInt64

        package init(server: UInt32, last: UInt64) {
            self.server = server
            self.last = last
        }

        package var end: Position { Position(GTID(domain: 0, server: server, sequence: last)) }
    }

    package private(set) var runs: [Run] = []
    /// Whether it reaches back to the first transaction of all.
    package let isComplete: Bool

    /// Nothing known; of a log that is empty, if complete.
    package init(isComplete: Bool) { self.isComplete = isComplete }

    /// Nil when the sequences don't grow: this is no log's history.
    package init?(_ runs: [Run], isComplete: Bool) {
        for (a, b) in zip(runs, runs.dropFirst()) where a.last >= b.last || a.server == b.server { return nil }
        self.runs = runs
        self.isComplete = isComplete
    }

    /// What a GTID list tells, such as `gtid_binlog_state`: the last of each writer, in any order. An empty one is that of an empty log, and complete.
    ///
    /// Only domain 0 counts. Where the sequences can't be those of one log, only the highest is taken: less is known then, nothing wrong.
    package init(state: [GTID]) {
        var runs: [Run] = []
        for gtid in state.filter({ $0.domain == 0 }).sorted(by: { $0.sequence < $1.sequence }) {
            if runs.last?.server == gtid.server { runs.removeLast() }
            runs.append(Run(server: gtid.server, last: gtid.sequence))
        }
        self = LogHistory(runs, isComplete: state.isEmpty) ?? LogHistory(runs.suffix(1), isComplete: false) ?? LogHistory(isComplete: false)
    }

    /// The last transaction of each run, in order: what a file's GTID list says of the files before it.
    package var state: [GTID] { runs.compactMap(\.end.gtid) }

    package var end: Position { runs.last?.end ?? .start }

    /// Whether the log has this very transaction, as far as is known; it has what comes before the first.
    package func holds(_ position: Position) -> Bool {
        guard let gtid = position.gtid else { return true }
        guard let index = runs.firstIndex(where: { $0.last >= gtid.sequence }) else { return false }
        return runs[index].server == gtid.server
    }

    /// Whether the log has another transaction in that place, for sure.
    package func contradicts(_ position: Position) -> Bool {
        guard let gtid = position.gtid, let index = runs.firstIndex(where: { $0.last >= gtid.sequence }) else { return false }
        return runs[index].server != gtid.server && (index > 0 || isComplete)
    }

    /// The log grew by this transaction.
    package mutating func append(_ gtid: GTID) {
        precondition(gtid.sequence > end.sequence, "a log's sequence grows")
        if runs.last?.server == gtid.server {
            runs[runs.count - 1].last = gtid.sequence
        } else {
            runs.append(Run(server: gtid.server, last: gtid.sequence))
        }
    }

    /// The log as its leader's: what anybody has of this writer, it has.
    package func led(by server: UInt32) -> LogHistory {
        var led = self
        led.append(GTID(domain: 0, server: server, sequence: .max))
        return led
    }

    /// The log was cut behind `position`, an entry of it.
    package mutating func cut(to position: Position) {
        while let last = runs.last, last.last > position.sequence {
            runs.removeLast()
            guard last.server == position.gtid?.server else { continue }
            runs.append(Run(server: last.server, last: position.sequence))
        }
    }

    /// From where this log, a leader's, is to be sent to a follower: behind the last entry common to both. Nil: none is known, the follower is to be
    /// built from a snapshot.
    package func resumePoint(for follower: LogHistory) -> Position? {
        for run in follower.runs.reversed() {
            guard let own = runs.last(where: { $0.server == run.server }) else { continue }
            // The same writer's transactions up to one place are the same in both.
            return Run(server: run.server, last: min(run.last, own.last)).end
        }
        // Rule 8: what does not fit is rebuilt, never patched.
        return isComplete && follower.isComplete ? .start : nil
    }
}

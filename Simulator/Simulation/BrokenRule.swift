/// A rule of the failover that a run breaks on purpose, to see that it would be noticed.
package enum BrokenRule: String, CaseIterable, Sendable {
    /// A follower acknowledges what it has only written.
    case ackBeforeFsync = "ack-before-fsync"
    /// A voter does not look at the candidate's log.
    case voteWithoutLogCheck = "vote-without-log-check"
    /// A follower's database applies all that its journal holds.
    case applyAboveWatermark = "apply-above-watermark"
    /// A crash forgets epoch and vote.
    case voteNotPersisted = "vote-not-persisted"
    /// A leader counts copies of entries of earlier epochs.
    case commitOldEpochByCount = "commit-old-epoch-by-count"
    /// A winner serves at once.
    case serveBeforeMarker = "serve-before-marker"
    /// A leader answers reads without having heard from anybody since they came.
    case readWithoutRound = "read-without-round"
    /// A change of configuration waits for nothing, and may change any number of voters.
    case reconfigureAtOnce = "reconfigure-at-once"
    /// A witness votes for any data node.
    case witnessTrustsAll = "witness-trusts-all"
    /// A leader leaves a node out before the witness has recorded it.
    case shrinkBeforeRecorded = "shrink-before-recorded"
}

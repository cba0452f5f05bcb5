extension LeaderLink {
    /// How the link to the leader is.
    enum State: Equatable {
        case away(String)
        case connecting
        case receiving
        /// The leader's binlog does not hold what comes next.
        case gone(String)
        case refused(String)
        case journalFailed(String)

        /// One word for `.nodes`.
        var word: String {
            switch self {
            case .away, .connecting: "away"
            case .receiving: "streaming"
            case .gone: "needs-snapshot"
            case .refused: "refused"
            case .journalFailed: "journal-failed"
            }
        }
    }
}

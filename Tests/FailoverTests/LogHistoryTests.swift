import ClusterModel
import Failover
import Testing

/// The history of a log with these entries: (epoch, writer, sequence).
private func history(_ entries: [(UInt64, UInt32, UInt64)], isComplete: Bool = true) -> LogHistory {
    var history = LogHistory(isComplete: isComplete)
    for (epoch, writer, sequence) in entries { history.append(gtid(epoch, writer, sequence)) }
    return history
}

@Suite struct LogHistoryTests {
    private let leader = history([(1, 1, 10), (2, 2, 15), (4, 3, 20)])

    @Test func `a follower that is merely behind goes on from its end`() {
        #expect(leader.resumePoint(for: history([(1, 1, 7)])) == at(1, 1, 7))
        #expect(leader.resumePoint(for: history([(1, 1, 10), (2, 2, 15)])) == at(2, 2, 15))
        #expect(leader.resumePoint(for: leader) == at(4, 3, 20))
    }

    @Test func `a tail of the same writer goes back to the leader's last of it`() {
        #expect(leader.resumePoint(for: history([(1, 1, 10), (2, 2, 19)])) == at(2, 2, 15))
    }

    @Test func `a tail of writers that the leader does not know is cut as a whole`() {
        #expect(leader.resumePoint(for: history([(1, 1, 10), (3, 1, 12)])) == at(1, 1, 10))
        #expect(leader.resumePoint(for: history([(1, 1, 12), (3, 1, 13)])) == at(1, 1, 10))
    }

    @Test func `a newer end at a lower place is no less common`() {
        let longer = history([(1, 1, 10), (2, 2, 400), (3, 1, 500)])
        #expect(leader.resumePoint(for: longer) == at(2, 2, 15))
    }

    @Test func `an empty log gets all, one without anything in common a snapshot`() {
        #expect(leader.resumePoint(for: history([])) == .start)
        #expect(leader.resumePoint(for: history([(3, 1, 3)])) == .start, "both reach back to the first")
        #expect(leader.resumePoint(for: history([(3, 1, 3)], isComplete: false)) == nil)
        #expect(history([(4, 3, 20)], isComplete: false).resumePoint(for: history([])) == nil)
    }

    @Test func `it is cut with the log and grows with it`() {
        var cut = leader
        cut.cut(to: at(2, 2, 12))
        #expect(cut.end == at(2, 2, 12) && cut.runs.count == 2)
        cut.cut(to: at(1, 1, 10))
        #expect(cut == history([(1, 1, 10)]))
        cut.append(gtid(5, 1, 11))
        #expect(cut.end == at(5, 1, 11))
        cut.cut(to: .start)
        #expect(cut == history([]))
    }

    @Test func `a list of GTIDs in any order gives it, and it gives one in order`() {
        let state = ["0-258-15", "1-9-77", "0-1-10", "0-771-20"].compactMap { GTID($0) }
        let found = LogHistory(state: state)
        #expect(found.state == ["0-1-10", "0-258-15", "0-771-20"].compactMap { GTID($0) } && !found.isComplete)
        #expect(LogHistory(state: []) == LogHistory(isComplete: true))
        #expect(LogHistory(state: leader.state).runs == leader.runs)
        let contradiction = ["0-1-10", "0-258-15", "0-771-15"].compactMap { GTID($0) }
        #expect(LogHistory(state: contradiction).runs.map(\.last) == [15], "two writers of one place")
    }

    @Test func `what is no log's history is refused`() {
        #expect(LogHistory([.init(server: 1, last: 5), .init(server: 258, last: 5)], isComplete: true) == nil)
        #expect(LogHistory([.init(server: 1, last: 5), .init(server: 1, last: 6)], isComplete: true) == nil)
        #expect(LogHistory(leader.runs, isComplete: true) == leader)
    }
}

@Suite struct FollowingTests {
    @Test func `a journal past the common prefix is cut there`() {
        var following = Following(leader: node(2), epoch: epoch(3))
        #expect(following.resumed(after: at(1, 1, 8), logEnd: at(1, 1, 10), applied: at(1, 1, 8)) == [.cut(to: at(1, 1, 8))])
        #expect(following.resumed(after: at(1, 1, 10), logEnd: at(1, 1, 10), applied: at(1, 1, 8)) == [])
    }

    @Test func `a cut below what is applied is refused`() {
        var following = Following(leader: node(2), epoch: epoch(3))
        #expect(
            following.resumed(after: at(1, 1, 8), logEnd: at(1, 1, 10), applied: at(1, 1, 9))
                == [.diverged(common: at(1, 1, 8), applied: at(1, 1, 9))])
        #expect(!following.isMatched)
    }

    @Test func `nothing is applied before the logs are matched, above the watermark, or off the disk`() {
        var following = Following(leader: node(2), epoch: epoch(3))
        following.watermarkMoved(to: at(3, 2, 20))
        #expect(following.applyLimit(durable: at(1, 1, 10)) == nil)
        _ = following.resumed(after: at(1, 1, 10), logEnd: at(1, 1, 10), applied: .start)
        #expect(following.applyLimit(durable: at(1, 1, 10)) == at(1, 1, 10))
        #expect(following.applyLimit(durable: at(3, 2, 30)) == at(3, 2, 20))
        following.watermarkMoved(to: at(3, 2, 19))
        #expect(following.applyLimit(durable: at(3, 2, 30)) == at(3, 2, 20), "a watermark never goes back")
    }
}

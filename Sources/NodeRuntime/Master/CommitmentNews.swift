import ClusterModel
import EventLoop
import Replication

/// When slaves hear how much is committed: at the turn's end, and under a heavy load a little later, for many transactions at once.
///
/// It wakes every slave's node and every slave's database, and no commit waits for it.
@LoopActor final class CommitmentNews: TurnEndWork {
    /// Beyond this rate one message tells of what came in this time.
    private static let gathersFromPerSecond = 1000
    private static let gatherMs = 4

    private let loop: EventLoop
    private let tell: @LoopActor () -> Void
    private var rate = EventRate()
    private var before: Commitment?
    private var timer: TimerID?
    private var isAtTurnEnd = false

    init(_ loop: EventLoop, tell: @escaping @LoopActor () -> Void) {
        self.loop = loop
        self.tell = tell
    }

    /// So much is committed now.
    func moved(to commitment: Commitment) {
        defer { before = commitment }
        guard case .upTo(let position) = commitment, case .upTo(let last)? = before else { return tellAtTurnEnd() }
        if last < position { rate.count(Int(min(position.sequence - last.sequence, 1 << 32)), nowMs: EventLoop.nowMs()) }
        guard rate.perSecond >= Self.gathersFromPerSecond else { return tellAtTurnEnd() }
        guard timer == nil, !isAtTurnEnd else { return }
        timer = loop.after(milliseconds: Self.gatherMs) { [weak self] in self?.turnEnded() }
    }

    private func tellAtTurnEnd() {
        guard !isAtTurnEnd else { return }
        isAtTurnEnd = true
        loop.atTurnEnd(self)
    }

    func turnEnded() {
        isAtTurnEnd = false
        loop.cancel(timer)
        timer = nil
        tell()
    }
}

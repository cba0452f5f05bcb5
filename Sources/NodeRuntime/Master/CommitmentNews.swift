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
    private var told = Position.start
    private var isDue = false

    init(_ loop: EventLoop, tell: @escaping @LoopActor () -> Void) {
        self.loop = loop
        self.tell = tell
    }

    /// Everything up to `position` is committed, or that is so by another rule now.
    func moved(to position: Position) {
        if told < position {
            rate.count(Int(position.sequence - told.sequence), nowMs: EventLoop.nowMs())
            told = position
        }
        guard !isDue else { return }
        isDue = true
        guard rate.perSecond >= Self.gathersFromPerSecond else { return loop.atTurnEnd(self) }
        loop.after(milliseconds: Self.gatherMs) { [weak self] in self?.turnEnded() }
    }

    func turnEnded() {
        isDue = false
        tell()
    }
}

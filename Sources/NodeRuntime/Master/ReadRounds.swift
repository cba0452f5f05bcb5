import ClusterModel
import EventLoop
import LineProtocol

/// Confirms that this node still leads, for reads that must not miss anything acknowledged before they came: a majority must answer a beat that was
/// sent after the read came. Reads that come together share a beat.
@LoopActor final class ReadRounds: TurnEndWork {
    private struct Waiter {
        let round: UInt64
        /// What was acknowledged when the read came.
        let position: Position
        let dueMs: Int
        let done: @LoopActor (Result<Position, ReplyError>) -> Void
    }

    private static let waitersMax = 100_000

    private let loop: EventLoop
    private let timeoutMs: @LoopActor () -> Int
    /// The last beat that was sent.
    private(set) var round: UInt64 = 0
    private var isAsked = false
    private var waiters: [Waiter] = []
    private var timer: TimerID?
    /// Sends everybody a beat that bears the number.
    var sendBeat: (@LoopActor () -> Void)?
    /// What was acknowledged so far.
    var position: @LoopActor () -> Position = { .start }
    /// The newest beat that a majority has answered, this node counted.
    var answered: @LoopActor () -> UInt64 = { .max }

    init(_ loop: EventLoop, timeoutMs: @escaping @LoopActor () -> Int) {
        self.loop = loop
        self.timeoutMs = timeoutMs
    }

    /// A beat is about to be sent, of the next number.
    func began() { round += 1 }

    /// `done` hears up to where a read must see, once it is sure that this node led when the read came.
    func confirm(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) {
        guard waiters.count < Self.waitersMax else {
            return done(.failure(ReplyError(.noQuorum, "too many reads wait for the other nodes' answer; try again")))
        }
        waiters.append(Waiter(round: round + 1, position: position(), dueMs: EventLoop.nowMs() + timeoutMs(), done: done))
        if timer == nil { watch() }
        guard !isAsked else { return }
        isAsked = true
        loop.atTurnEnd(self)
    }

    func turnEnded() {
        isAsked = false
        sendBeat?()
        check()
    }

    /// A slave has answered a beat.
    func check() {
        guard let first = waiters.first else { return }
        let answered = answered()
        guard first.round <= answered else { return }
        let ready = waiters.prefix { $0.round <= answered }
        waiters.removeFirst(ready.count)
        for waiter in ready { waiter.done(.success(waiter.position)) }
    }

    /// This node leads no more.
    func close() {
        let all = waiters
        waiters = []
        for waiter in all {
            waiter.done(.failure(ReplyError(.masterUnreachable, "this node is no longer master, so nothing was read; try again shortly")))
        }
    }

    private func watch() {
        timer = loop.after(milliseconds: 100) { [weak self] in
            guard let self else { return }
            self.timer = nil
            let now = EventLoop.nowMs()
            let late = self.waiters.prefix { $0.dueMs <= now }
            self.waiters.removeFirst(late.count)
            for waiter in late {
                waiter.done(
                    .failure(
                        ReplyError(
                            .noQuorum,
                            "too few nodes answered to confirm that this is the master still, so nothing was read; .consistency session reads on")))
            }
            if !self.waiters.isEmpty { self.watch() }
        }
    }
}

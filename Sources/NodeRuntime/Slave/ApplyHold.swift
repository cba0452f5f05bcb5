import ClusterModel
import EventLoop

/// Keeps a slave's database at one position for a moment, for a snapshot there: a cap on what the relay endpoint hands out.
///
/// The slave receives and acknowledges all the while, so the master's commits don't wait for it. The cap goes by itself after its time.
@LoopActor final class ApplyHold {
    private let loop: EventLoop
    private let relay: RelayEndpoint
    private let journal: Journal
    private var timer: TimerID?
    private var beganMs = 0

    init(_ loop: EventLoop, _ relay: RelayEndpoint, _ journal: Journal) {
        self.loop = loop
        self.relay = relay
        self.journal = journal
    }

    var isHolding: Bool { relay.hold != nil }

    /// Since it began.
    var heldMs: Int { isHolding ? EventLoop.nowMs() - beganMs : 0 }

    /// Hands out no more from now on, for at most so long; the last sequence that may be handed out already.
    func begin(milliseconds: Int) -> UInt64 {
        let last = min(relay.limit, journal.written.sequence)
        beganMs = EventLoop.nowMs()
        hold(at: last, milliseconds)
        return last
    }

    /// Hands out what comes up to `sequence`, and no more for at most so long; false when nothing is held, or more may be handed out already.
    func move(to sequence: UInt64, milliseconds: Int) -> Bool {
        guard let hold = relay.hold, hold <= sequence else { return false }
        self.hold(at: sequence, milliseconds)
        return true
    }

    private func hold(at sequence: UInt64, _ milliseconds: Int) {
        loop.cancel(timer)
        relay.hold = sequence
        timer = loop.after(milliseconds: milliseconds) { [weak self] in self?.end() }
    }

    func end() {
        loop.cancel(timer)
        timer = nil
        if isHolding { relay.hold = nil }
    }
}

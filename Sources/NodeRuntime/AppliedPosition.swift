import ClusterModel
import EventLoop

/// What this node's database has executed, as last seen, and who waits for more.
@LoopActor final class AppliedPosition {
    struct WaitID: Hashable {
        fileprivate let number: UInt64
    }

    private struct Waiter {
        let id: WaitID
        let position: Position
        let timer: TimerID
        let done: @LoopActor (Bool) -> Void
    }

    private let loop: EventLoop
    private var waiters: [Waiter] = []
    private var lastID: UInt64 = 0
    private(set) var value = Position.start
    /// What enough nodes hold: the database's commits beyond this wait, though its binlog has them; nil: they wait for nobody.
    var limit: Position?
    /// The limit was here, or the binlog, when the database was last looked at.
    private var released = Position.start
    /// Somebody waits for more than is applied: look often.
    var wanted: (@LoopActor () -> Void)?

    init(_ loop: EventLoop) { self.loop = loop }

    var hasWaiters: Bool { !waiters.isEmpty }

    /// The database was seen at `position`; it never goes back.
    func advanced(to position: Position) {
        guard let limit else { return show(position) }
        // A commit that is let go takes a moment until it is seen: one look later it is.
        show(released)
        released = min(position, limit)
    }

    /// The database may come back with less.
    func startOver() {
        value = .start
        released = .start
        limit = nil
    }

    /// The database has told its client that this is committed.
    func committed(_ position: Position) { show(min(position, limit ?? position)) }

    private func show(_ position: Position) {
        guard value < position else { return }
        value = position
        guard !waiters.isEmpty else { return }
        let reached = waiters.filter { $0.position <= position }
        waiters.removeAll { $0.position <= position }
        for waiter in reached {
            loop.cancel(waiter.timer)
            waiter.done(true)
        }
    }

    /// Calls `done` once: true when `position` is applied, false when it is not after so long. Never before this returns, unless it is applied.
    func wait(for position: Position, milliseconds: Int, done: @escaping @LoopActor (Bool) -> Void) -> WaitID? {
        if position <= value {
            done(true)
            return nil
        }
        lastID += 1
        let id = WaitID(number: lastID)
        let timer = loop.after(milliseconds: milliseconds) { [weak self] in
            guard let self, let index = self.waiters.firstIndex(where: { $0.id == id }) else { return }
            self.waiters.remove(at: index).done(false)
        }
        waiters.append(Waiter(id: id, position: position, timer: timer, done: done))
        wanted?()
        return id
    }

    /// `done` is not called any more.
    func cancel(_ id: WaitID?) {
        guard let id, let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        loop.cancel(waiters.remove(at: index).timer)
    }
}

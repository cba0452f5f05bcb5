import EventLoop

/// Connections that have not shown yet who they are. Each has a moment for that, and when there are too many the oldest goes first: so strangers
/// never keep a node out that says at once what it is.
@LoopActor final class Doorstep {
    enum Reason { case late, crowded }

    private struct Guest {
        let id: ObjectIdentifier
        let timer: TimerID
        let turnOut: @LoopActor (Reason) -> Void
    }

    private let loop: EventLoop
    private let milliseconds: Int
    /// In the order of their coming.
    private var guests: [Guest] = []

    init(_ loop: EventLoop, milliseconds: Int) {
        self.loop = loop
        self.milliseconds = milliseconds
    }

    var count: Int { guests.count }

    /// `turnOut` is called once, unless it leaves before, and must end it. At most `placesMax` stay.
    func enter(_ guest: AnyObject, placesMax: Int, turnOut: @escaping @LoopActor (Reason) -> Void) {
        let id = ObjectIdentifier(guest)
        while guests.count >= max(1, placesMax) { turnOutFirst() }
        guests.append(Guest(id: id, timer: timer(id, milliseconds), turnOut: turnOut))
    }

    private func timer(_ id: ObjectIdentifier, _ milliseconds: Int, again: Bool = false) -> TimerID {
        let dueMs = EventLoop.nowMs() + milliseconds
        return loop.after(milliseconds: milliseconds) { [weak self] in
            guard let self, let index = self.guests.firstIndex(where: { $0.id == id }) else { return }
            let guest = self.guests.remove(at: index)
            // It was this node that was late: what came meanwhile is heard first.
            if !again, EventLoop.nowMs() - dueMs > milliseconds / 10 {
                self.guests.insert(Guest(id: id, timer: self.timer(id, milliseconds, again: true), turnOut: guest.turnOut), at: index)
            } else {
                guest.turnOut(.late)
            }
        }
    }

    private func turnOutFirst() {
        let guest = guests.removeFirst()
        loop.cancel(guest.timer)
        guest.turnOut(.crowded)
    }

    /// It has shown who it is, or is gone.
    func leave(_ guest: AnyObject) {
        guard let index = guests.firstIndex(where: { $0.id == ObjectIdentifier(guest) }) else { return }
        loop.cancel(guests.remove(at: index).timer)
    }
}

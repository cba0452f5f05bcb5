import CSystem
import Dispatch
import Glibc
import Synchronization

/// What a descriptor is watched for, or turned out to be.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    package static let priority = Readiness(rawValue: EPOLLPRI.rawValue)
    /// An error is pending; reported whether asked for or not.
    package static let error = Readiness(rawValue: EPOLLERR.rawValue)
    /// Both directions are closed; reported whether asked for or not.
    package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
}

/// Is told when a descriptor it watches is ready. Level-triggered: told again while it stays ready.
@LoopActor package protocol Watcher: AnyObject {
    func became(_ ready: Readiness)
}

/// Has work to do once the events at hand are handled: one write for many replies.
@LoopActor package protocol TurnEndWork: AnyObject {
    func turnEnded()
}

/// Names a watched descriptor until it is unwatched.
package struct WatchID: Hashable, Sendable {
    let index: Int
    let generation: UInt32
}

/// The event loop: every socket sits in one epoll set, which one Dispatch source watches on one serial queue.
///
/// A source for each socket was measured at half the speed and twice the CPU: see Docs/Decisions.
@LoopActor package final class EventLoop {
    private struct Slot {
        var watcher: (any Watcher)?
        var generation: UInt32 = 0
    }

    private static let batchEvents = 256
    /// How long one drain may hold the queue: signals, and what else Dispatch runs there, wait as long.
    private static let drainNanoseconds: UInt64 = 20_000_000
    /// How long a drain waits for the next event before it gives the queue back: waking up by Dispatch costs as much as a request.
    private static let lingerMsMax: UInt64 = 4
    private static let wakeToken = UInt64.max

    private let epoll: Int32
    private let source: any DispatchSourceRead
    private let timer: any DispatchSourceTimer
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var timers = TimerHeap<@LoopActor () -> Void>()
    private var armedDeadline: UInt64?
    private var turnEnd: [any TurnEndWork] = []
    /// Readable while something is posted.
    private let wake: Int32
    private let posted = Mutex<[@LoopActor @Sendable () -> Void]>([])
    private var isDraining = false
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: EventLoop.batchEvents)

    /// Scratch space for reads: what is in it is gone with the next read of anybody.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)

    /// The loop lives as long as the process: releasing it is a mistake.
    package init() throws(SystemError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError("epoll_create1") }
        wake = ddb_event()
        guard wake >= 0, ddb_epoll_set(epoll, EPOLL_CTL_ADD, wake, Readiness.readable.rawValue, Self.wakeToken) == 0 else {
            throw SystemError("eventfd")
        }
        source = DispatchSource.makeReadSource(fileDescriptor: epoll, queue: LoopActor.queue)
        timer = DispatchSource.makeTimerSource(queue: LoopActor.queue)
        source.setEventHandler { [unowned self] in self.run() }
        timer.setEventHandler { [unowned self] in self.run() }
        timer.schedule(deadline: .distantFuture)
        source.activate()
        timer.activate()
        LoopActor.run(in: self)
    }

    // MARK: Descriptors

    /// Watches `descriptor`; the watcher is held until it unwatches, which it must before it closes the descriptor.
    package func watch(_ descriptor: Int32, for interest: Readiness, _ watcher: any Watcher) throws(SystemError) -> WatchID {
        let index: Int
        if let free = freeSlots.popLast() {
            index = free
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].watcher = watcher
        let id = WatchID(index: index, generation: slots[index].generation)
        guard ddb_epoll_set(epoll, EPOLL_CTL_ADD, descriptor, interest.rawValue, token(id)) == 0 else {
            let error = SystemError("epoll_ctl")
            free(id)
            throw error
        }
        return id
    }

    package func change(_ id: WatchID, of descriptor: Int32, to interest: Readiness) {
        let result = ddb_epoll_set(epoll, EPOLL_CTL_MOD, descriptor, interest.rawValue, token(id))
        precondition(result == 0, "a watched descriptor can be changed until it is unwatched")
    }

    package func unwatch(_ id: WatchID, _ descriptor: Int32) {
        _ = ddb_epoll_set(epoll, EPOLL_CTL_DEL, descriptor, 0, 0)
        free(id)
    }

    private func free(_ id: WatchID) {
        slots[id.index].watcher = nil
        slots[id.index].generation &+= 1
        freeSlots.append(id.index)
    }

    private func token(_ id: WatchID) -> UInt64 { UInt64(id.generation) << 32 | UInt64(id.index) }

    /// What Dispatch calls: something is ready, or a timer is due.
    private func run() {
        isDraining = true
        // Dispatch's timer is set anew only where it has fired.
        if let armed = armedDeadline, armed <= Self.now() { armedDeadline = nil }
        drain()
        isDraining = false
        armTimer()
    }

    private func drain() {
        let until = Self.now() + Self.drainNanoseconds
        repeat {
            fireTimers()
            let count = epoll_wait(epoll, events, Int32(Self.batchEvents), lingerMs)
            for index in 0..<Int(max(count, 0)) { deliver(events[index]) }
            finishTurn()
            if count <= 0, !isTimerDue { return }
        } while Self.now() < until
    }

    private var isTimerDue: Bool { timers.soonest.map { $0 <= Self.now() } ?? false }

    /// Not past the next timer, but for the millisecond that is begun.
    private var lingerMs: Int32 {
        guard let soonest = timers.soonest else { return Int32(Self.lingerMsMax) }
        let now = Self.now()
        return soonest <= now ? 0 : Int32(min(Self.lingerMsMax, (soonest - now + 999_999) / 1_000_000))
    }

    private func deliver(_ event: epoll_event) {
        if event.data.u64 == Self.wakeToken { return runPosted() }
        let index = Int(event.data.u64 & 0xffff_ffff)
        let generation = UInt32(event.data.u64 >> 32)
        // An earlier event of this batch may have unwatched it: its slot has moved on.
        guard slots[index].generation == generation, let watcher = slots[index].watcher else { return }
        watcher.became(Readiness(rawValue: event.events))
    }

    // MARK: Turns

    /// Calls `work` once when the events at hand are handled. May be asked for again from there: that makes another round.
    package func atTurnEnd(_ work: any TurnEndWork) { turnEnd.append(work) }

    private func finishTurn() {
        while !turnEnd.isEmpty {
            let works = turnEnd
            turnEnd.removeAll(keepingCapacity: true)
            for work in works { work.turnEnded() }
        }
    }

    /// Runs `body` on the loop, from any thread, in order of posting.
    package nonisolated func post(_ body: @escaping @LoopActor @Sendable () -> Void) {
        let isFirst = posted.withLock {
            $0.append(body)
            return $0.count == 1
        }
        guard isFirst else { return }
        var one: UInt64 = 1
        _ = write(wake, &one, MemoryLayout<UInt64>.size)
    }

    private func runPosted() {
        // Emptied first: what is posted from now on wakes the loop again.
        var count: UInt64 = 0
        _ = read(wake, &count, MemoryLayout<UInt64>.size)
        let bodies = posted.withLock {
            let bodies = $0
            $0 = []
            return bodies
        }
        for body in bodies {
            body()
            finishTurn()
        }
    }

    // MARK: Time

    /// The monotonic clock, in nanoseconds.
    package nonisolated static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

    /// The monotonic clock, in milliseconds.
    package nonisolated static func nowMs() -> Int { Int(now() / 1_000_000) }

    /// Runs `action` once, `milliseconds` from now, unless cancelled before.
    @discardableResult
    package func after(milliseconds: Int, _ action: @escaping @LoopActor () -> Void) -> TimerID {
        let id = timers.insert(deadline: Self.now() + UInt64(max(0, milliseconds)) * 1_000_000, action)
        armTimer()
        return id
    }

    package func cancel(_ id: TimerID?) {
        if let id { timers.cancel(id) }
    }

    private func armTimer() {
        guard !isDraining, let soonest = timers.soonest else { return }
        if let armedDeadline, armedDeadline <= soonest { return }
        armedDeadline = soonest
        timer.schedule(deadline: DispatchTime(uptimeNanoseconds: soonest), leeway: .microseconds(500))
    }

    private func fireTimers() {
        guard isTimerDue else { return }
        let now = Self.now()
        while let action = timers.popDue(now: now) { action() }
        finishTurn()
    }
}

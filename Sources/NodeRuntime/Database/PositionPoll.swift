import ClusterModel
import EventLoop
import MariaDBConnector

/// Asks the database how far it is: often while somebody waits or it is behind, seldom else.
@LoopActor final class PositionPoll {
    private static let waitedForMs = 2
    private static let behindMs = 20

    private let loop: EventLoop
    private let control: ControlConnection
    private let applied: AppliedPosition
    private let sql: String
    private let idleMs: Int
    private var timer: TimerID?
    private var isAsking = false
    private var isStopped = true
    /// The next look is far off.
    private var isResting = false

    /// Where the database is going, if that is known: until it is there it is looked at often.
    var goal: @LoopActor () -> Position = { .start }

    /// The database got further.
    var moved: (@LoopActor () -> Void)?

    /// `variable`: `gtid_binlog_pos` or `gtid_slave_pos`.
    init(_ loop: EventLoop, _ control: ControlConnection, _ applied: AppliedPosition, variable: String, idleMs: Int) {
        self.loop = loop
        self.control = control
        self.applied = applied
        sql = "SELECT @@GLOBAL.\(variable)"
        self.idleMs = idleMs
        listen()
    }

    /// Hears from now on, in place of any other, when somebody waits.
    func listen() { applied.wanted = { [weak self] in self?.hurry() } }

    func start() {
        isStopped = false
        listen()
        ask()
    }

    func stop() {
        isStopped = true
        loop.cancel(timer)
        timer = nil
    }

    /// Looks now rather than at the next turn.
    private func hurry() {
        guard !isStopped, !isAsking else { return }
        loop.cancel(timer)
        ask()
    }

    /// The goal moved.
    func goalMoved() {
        guard isResting, !isAsking, !isStopped else { return }
        loop.cancel(timer)
        schedule()
    }

    private func ask() {
        guard !isAsking else { return }
        isAsking = true
        control.query(sql) { [weak self] result in
            guard let self else { return }
            self.isAsking = false
            // Asked before the stop, it may tell of a database that was changed since.
            guard !self.isStopped else { return }
            if case .success(let found) = result, let text = found.first, let position = Position(list: text) {
                let before = self.applied.value
                self.applied.advanced(to: position)
                if self.applied.value > before { self.moved?() }
            }
            self.schedule()
        }
    }

    private func schedule() {
        guard !isStopped else { return }
        let pause = applied.hasWaiters ? Self.waitedForMs : applied.value < goal() ? Self.behindMs : idleMs
        isResting = pause == idleMs
        timer = loop.after(milliseconds: pause) { [weak self] in self?.ask() }
    }
}

import ClusterModel
import EventLoop
import LineProtocol
import NodeConfig
import Replication

/// Reads that wait for the master's word.
struct AskedReads {
    typealias Done = @LoopActor (Result<Position, ReplyError>) -> Void

    /// Of more than so many none is asked for.
    private static let waitingMax = 100_000

    private var waiting: [UInt64: (dueMs: Int, done: Done)] = [:]
    private var last: UInt64 = 0
    /// Looks for those that are due, as long as one waits.
    var timer: TimerID?

    var isFull: Bool { waiting.count >= Self.waitingMax }
    var isEmpty: Bool { waiting.isEmpty }

    /// Gives the number to ask under.
    mutating func add(dueMs: Int, _ done: @escaping Done) -> UInt64 {
        last += 1
        waiting[last] = (dueMs, done)
        return last
    }

    mutating func take(_ number: UInt64) -> Done? { waiting.removeValue(forKey: number)?.done }

    /// Takes those that were due by then, in the order they were asked in.
    mutating func take(dueBy nowMs: Int) -> [Done] {
        let due = waiting.filter { $0.value.dueMs <= nowMs }.sorted { $0.key < $1.key }
        for (number, _) in due { waiting[number] = nil }
        return due.map(\.value.done)
    }
}

/// Reads here that ask the master what they must see.
extension MasterConnection {
    private static let lookMs = 100

    /// Asks the master, which makes sure that it is that still; `done` hears within `replication.ackTimeoutMs`, whatever becomes of the link.
    func ask(_ done: @escaping AskedReads.Done) {
        guard link.isReceiving, !asked.isFull else { return done(.failure(unreachable)) }
        link.ask(asked.add(dueMs: EventLoop.nowMs() + node.settings.replication.ackTimeoutMs, done))
        watchAsked()
    }

    func answered(_ number: UInt64, _ position: Position, _ refusal: String) {
        guard let done = asked.take(number) else { return }
        done(refusal.isEmpty ? .success(position) : .failure(ReplyError(.noQuorum, refusal)))
    }

    /// The link may be full, or paused since the journal is: then the answer may be long in coming.
    private func watchAsked() {
        guard asked.timer == nil, !asked.isEmpty else { return }
        asked.timer = node.loop.after(milliseconds: Self.lookMs) { [weak self] in
            guard let self else { return }
            self.asked.timer = nil
            for done in self.asked.take(dueBy: EventLoop.nowMs()) { done(.failure(self.unanswered)) }
            self.watchAsked()
        }
    }

    private var unreachable: ReplyError {
        ReplyError(
            .masterUnreachable, "the master at \(node.masterWords) can't be asked what a linearizable read must see; .consistency session reads on")
    }

    private var unanswered: ReplyError {
        ReplyError(
            .masterUnreachable,
            """
            the master at \(node.masterWords) did not tell within \(node.settings.replication.ackTimeoutMs) ms (replication.ackTimeoutMs) what a \
            linearizable read must see, so nothing was read; .consistency session reads on
            """)
    }

    func failAsked() { for done in asked.take(dueBy: .max) { done(.failure(unreachable)) } }
}

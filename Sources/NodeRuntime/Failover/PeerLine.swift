import ClusterModel
import Digests
import EventLoop
import NodeConfig
import Replication

/// A connection to another node over which leadership is asked about: dialled when it is needed, kept while it works.
///
/// One question after another; a question that can't be put or is not answered in time is answered by nil. Whoever asks asks again.
@LoopActor final class PeerLine {
    private struct Question {
        let fields: [String?]
        let dueMs: Int
        let done: @LoopActor ([[String?]]?) -> Void
    }

    private static let waitingMax = 8

    private unowned let node: Node
    let id: NodeID
    let address: String
    private var channel: PeerChannel?
    private var isReady = false
    private var waiting: [Question] = []
    private var asked: Question?
    private var timer: TimerID?

    init(_ node: Node, _ id: NodeID, _ address: String) {
        self.node = node
        self.id = id
        self.address = address
    }

    /// `done` hears the answer's rows, or nil after `milliseconds` at the latest.
    func ask(_ ask: ElectionAsk, milliseconds: Int, done: @escaping @LoopActor ([[String?]]?) -> Void) {
        guard waiting.count < Self.waitingMax else { return done(nil) }
        waiting.append(Question(fields: ask.fields, dueMs: EventLoop.nowMs() + milliseconds, done: done))
        watch()
        if channel == nil { dial(milliseconds) } else { next() }
    }

    private func dial(_ milliseconds: Int) {
        guard let target = NodeAddress(address) else { return fail() }
        do throws(Digests.NoRandomness) {
            channel = try PeerChannel(node, id, at: target, connectMs: milliseconds) { [weak self] in self?.heard($0) }
        } catch {
            fail()
        }
    }

    private func next() {
        guard isReady, asked == nil, !waiting.isEmpty else { return }
        let question = waiting.removeFirst()
        asked = question
        channel?.ask(question.fields)
    }

    private func heard(_ event: PeerChannel.Event) {
        switch event {
        case .ready:
            isReady = true
            next()
        case .answered(let frame):
            let question = asked
            asked = nil
            if case .told(let rows) = frame { question?.done(rows) } else { question?.done(nil) }
            next()
        case .snapshot: break  // asked for over a connection of its own alone
        case .ended(let why):
            node.log.debug("a node can't be asked about leadership", ["node": "\(id)", "why": why.words])
            fail()
        }
    }

    /// Questions have their time, whatever became of the connection.
    private func watch() {
        guard timer == nil, let due = ([asked].compactMap { $0 } + waiting).map(\.dueMs).min() else { return }
        timer = node.loop.after(milliseconds: max(1, due - EventLoop.nowMs())) { [weak self] in
            guard let self else { return }
            self.timer = nil
            let now = EventLoop.nowMs()
            // An answer that is late would be taken for the next question's.
            if let asked = self.asked, asked.dueMs <= now { return self.fail() }
            let late = self.waiting.filter { $0.dueMs <= now }
            // Who did not even prove itself in that time may be gone for good, without a word.
            if !self.isReady, !late.isEmpty { return self.fail() }
            self.waiting.removeAll { $0.dueMs <= now }
            for question in late { question.done(nil) }
            self.watch()
        }
    }

    private func fail() {
        channel?.close()
        channel = nil
        isReady = false
        let all = [asked].compactMap { $0 } + waiting
        asked = nil
        waiting = []
        for question in all { question.done(nil) }
    }

    func close() {
        node.loop.cancel(timer)
        fail()
    }
}

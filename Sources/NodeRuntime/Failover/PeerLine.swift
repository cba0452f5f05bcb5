import ClusterModel
import Digests
import EventLoop
import NodeConfig
import Replication

/// A connection to another node over which leadership is asked about: dialled when it is needed, kept while it works.
///
/// One question after another; a question that can't be put or is not answered in time is answered by nil. Whoever asks asks again.
@LoopActor final class PeerLine: ChannelHandler {
    private struct Question {
        let fields: [String?]
        let dueMs: Int
        let done: @LoopActor ([[String?]]?) -> Void
    }

    private static let waitingMax = 8

    private unowned let node: Node
    let id: NodeID
    let address: String
    private var dialer: Dialer?
    private var channel: Channel?
    private var link: PeerAsker?
    private var frames = FrameReader(takesEvents: false)
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
        if channel == nil { if dialer == nil { dial(milliseconds) } } else { next() }
    }

    private func dial(_ milliseconds: Int) {
        guard let target = NodeAddress(address) else { return fail() }
        dialer = Dialer(node.loop, host: target.host, port: target.port, timeoutMs: milliseconds) { [weak self] result in
            guard let self else { return }
            self.dialer = nil
            do { try self.connected(try result.get()) } catch { self.fail() }
        }
    }

    private func connected(_ descriptor: Int32) throws {
        let hello = Frame.Hello(
            cluster: node.settings.cluster.name, uuid: node.directory.state.uuid, id: node.id.rawValue, address: node.address,
            nonce: try Digests.random(32), proof: [])
        link = PeerAsker(node.linkIdentity, wanted: id, hello: hello)
        frames = FrameReader(takesEvents: false)
        let channel = Channel(node.loop, descriptor)
        try channel.start(self)
        self.channel = channel
        channel.write(Array(".peer 1\n".utf8))
    }

    private func next() {
        guard isReady, asked == nil, !waiting.isEmpty else { return }
        let question = waiting.removeFirst()
        asked = question
        perform(link?.ask(question.fields) ?? [])
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        frames.append(bytes)
        do throws(LinkRefusal) {
            while channel?.isOpen == true, let frame = try frames.next() { perform(link?.received(frame) ?? []) }
        } catch {
            fail()
        }
    }

    private func perform(_ actions: [PeerAsker.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .ready:
                isReady = true
                next()
            case .answered(let frame):
                let question = asked
                asked = nil
                if case .told(let rows) = frame { question?.done(rows) } else { question?.done(nil) }
                next()
            case .snapshot: break  // asked for over a connection of its own alone
            case .close(let refusal):
                node.log.debug("a node can't be asked about leadership", ["node": "\(id)", "why": refusal.words])
                fail()
            }
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
        dialer?.cancel()
        dialer = nil
        let channel = self.channel
        self.channel = nil
        link = nil
        isReady = false
        channel?.close()
        let all = [asked].compactMap { $0 } + waiting
        asked = nil
        waiting = []
        for question in all { question.done(nil) }
    }

    func close() {
        node.loop.cancel(timer)
        fail()
    }

    func drained() {}
    func inputEnded() { fail() }
    func ended(_ end: ChannelEnd) { if channel != nil { fail() } }
}

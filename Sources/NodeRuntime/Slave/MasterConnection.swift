import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import LineProtocol
import NodeConfig
import Replication

/// A slave's link to its master: dials, joins, receives into the journal, and dials again when it is lost.
@LoopActor final class MasterConnection: ChannelHandler {
    enum State: Equatable {
        case away(String)
        case connecting
        case receiving
        /// The master's binlog does not hold what comes next.
        case gone(String)
        case refused(String)
        case journalFailed(String)

        /// One word for `.nodes`.
        var word: String {
            switch self {
            case .away, .connecting: "away"
            case .receiving: "streaming"
            case .gone: "needs-snapshot"
            case .refused: "refused"
            case .journalFailed: "journal-failed"
            }
        }
    }

    private static let connectTimeoutMs = 3000
    private static let retryFirstMs = 100
    private static let retryLastMs = 2000
    /// What may wait for the journal before the link is not read any further.
    private static let pendingBytesMax = 8 << 20

    private unowned let slave: SlaveLife
    private let journal: Journal
    private let address: NodeAddress
    private var dialer: Dialer?
    private var channel: Channel?
    private var link: SlaveLink?
    private var frames = FrameReader(takesEvents: true)
    private var retryMs = MasterConnection.retryFirstMs
    private var retry: TimerID?
    private static let askedMax = 100_000
    private var asked: [UInt64: @LoopActor (Result<Position, ReplyError>) -> Void] = [:]
    private var lastAsked: UInt64 = 0
    private var isPaused = false
    private var isStopped = false
    /// A snapshot is taken instead.
    private(set) var isSuspended = false
    private(set) var state = State.connecting
    private(set) var lastBeat: Frame.Beat?
    private(set) var lastBeatMs = 0
    /// Over the current link.
    private(set) var receivedBytes = 0
    /// The number of the last beat over the link that stands now.
    var heardBeat: UInt64 { isHeard ? lastBeat?.number ?? 0 : 0 }
    /// The last beat came over the link that stands now.
    private(set) var isHeard = false

    init(_ slave: SlaveLife, _ journal: Journal, master: NodeAddress) {
        self.slave = slave
        self.journal = journal
        address = master
    }

    private var node: Node { slave.node }

    // MARK: Dialling

    func start() {
        guard !isStopped else { return }
        retry = nil
        dialer = Dialer(node.loop, host: address.host, port: address.port, timeoutMs: Self.connectTimeoutMs) { [weak self] result in
            guard let self else { return }
            self.dialer = nil
            do { try self.connected(try result.get()) } catch { self.lost("cannot reach the master at \(self.address): \(error)") }
        }
    }

    private func connected(_ descriptor: Int32) throws {
        link = SlaveLink(
            node.linkIdentity, hello: try slave.hello(), checksum: Digests.crc32, timeoutMs: node.settings.replication.peerTimeoutMs,
            nowMs: EventLoop.nowMs())
        frames = FrameReader(takesEvents: true)
        isPaused = false
        receivedBytes = 0
        let channel = Channel(node.loop, descriptor)
        try channel.start(self)
        self.channel = channel
        channel.write(Array(".link 1\n".utf8))
    }

    private func lost(_ why: String) {
        // The channel must not tell of its end here again: a second link would be dialled.
        let old = channel
        channel = nil
        link = nil
        isHeard = false
        old?.handOver(to: Deaf())
        old?.closeWhenSent()
        journal.add(.dropOpenGroup)
        failAsked()
        guard !isStopped, !isSuspended else { return }
        if case .receiving = state {
            node.log.warning("link to the master lost", ["why": why])
        } else {
            node.log.info("no link to the master", ["why": why])
        }
        switch state {
        case .away, .connecting, .receiving: state = .away(why)
        case .gone, .refused, .journalFailed: break
        }
        node.loop.cancel(retry)
        retry = node.loop.after(milliseconds: retryMs) { [weak self] in self?.start() }
        retryMs = min(retryMs * 2, Self.retryLastMs)
        slave.linkChanged()
    }

    /// Ends the link, and makes no other before `resume()`.
    func suspend() {
        guard !isSuspended else { return }
        isSuspended = true
        dialer?.cancel()
        dialer = nil
        node.loop.cancel(retry)
        lost("a snapshot is taken")
        state = .connecting
        slave.linkChanged()
    }

    func resume() {
        guard isSuspended else { return }
        isSuspended = false
        retryMs = Self.retryFirstMs
        start()
    }

    // MARK: Frames

    func received(_ bytes: UnsafeRawBufferPointer) {
        // A large event takes its time; its bytes are a sign of life all the same.
        link?.heardSomething(nowMs: EventLoop.nowMs())
        receivedBytes += bytes.count
        frames.append(bytes)
        takeFrames()
    }

    private func takeFrames() {
        do throws(LinkRefusal) {
            while !isPaused, channel?.isOpen == true, let frame = try frames.next() {
                perform(link?.received(try unpacked(frame), nowMs: EventLoop.nowMs()) ?? [])
                checkPressure()
            }
        } catch {
            perform(link?.refuse(error) ?? [])
        }
    }

    private func unpacked(_ frame: Frame) throws(LinkRefusal) -> Frame {
        guard case .packedEvents(let count, let bytes) = frame else { return frame }
        guard let events = Compression.inflated(bytes, count: Int(count)) else { throw LinkRefusal(.badStream, "compressed events are damaged") }
        return .events(events)
    }

    /// The disk is slower than the link: the link waits. The journal is full: it waits until the database has applied some.
    private func checkPressure() {
        // What is whole in the newest file alone can't be purged by waiting.
        let canShrink = journal.index.segments.count > 1
        let isFull =
            journal.pendingBytes > Self.pendingBytesMax
            || (state == .receiving && canShrink && journal.index.totalBytes > node.settings.replication.journalBytesMax)
        guard isFull != isPaused else { return }
        isPaused = isFull
        if isFull { channel?.pauseReading() } else { channel?.resumeReading() }
    }

    /// The journal wrote or purged some.
    func journalMoved() {
        guard isPaused else { return }
        checkPressure()
        takeFrames()
    }

    private func perform(_ actions: [SlaveLink.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .joined(let id, let master, let epoch): joined(id, master, epoch)
            case .format(let format): journal.add(.format(format))
            case .append(let bytes, let through, let wholeBytes): journal.add(.append(bytes, through: through, wholeBytes: wholeBytes))
            case .dropOpenGroup: journal.add(.dropOpenGroup)
            case .heard(let beat): heard(beat)
            case .readAnswer(let number, let position, let refusal): answered(number, position, refusal)
            case .committed(let commitment): slave.committed(commitment)
            case .gone(let why):
                state = .gone(why)
                node.log.warning(
                    "the master can't send what comes next: this slave needs a snapshot", ["position": "\(journal.written)", "why": why])
                slave.linkChanged()
                slave.considerSnapshot()
            case .snapshot: break  // asked for over a link of its own alone
            case .close(let refusal):
                if [.silent, .shuttingDown].contains(refusal.reason) {
                    lost(refusal.words)
                } else {
                    if state != .refused(refusal.words) { node.log.error("the link to the master was refused", ["why": refusal.words]) }
                    state = .refused(refusal.words)
                    lost(refusal.words)
                }
            }
        }
    }

    private func joined(_ id: NodeID, _ master: NodeID, _ epoch: Epoch) {
        slave.joined(id, master: master, epoch: epoch) { [weak self] in
            guard let self else { return }
            // What was on its way to the disk for an earlier link must be there, or gone, before this one goes on from it.
            self.journal.settled {
                guard self.channel?.isOpen == true else { return }
                self.retryMs = Self.retryFirstMs
                self.state = .receiving
                self.node.log.notice("receiving from the master", ["master": "\(self.address)", "after": "\(self.journal.written)"])
                self.perform(self.link?.resume(after: self.journal.written) ?? [])
                self.slave.linkChanged()
            }
        }
    }

    private func heard(_ beat: Frame.Beat) {
        heardElsewhere(beat)
        tell()
        slave.checkCaughtUp()
        slave.considerSnapshot()
    }

    /// The master told how far it is, be it over another link.
    func heardElsewhere(_ beat: Frame.Beat) {
        lastBeat = beat
        lastBeatMs = EventLoop.nowMs()
        isHeard = true
    }

    /// Tells the master how far this node is.
    func tell() {
        guard let link else { return }
        perform(link.progressed(slave.ack))
    }

    // MARK: Reads

    /// Asks the master, which makes sure that it is that still.
    func ask(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) {
        guard let link, link.isReceiving, asked.count < Self.askedMax else { return done(.failure(unreachable)) }
        lastAsked += 1
        asked[lastAsked] = done
        perform(link.ask(lastAsked))
    }

    private func answered(_ number: UInt64, _ position: Position, _ refusal: String) {
        guard let done = asked.removeValue(forKey: number) else { return }
        done(refusal.isEmpty ? .success(position) : .failure(ReplyError(.noQuorum, refusal)))
    }

    private var unreachable: ReplyError {
        ReplyError(.masterUnreachable, "the master at \(address) can't be asked what a linearizable read must see; .consistency session reads on")
    }

    private func failAsked() {
        let all = asked
        asked = [:]
        for (_, done) in all.sorted(by: { $0.key < $1.key }) { done(.failure(unreachable)) }
    }

    /// The journal begins anew: what the link would go on with does not follow.
    func journalReplaced() {
        if link != nil { lost("the journal begins anew") }
    }

    /// Called from time to time.
    func tick() {
        // Not reading, it can't blame the master for its silence.
        if isPaused { link?.heardSomething(nowMs: EventLoop.nowMs()) }
        perform(link?.ticked(nowMs: EventLoop.nowMs()) ?? [])
    }

    func journalFailed(_ problem: JournalProblem) {
        if state != .journalFailed(problem.description) { node.log.error("the journal can't be written", ["error": problem.description]) }
        state = .journalFailed(problem.description)
        lost(problem.description)
    }

    func drained() {}
    func inputEnded() { lost("the master closed the link") }

    func ended(_ end: ChannelEnd) {
        guard channel != nil else { return }
        lost("the link ended: \(end)")
    }

    func stop() {
        isStopped = true
        dialer?.cancel()
        node.loop.cancel(retry)
        let channel = self.channel
        self.channel = nil
        channel?.close()
    }
}

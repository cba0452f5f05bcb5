import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Failover
import LineProtocol
import NodeConfig
import Replication

/// A slave's link to its master: dials, joins, receives into the journal, and dials again when it is lost.
@LoopActor final class MasterConnection: ChannelHandler {
    private static let connectTimeoutMs = 3000
    private static let retryFirstMs = 100
    private static let retryLastMs = 2000
    /// What may wait for the journal before the link is not read any further.
    private static let pendingBytesMax = 8 << 20

    private unowned let slave: SlaveLife
    private let journal: Journal
    /// Nil: nobody to dial yet.
    private var address: NodeAddress?
    /// Who is at the other end, once it let this node in.
    private var leader: NodeID?
    private var dialer: Dialer?
    private var channel: Channel?
    private(set) var link: SlaveLink?
    private var frames = FrameReader(takesEvents: true)
    private var retryMs = MasterConnection.retryFirstMs
    private var retry: TimerID?
    var asked: [UInt64: @LoopActor (Result<Position, ReplyError>) -> Void] = [:]
    var lastAsked: UInt64 = 0
    private var isPaused = false
    private var isStopped = false
    /// A snapshot is taken: over the link this node only hears and tells how far everybody is.
    private(set) var isSuspended = false
    private(set) var state = State.connecting
    private var linkEpoch = Epoch.first
    /// Why the journal could not be written, until it can.
    private var journalTrouble: String?
    private(set) var lastBeat: Frame.Beat?
    private(set) var lastBeatMs = 0
    /// Over the current link.
    private(set) var receivedBytes = 0
    /// The number of the last beat over the link that stands now.
    var heardBeat: UInt64 { isHeard ? lastBeat?.number ?? 0 : 0 }
    /// A master let this node in.
    var isJoined: Bool { leader != nil }
    /// The last beat came over the link that stands now.
    private(set) var isHeard = false

    init(_ slave: SlaveLife, _ journal: Journal) {
        self.slave = slave
        self.journal = journal
    }

    var node: Node { slave.node }

    // MARK: Dialling

    /// This is where the master is; with a number, who it is.
    func follow(_ new: NodeAddress?, _ id: NodeID? = nil) {
        if channel != nil || dialer != nil {
            if leader != nil, leader == id { return }
            if new == address, leader == nil { return }
        }
        address = new
        guard !isStopped, new != nil else { return }
        if channel != nil || dialer != nil { hangUp("the master is another one") }
        retryMs = Self.retryFirstMs
        start()
    }

    /// That epoch began.
    func began(_ epoch: Epoch) { if linkEpoch < epoch { leaderUnknown() } }

    /// No leader is known: what comes over the link belongs to an epoch that is over.
    func leaderUnknown() {
        guard channel != nil, leader != nil else { return }
        hangUp("another epoch has begun")
        retryLater()
    }

    private func start() {
        node.loop.cancel(retry)
        retry = nil
        guard !isStopped, let address else { return }
        dialer?.cancel()
        dialer = Dialer(node.loop, host: address.host, port: address.port, timeoutMs: Self.connectTimeoutMs) { [weak self] result in
            guard let self else { return }
            self.dialer = nil
            do { try self.connected(try result.get()) } catch { self.lost("cannot reach the master at \(address): \(error)") }
        }
    }

    private func connected(_ descriptor: Int32) throws {
        link = SlaveLink(
            node.linkIdentity, hello: try slave.hello(), checksum: Digests.crc32, timeoutMs: node.settings.replication.peerTimeoutMs,
            nowMs: EventLoop.nowMs())
        frames = FrameReader(takesEvents: true)
        isPaused = false
        // Beats of an earlier master, heard over the link of a snapshot, are not this one's.
        isHeard = false
        receivedBytes = 0
        let channel = Channel(node.loop, descriptor)
        try channel.start(self)
        self.channel = channel
        channel.write(Array(".link 1\n".utf8))
    }

    /// Ends the link without another in its place.
    private func hangUp(_ why: String) {
        dialer?.cancel()
        dialer = nil
        // The channel must not tell of its end here again: a second link would be dialled.
        let old = channel
        channel = nil
        link = nil
        leader = nil
        isHeard = false
        old?.handOver(to: Deaf())
        old?.closeWhenSent()
        journal.add(.dropOpenGroup)
        failAsked()
        if case .receiving = state { state = .away(why) }
    }

    private func lost(_ why: String) {
        let (before, gone) = (state, leader)
        hangUp(why)
        guard !isStopped else { return }
        if case .receiving = before {
            node.log.warning("link to the master lost", ["why": why])
        } else {
            node.log.info("no link to the master", ["why": why])
        }
        switch state {
        case .away, .connecting, .receiving: state = .away(why)
        case .gone, .refused, .journalFailed: break
        }
        retryLater()
        slave.linkChanged()
        if let gone { node.electorate.leaderGone(gone) }
    }

    private func retryLater() {
        node.loop.cancel(retry)
        retry = node.loop.after(milliseconds: retryMs) { [weak self] in self?.start() }
        retryMs = min(retryMs * 2, Self.retryLastMs)
    }

    /// Receives nothing before `resume()`.
    func suspend() { if !isSuspended { linkAnew(suspended: true) } }

    func resume() { if isSuspended { linkAnew(suspended: false) } }

    private func linkAnew(suspended: Bool) {
        isSuspended = suspended
        hangUp("a link of another kind is made")
        state = .connecting
        retryMs = Self.retryFirstMs
        start()
    }

    // MARK: Frames

    func received(_ bytes: UnsafeRawBufferPointer) {
        // A large event takes its time; its bytes are a sign of life all the same.
        link?.heardSomething(nowMs: EventLoop.nowMs())
        heardLeader()
        receivedBytes += bytes.count
        frames.append(bytes)
        takeFrames()
    }

    private func heardLeader() { if let leader { node.electorate.heardLeader(leader, epoch: linkEpoch) } }

    private func takeFrames() {
        do throws(LinkRefusal) {
            while !isPaused, link?.isCutting == false, channel?.isOpen == true, let frame = try frames.next() {
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

    func perform(_ actions: [SlaveLink.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .joined(let id, let master, let epoch): joined(id, master, epoch)
            case .resumeAt(let common): resumed(after: common)
            case .members(let text):
                node.install(members: text)
                tell()
            case .format(let format): journal.add(.format(format))
            case .append(let bytes, let through, let wholeBytes): journal.add(.append(bytes, through: through, wholeBytes: wholeBytes))
            case .dropOpenGroup: journal.add(.dropOpenGroup)
            case .heard(let beat): heard(beat)
            case .readAnswer(let number, let position, let refusal): answered(number, position, refusal)
            case .committed(let commitment): slave.committed(commitment)
            case .gone(let why): gone(why)
            case .close(let refusal): closed(refusal)
            }
        }
    }

    private func closed(_ refusal: LinkRefusal) {
        switch refusal.reason {
        case .notMaster:
            lost(refusal.words)
            if let master = NodeAddress(refusal.master), master != address, master.description != node.address { slave.redirected(to: master) }
        case .silent, .shuttingDown, .notYet, .laterEpoch: lost(refusal.words)
        default:
            if state != .refused(refusal.words) { node.log.error("the link to the master was refused", ["why": refusal.words]) }
            state = .refused(refusal.words)
            lost(refusal.words)
        }
    }

    private func joined(_ id: NodeID, _ master: NodeID, _ epoch: Epoch) {
        guard epoch >= node.epoch, epoch <= WriterID.epochMax else {
            return perform(link?.refuse(LinkRefusal(.laterEpoch, "node \(master) leads epoch \(epoch), and epoch \(node.epoch) has begun")) ?? [])
        }
        let current = channel
        slave.joined(id) { [weak self] in
            guard let self, self.channel === current, current?.isOpen == true else { return }
            (self.leader, self.linkEpoch) = (master, epoch)
            self.heardLeader()
            guard self.channel === current else { return }
            // What is acknowledged in an epoch that a crash makes this node forget, an earlier master could have cut.
            guard self.node.electorate.mayPromise() else { return self.lost("the epoch can't be stored") }
            guard !self.isSuspended else {
                self.link?.watch()
                return self.tell()
            }
            // What was on its way to the disk for an earlier link must be there, or gone, before this one goes on from it.
            self.journal.settled { [weak self] in
                guard let self, self.channel === current, current?.isOpen == true else { return }
                self.perform(self.link?.resume(self.journal.history.runs.compactMap(\.end.gtid)) ?? [])
            }
        }
    }

    /// The two logs have this in common: what the journal has beyond it was never acknowledged to anybody.
    private func resumed(after common: Position) {
        guard let leader else { return }
        var following = Following(leader: leader, epoch: linkEpoch)
        let (logEnd, current) = (journal.written, channel)
        for action in following.resumed(after: common, logEnd: logEnd, applied: node.applied.value) {
            switch action {
            case .diverged(let common, let applied):
                let why = "this node has applied \(applied), and its log parts from the master's after \(common)"
                // What only one has was acknowledged to nobody, or was given up with an earlier master.
                if node.electsByItself || Epoch.first < linkEpoch { slave.diverged(why) }
                return gone(why)
            case .cut(let position):
                let path = "\(node.directory.path)/cut-off/after-\(position).binlog"
                return journal.cut(to: position, savingTo: path) { [weak self] result in
                    guard let self, self.channel === current, self.channel != nil else { return }
                    switch result {
                    case .success(let cut):
                        self.node.log.warning(
                            "what this node's log had beyond the cluster's is cut off; it was acknowledged to nobody",
                            [
                                "transactions": "\(cut.transactions)", "after": "\(position)", "first": cut.first.map { "\($0)" } ?? "-",
                                "last": cut.last.map { "\($0)" } ?? "-", "saved": cut.savedTo ?? "-", "epoch": "\(self.linkEpoch)",
                                "reason": "epoch \(self.linkEpoch) of node \(leader) began without it",
                            ])
                        self.matched()
                    case .failure(let problem):
                        guard case .notHeld = problem else { return self.journalFailed(problem) }
                        let why = "its journal can't be cut after \(position): \(problem)"
                        if self.node.electsByItself { self.slave.diverged(why) }
                        self.gone(why)
                    }
                }
            }
        }
        matched()
    }

    private func matched() {
        link?.matched()
        if journalTrouble == nil { retryMs = Self.retryFirstMs }
        state = .receiving
        node.log.notice("receiving from the master", ["master": "\(address?.description ?? "-")", "after": "\(journal.written)"])
        slave.replica.startDatabaseIfSettled()
        slave.linkChanged()
        takeFrames()
    }

    private func gone(_ why: String) {
        state = .gone(why)
        // Its database waits for a verdict that no such master will give.
        if slave.replica.isWaitingForVerdict { slave.diverged(why) }
        node.log.warning("the master can't send what comes next: this slave needs a snapshot", ["position": "\(journal.written)", "why": why])
        slave.linkChanged()
        slave.considerSnapshot()
    }

    private func heard(_ beat: Frame.Beat) {
        lastBeat = beat
        lastBeatMs = EventLoop.nowMs()
        isHeard = true
        heardLeader()
        tell()
        slave.checkCaughtUp()
        slave.considerSnapshot()
    }

    /// Tells the master how far this node is.
    func tell() {
        guard let link else { return }
        perform(link.progressed(slave.ack))
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

    func journalBecameDurable() {
        if journalTrouble != nil {
            node.log.notice("the journal is written again")
            journalTrouble = nil
        }
        tell()
    }

    func journalFailed(_ problem: JournalProblem) {
        // Each attempt fails the same way until somebody makes room.
        if journalTrouble != problem.description { node.log.error("the journal can't be written", ["error": problem.description]) }
        journalTrouble = problem.description
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
        // Who writes on must not do so within a transaction that broke off.
        journal.add(.dropOpenGroup)
    }
}

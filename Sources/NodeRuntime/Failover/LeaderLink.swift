import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Failover
import NodeConfig
import Replication

/// What a link to the leader serves: a slave's receiving, or a witness.
@LoopActor protocol Follower: AnyObject {
    /// How far this node is.
    var ack: Frame.Ack { get }
    /// The leader gave this node another number, which is kept; `done` is called once everything here goes by it.
    func named(_ id: NodeID, _ done: @escaping @LoopActor () -> Void)
    /// The leader let this node in: the link waits for `resume` or `watch`.
    func joined()
    /// What came over the link; the link has done what any link does.
    func perform(_ action: SlaveLink.Action)
    /// Nothing more comes over the link that was.
    func hungUp()
}

/// A follower's link to its leader: dials, joins, tells the election that the leader lives, and dials again when it is lost.
@LoopActor final class LeaderLink: ChannelHandler {
    private static let connectTimeoutMs = 3000
    private static let retryFirstMs = 100
    private static let retryLastMs = 2000

    private enum Phase { case waiting, begun, stopped }

    private unowned let node: Node
    private unowned let follower: any Follower
    /// Where the leader is, or was last. Nil: nobody to dial yet.
    private(set) var address: NodeAddress?
    /// Who is at the other end, once it let this node in.
    private(set) var leader: NodeID?
    /// That it leads.
    private(set) var epoch = Epoch.first
    private var phase = Phase.waiting
    private var dialer: Dialer?
    /// Identifies the link that stands now.
    private(set) var channel: Channel?
    private var link: SlaveLink?
    private var frames = FrameReader(takesEvents: false)
    private var retryMs = LeaderLink.retryFirstMs
    private var retry: TimerID?
    /// The follower sets it where it can't go on with what comes; that lasts until a link is received over.
    var state = State.connecting
    /// No more is read for now.
    private(set) var isPaused = false
    private(set) var lastBeat: Frame.Beat?
    private(set) var lastBeatMs = 0
    /// The last beat came over the link that stands now.
    private(set) var isHeard = false
    /// Over the current link.
    private(set) var receivedBytes = 0

    init(_ node: Node, for follower: any Follower) {
        self.node = node
        self.follower = follower
    }

    /// The number of the last beat over the link that stands now.
    var heardBeat: UInt64 { isHeard ? lastBeat?.number ?? 0 : 0 }
    /// A leader let this node in.
    var isJoined: Bool { leader != nil }
    var isConnected: Bool { link != nil }
    var isReceiving: Bool { link?.isReceiving ?? false }

    // MARK: Dialling

    /// From now on it dials.
    func begin() {
        guard phase == .waiting else { return }
        phase = .begun
        start()
    }

    /// This is where the leader is; with a number, who it is.
    func follow(_ new: NodeAddress, _ id: NodeID? = nil) {
        let isAtIt = leader.map { $0 == id } ?? (new == address)
        address = new
        guard phase == .begun else { return }
        if channel != nil || dialer != nil {
            if isAtIt { return }
            hangUp("the master is another one")
        }
        retryMs = Self.retryFirstMs
        start()
    }

    /// That epoch began: what still comes over a link of an earlier one is not taken any more.
    ///
    /// Within one epoch the link stays: its leader may only have been slow, or not been listened to.
    func began(_ new: Epoch) {
        guard epoch < new, channel != nil, leader != nil else { return }
        hangUp("another epoch has begun")
        retryLater()
    }

    private func start() {
        node.loop.cancel(retry)
        retry = nil
        guard phase == .begun, let address else { return }
        dialer?.cancel()
        dialer = Dialer(node.loop, for: self, host: address.host, port: address.port, timeoutMs: Self.connectTimeoutMs) { this, result in
            this.dialer = nil
            do { try this.connected(try result.get()) } catch { this.lost("cannot reach the master at \(address): \(error)") }
        }
    }

    private func connected(_ descriptor: Int32) throws {
        link = SlaveLink(
            node.linkIdentity, hello: try node.hello(), members: node.membership.uuids, checksum: Digests.crc32,
            timeoutMs: node.settings.replication.peerTimeoutMs,
            nowMs: EventLoop.nowMs())
        frames = FrameReader(takesEvents: !node.isWitness)
        isPaused = false
        // Beats of an earlier leader, heard over the link of a snapshot, are not this one's.
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
        follower.hungUp()
        if state == .receiving { state = .away(why) }
    }

    /// The link broke, or must not stand: it is dialled again.
    func lost(_ why: String) {
        let (before, gone) = (state, leader)
        hangUp(why)
        guard phase != .stopped else { return }
        if before == .receiving {
            node.log.warning("link to the master lost", ["why": why])
        } else {
            node.log.info("no link to the master", ["why": why])
        }
        switch state {
        case .away, .connecting, .receiving: state = .away(why)
        case .gone, .refused, .journalFailed: break
        }
        retryLater()
        if let gone { node.electorate.leaderGone(gone) }
    }

    private func retryLater() {
        node.loop.cancel(retry)
        retry = node.loop.after(milliseconds: retryMs) { [weak self] in self?.start() }
        retryMs = min(retryMs * 2, Self.retryLastMs)
    }

    /// In place of the link that stands another is made, of another kind.
    func linkAnew() {
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

    private func heardLeader() { if let leader { node.electorate.heardLeader(leader, epoch: epoch) } }

    /// Takes what was read already, unless it is paused.
    func takeFrames() {
        do throws(LinkRefusal) {
            while !isPaused, link?.isCutting == false, channel?.isOpen == true, let frame = try frames.next() {
                perform(link?.received(try unpacked(frame), nowMs: EventLoop.nowMs()) ?? [])
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

    /// The link waits, or is read on.
    func pause(_ isFull: Bool) {
        guard isFull != isPaused else { return }
        isPaused = isFull
        if isFull { channel?.pauseReading() } else { channel?.resumeReading() }
    }

    private func perform(_ actions: [SlaveLink.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .joined(let id, let master, let epoch): joined(id, master, epoch)
            case .members(let text):
                node.install(members: text)
                tell()
            case .heard(let beat):
                lastBeat = beat
                lastBeatMs = EventLoop.nowMs()
                isHeard = true
                heardLeader()
                tell()
                follower.perform(action)
            case .close(let refusal): closed(refusal)
            case .resumeAt, .format, .append, .dropOpenGroup, .readAnswer, .committed, .gone: follower.perform(action)
            }
        }
    }

    private func closed(_ refusal: LinkRefusal) {
        switch refusal.reason {
        case .notMaster:
            lost(refusal.words)
            if let master = NodeAddress(refusal.master), master != address, master.description != node.address { follow(master) }
        case .silent, .shuttingDown, .notYet, .laterEpoch: lost(refusal.words)
        case .otherCluster, .badProof, .secretMissing, .idTaken, .badFrame, .badStream, .noSnapshot, .snapshotFailed, .removed:
            if state != .refused(refusal.words) { node.log.error("the link to the master was refused", ["why": refusal.words]) }
            state = .refused(refusal.words)
            lost(refusal.words)
        }
    }

    // MARK: Joining

    private func joined(_ id: NodeID, _ master: NodeID, _ epoch: Epoch) {
        guard epoch >= node.epoch, epoch <= WriterID.epochMax else {
            return perform(link?.refuse(LinkRefusal(.laterEpoch, "node \(master) leads epoch \(epoch), and epoch \(node.epoch) has begun")) ?? [])
        }
        guard node.directory.state.id != id else { return admitted(master, epoch) }
        do throws(SystemError) { try node.directory.keep(id: id) } catch {
            node.log.error("the id given by the master could not be stored", ["error": "\(error)"])
            return lost("the id given by the master could not be stored")
        }
        node.log.notice("joined the cluster", ["id": "\(id)"])
        node.electorate.named()
        let current = channel
        follower.named(id) { [weak self] in
            guard let self, self.channel === current, current?.isOpen == true else { return }
            self.admitted(master, epoch)
        }
    }

    private func admitted(_ master: NodeID, _ epoch: Epoch) {
        // Another may have begun while the database took its number.
        guard epoch >= node.epoch else { return lost("epoch \(node.epoch) has begun") }
        (leader, self.epoch) = (master, epoch)
        let current = channel
        heardLeader()
        guard channel === current else { return }
        // What is acknowledged in an epoch that a crash makes this node forget, an earlier master could have cut.
        guard node.electorate.mayPromise() else { return lost("the epoch can't be stored") }
        follower.joined()
    }

    /// Asks for what comes next. `ends`: of each writer of this node's log the last transaction, oldest first.
    func resume(_ ends: [GTID]) { perform(link?.resume(ends) ?? []) }

    /// Takes nothing: it only hears and tells how far everybody is.
    func watch() {
        link?.watch()
        tell()
    }

    /// This node's log ends where the two logs part: what comes may be taken.
    ///
    /// - Parameter isSound: it will hardly be lost again at once for a reason of this node's own.
    func matched(isSound: Bool = true) {
        link?.matched()
        if isSound { retryMs = Self.retryFirstMs }
        state = .receiving
    }

    // MARK: Telling

    /// Tells the leader how far this node is.
    func tell() {
        guard let link else { return }
        perform(link.progressed(follower.ack))
    }

    /// Asks the leader up to where a read must see.
    func ask(_ number: UInt64) { perform(link?.ask(number) ?? []) }

    /// Called from time to time.
    func tick() {
        // Not reading, it can't blame the leader for its silence.
        if isPaused { link?.heardSomething(nowMs: EventLoop.nowMs()) }
        perform(link?.ticked(nowMs: EventLoop.nowMs()) ?? [])
    }

    func drained() {}
    func inputEnded() { lost("the master closed the link") }
    func ended(_ end: ChannelEnd) { if channel != nil { lost("the link ended: \(end)") } }

    func stop() {
        phase = .stopped
        dialer?.cancel()
        node.loop.cancel(retry)
        let channel = self.channel
        self.channel = nil
        channel?.close()
    }
}

extension Node {
    /// Who this node is, for a new link; its proof is not made yet.
    func hello() throws -> Frame.Hello {
        Frame.Hello(
            cluster: settings.cluster.name, uuid: directory.state.uuid, id: (directory.state.id ?? settings.id)?.rawValue ?? 0, address: address,
            nonce: try Digests.random(32), proof: [], isWitness: isWitness)
    }
}

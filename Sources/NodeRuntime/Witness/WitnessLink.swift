import ClusterModel
import Digests
import EventLoop
import Failover
import NodeConfig
import Replication

/// A witness's link to the leader: the same as a slave's, but for the log. It hears beats and the list of members, and says that it did.
@LoopActor final class WitnessLink: ChannelHandler {
    enum State: Equatable {
        case away(String)
        case connecting
        case attending
        case refused(String)

        /// One word for `.nodes`.
        var word: String {
            switch self {
            case .away, .connecting: "away"
            case .attending: "voting"
            case .refused: "refused"
            }
        }
    }

    private static let connectTimeoutMs = 3000
    private static let retryFirstMs = 100
    private static let retryLastMs = 2000

    private unowned let witness: WitnessLife
    /// Nil: nobody to dial yet.
    private var address: NodeAddress?
    /// Who is at the other end, once it let this node in.
    private var leader: NodeID?
    private var linkEpoch = Epoch.first
    private var dialer: Dialer?
    private var channel: Channel?
    private var link: SlaveLink?
    private var frames = FrameReader(takesEvents: false)
    private var retryMs = WitnessLink.retryFirstMs
    private var retry: TimerID?
    private var isStopped = false
    private(set) var state = State.connecting
    private(set) var lastBeat: Frame.Beat?
    private(set) var lastBeatMs = 0
    /// The last beat came over the link that stands now.
    private(set) var isHeard = false
    /// The number of that beat.
    var heardBeat: UInt64 { isHeard ? lastBeat?.number ?? 0 : 0 }

    init(_ witness: WitnessLife) { self.witness = witness }

    private var node: Node { witness.node }

    // MARK: Dialling

    /// This is where the leader is; with a number, who it is.
    func follow(_ new: NodeAddress?, _ id: NodeID? = nil) {
        if channel != nil || dialer != nil {
            if leader != nil, leader == id { return }
            if new == address, leader == nil { return }
        }
        address = new
        hangUp("the master is another one")
        retryMs = Self.retryFirstMs
        start()
    }

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
        let state = node.directory.state
        let hello = Frame.Hello(
            cluster: node.settings.cluster.name, uuid: state.uuid, id: (state.id ?? node.settings.id)?.rawValue ?? 0, address: node.address,
            nonce: try Digests.random(32), proof: [], isWitness: true)
        link = SlaveLink(
            node.linkIdentity, hello: hello, checksum: Digests.crc32, timeoutMs: node.settings.replication.peerTimeoutMs, nowMs: EventLoop.nowMs())
        frames = FrameReader(takesEvents: false)
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
        if state == .attending { state = .away(why) }
    }

    private func lost(_ why: String) {
        let (wasAttending, gone) = (state == .attending, leader)
        hangUp(why)
        guard !isStopped else { return }
        if wasAttending { node.log.warning("link to the master lost", ["why": why]) } else { node.log.info("no link to the master", ["why": why]) }
        if case .refused = state {} else { state = .away(why) }
        retryLater()
        if let gone { node.electorate.leaderGone(gone) }
    }

    private func retryLater() {
        node.loop.cancel(retry)
        retry = node.loop.after(milliseconds: retryMs) { [weak self] in self?.start() }
        retryMs = min(retryMs * 2, Self.retryLastMs)
    }

    // MARK: Frames

    func received(_ bytes: UnsafeRawBufferPointer) {
        heardLeader()
        frames.append(bytes)
        do throws(LinkRefusal) {
            while channel?.isOpen == true, let frame = try frames.next() { perform(link?.received(frame, nowMs: EventLoop.nowMs()) ?? []) }
        } catch {
            perform(link?.refuse(error) ?? [])
        }
    }

    private func heardLeader() { if let leader { node.electorate.heardLeader(leader, epoch: linkEpoch) } }

    private func perform(_ actions: [SlaveLink.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .joined(let id, let master, let epoch): joined(id, master, epoch)
            case .resumeAt: attend()
            case .members(let text):
                node.install(members: text)
                tell()
            case .heard(let beat):
                lastBeat = beat
                lastBeatMs = EventLoop.nowMs()
                isHeard = true
                tell()
            case .close(let refusal): closed(refusal)
            case .committed, .readAnswer, .gone, .format, .append, .dropOpenGroup: break  // a witness holds no log
            }
        }
    }

    private func joined(_ id: NodeID, _ master: NodeID, _ epoch: Epoch) {
        guard epoch >= node.epoch else {
            return perform(link?.refuse(LinkRefusal(.laterEpoch, "node \(master) leads epoch \(epoch), and epoch \(node.epoch) has begun")) ?? [])
        }
        guard witness.joined(id) else { return lost("the id could not be stored") }
        (leader, linkEpoch) = (master, epoch)
        heardLeader()
        perform(link?.resume([]) ?? [])
    }

    private func attend() {
        link?.matched()
        retryMs = Self.retryFirstMs
        state = .attending
        node.log.notice("attending the master", ["master": "\(address?.description ?? "-")"])
        tell()
    }

    private func closed(_ refusal: LinkRefusal) {
        switch refusal.reason {
        case .notMaster:
            lost(refusal.words)
            if let master = NodeAddress(refusal.master), master != address, master.description != node.address { witness.redirected(to: master) }
        case .silent, .shuttingDown, .laterEpoch: lost(refusal.words)
        default:
            if state != .refused(refusal.words) { node.log.warning("the link to the master was refused", ["why": refusal.words]) }
            state = .refused(refusal.words)
            lost(refusal.words)
        }
    }

    /// Tells the leader that it was heard.
    private func tell() {
        guard let link else { return }
        perform(link.progressed(witness.ack))
    }

    /// Called from time to time.
    func tick() { perform(link?.ticked(nowMs: EventLoop.nowMs()) ?? []) }

    func drained() {}
    func inputEnded() { lost("the master closed the link") }
    func ended(_ end: ChannelEnd) { if channel != nil { lost("the link ended: \(end)") } }

    func stop() {
        isStopped = true
        node.loop.cancel(retry)
        hangUp("this node is stopping")
    }
}

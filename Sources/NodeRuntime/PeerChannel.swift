import ClusterModel
import Digests
import EventLoop
import NodeConfig
import Replication

/// The asking side of a connection between peers: dials, proves, then passes on what comes.
@LoopActor final class PeerChannel: ChannelHandler {
    enum Event {
        /// The other side is whom it should be.
        case ready
        /// What answers the last `ask`.
        case answered(Frame)
        case snapshot(PeerAsker.SnapshotStep)
        /// It is over, and why; told once, but not after `close()`.
        case ended(LinkRefusal)
    }

    private let node: Node
    private var event: (@LoopActor (Event) -> Void)?
    private var dialer: Dialer?
    private var channel: Channel?
    private var link: PeerAsker
    private var frames = FrameReader(takesEvents: false)
    private(set) var lastHeardMs = EventLoop.nowMs()
    var isConnected: Bool { channel != nil }

    /// Not reading any further.
    var isPaused = false {
        didSet {
            guard isPaused != oldValue else { return }
            if isPaused { channel?.pauseReading() } else { channel?.resumeReading() }
            if !isPaused { takeFrames() }
        }
    }

    /// Dials at once; `event` is not called from within.
    init(_ node: Node, _ id: NodeID, at address: NodeAddress, connectMs: Int, event: @escaping @LoopActor (Event) -> Void) throws(Digests
        .NoRandomness)
    {
        self.node = node
        self.event = event
        let hello = Frame.Hello(
            cluster: node.settings.cluster.name, uuid: node.directory.state.uuid, id: node.id.rawValue, address: node.address,
            nonce: try Digests.random(32), proof: [])
        link = PeerAsker(node.linkIdentity, wanted: id, uuid: node.membership.uuids[id], hello: hello)
        dialer = Dialer(node.loop, for: self, host: address.host, port: address.port, timeoutMs: connectMs) { this, result in
            this.dialer = nil
            do { try this.connected(try result.get()) } catch { this.end("it can't be reached: \(error)") }
        }
    }

    private func connected(_ descriptor: Int32) throws {
        let channel = Channel(node.loop, descriptor)
        try channel.start(self)
        self.channel = channel
        lastHeardMs = EventLoop.nowMs()
        channel.write(Array(".peer 1\n".utf8))
    }

    /// Once it is ready, and the answer to what was asked before is here.
    func ask(_ fields: [String?]) { perform(link.ask(fields)) }

    func wantSnapshot(_ kind: SnapshotKind) { perform(link.wantSnapshot(kind)) }

    func received(_ bytes: UnsafeRawBufferPointer) {
        lastHeardMs = EventLoop.nowMs()
        frames.append(bytes)
        takeFrames()
    }

    private func takeFrames() {
        do throws(LinkRefusal) {
            while !isPaused, channel?.isOpen == true, let frame = try frames.next() { perform(link.received(frame)) }
        } catch {
            perform(link.refuse(error))
        }
    }

    private func perform(_ actions: [PeerAsker.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .ready: event?(.ready)
            case .answered(let frame): event?(.answered(frame))
            case .snapshot(let step): event?(.snapshot(step))
            case .close(let refusal): end(refusal)
            }
        }
    }

    private func end(_ words: String) { end(LinkRefusal(.silent, words)) }

    private func end(_ refusal: LinkRefusal) {
        let event = self.event
        close()
        event?(.ended(refusal))
    }

    /// Ends it; nothing is told any more.
    func close() {
        event = nil
        dialer?.cancel()
        dialer = nil
        let old = channel
        channel = nil
        old?.handOver(to: Deaf())
        old?.closeWhenSent()
    }

    func drained() {}
    func inputEnded() { end("it closed the connection") }
    func ended(_ end: ChannelEnd) { if channel != nil { self.end("the connection to it ended: \(end)") } }
}

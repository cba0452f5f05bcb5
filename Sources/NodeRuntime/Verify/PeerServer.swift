import ClusterModel
import Digests
import EventLoop
import NodeConfig
import Replication
import Verification

/// Another node that asks this one, over a connection that began with `.peer 1`.
@LoopActor final class PeerServer: ChannelHandler {
    private static let idleMsMax = 300_000
    private static let tickMs = 5000

    private let node: Node
    private let channel: Channel
    private var link: PeerAnswerer
    private var frames = FrameReader(takesEvents: false)
    private var worker: VerifyWorker?
    private var giving: SnapshotGiving?
    /// The other node has proven what it is.
    private(set) var hasGreeted = false

    init(_ node: Node, _ channel: Channel) throws(Digests.NoRandomness) {
        self.node = node
        self.channel = channel
        link = PeerAnswerer(
            node.linkIdentity, own: node.id, epoch: node.epoch, nonce: try Digests.random(32), idleMsMax: Self.idleMsMax, nowMs: EventLoop.nowMs())
    }

    func begin(rest: [UInt8]) {
        node.verifier.peers[ObjectIdentifier(self)] = self
        node.unproven.enter(self, placesMax: Node.unprovenMax) { [weak self] _ in self?.channel.close() }
        perform(link.opening)
        rest.withUnsafeBytes { received($0) }
        tickLater()
    }

    private func tickLater() {
        node.loop.after(milliseconds: Self.tickMs) { [weak self] in
            guard let self, self.channel.isOpen else { return }
            self.perform(self.link.ticked(nowMs: EventLoop.nowMs()))
            self.tickLater()
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        frames.append(bytes)
        do throws(LinkRefusal) {
            while channel.isOpen, let frame = try frames.next() { perform(link.received(frame, nowMs: EventLoop.nowMs())) }
        } catch {
            perform(link.refuse(error))
        }
    }

    private func perform(_ actions: [PeerAnswerer.Action]) {
        for action in actions {
            switch action {
            case .send(let frame):
                if case .welcome = frame {
                    hasGreeted = true
                    node.unproven.leave(self)
                }
                channel.write { frame.encode(into: &$0) }
            case .answer(let fields): answer(fields)
            case .giveSnapshot(let kind): giveSnapshot(kind)
            case .close(let refusal):
                node.log.warning("a peer's connection ended", ["why": refusal.words])
                channel.closeWhenSent()
            }
        }
    }

    private func answer(_ fields: [String?]) {
        if let peer = link.peer, let id = NodeID(rawValue: peer.id), let rows = node.electorate.answer(fields, from: id, uuid: peer.uuid) {
            return say(rows.isEmpty ? .notTold([]) : .told(rows))
        }
        guard let request = VerifyRequest(fields) else {
            return say(.notTold(VerifyProblem.failed("this version does not know that request").fields))
        }
        guard let worker = worker ?? node.verifier.lease() else { return say(.notTold(VerifyProblem.busy.fields)) }
        self.worker = worker
        Task {
            do throws(VerifyProblem) {
                let frame = Frame.told(try await worker.ask(request).rows)
                var bytes: [UInt8] = []
                frame.encode(into: &bytes)
                guard bytes.count < Frame.smallBytesMax else { throw .failed("its keys or definition are too long to be told") }
                say(frame)
            } catch {
                say(.notTold(error.fields))
            }
        }
    }

    private func giveSnapshot(_ kind: SnapshotKind) {
        channel.highWater = node.settings.replication.sendBufferBytes
        let taker = link.peer.map { "\($0.id)@\($0.address)" } ?? "-"
        let giving = SnapshotGiving(node, channel, kind, taker: taker) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let done): self.perform(self.link.given(done, nowMs: EventLoop.nowMs()))
            case .failure(let refusal): self.perform(self.link.refuse(refusal))
            }
        }
        self.giving = giving
        node.snapshots.give(giving)
    }

    private func say(_ frame: Frame) { perform(link.answered(frame, nowMs: EventLoop.nowMs())) }

    func drained() { giving?.drained() }
    func inputEnded() { channel.close() }

    func ended(_ end: ChannelEnd) {
        node.unproven.leave(self)
        giving?.close()
        node.verifier.release(worker)
        worker = nil
        node.verifier.peers[ObjectIdentifier(self)] = nil
    }

    func close() { channel.close() }
}

import ClusterModel
import Digests
import EventLoop
import MariaDBConnector
import MariaDBServer
import NodeConfig
import Replication

extension SHA256Stream: StreamDigest {}

/// One slave's snapshot, from the master's database into the slave's channel as fast as that takes it.
@LoopActor final class SnapshotGiving {
    private static let wordsMax = 1000

    private unowned let node: Node
    private let desk: SnapshotDesk
    private let channel: Channel
    /// Who it is for.
    let slave: String
    private let refused: @LoopActor (LinkRefusal) -> Void
    private var source: SnapshotSource?
    private var isAsked = false
    private var isOver = false
    private(set) var bytes: UInt64 = 0
    /// How much the slave had taken when that last changed, and when it was.
    private var taken: UInt64 = 0
    private var takenMs = 0

    /// `refused` hears why there is no snapshot, once.
    init(_ node: Node, _ desk: SnapshotDesk, _ channel: Channel, slave: String, refused: @escaping @LoopActor (LinkRefusal) -> Void) {
        self.node = node
        self.desk = desk
        self.channel = channel
        self.slave = slave
        self.refused = refused
    }

    func isQueued(behind count: Int) { send(.snapshotQueued(ahead: UInt32(clamping: count))) }

    /// It is this one's turn.
    func begin() {
        guard let target = node.administratorTarget, case .socket(let socket) = target.endpoint else {
            return fail("the master's database is down")
        }
        node.log.notice("giving a snapshot", ["slave": slave])
        let options = SnapshotSourceOptions(
            directory: node.directory.path, socket: socket, user: target.account.user, password: target.account.password)
        let loop = node.loop
        let source = SnapshotSource(options, digest: SHA256Stream()) { [weak self] event in loop.post { self?.heard(event) } }
        self.source = source
        takenMs = EventLoop.nowMs()
        source.start()
        ask()
    }

    private func heard(_ event: SnapshotSource.Event) {
        guard !isOver else { return }
        switch event {
        case .piece(let piece):
            // Before the write: the channel may drain from within it.
            isAsked = false
            bytes += UInt64(piece.count)
            send(.snapshotData(piece))
            if !channel.isFull { ask() }
        case .finished(let summary):
            send(.snapshotDone(Frame.SnapshotDone(bytes: summary.bytes, digest: summary.digest, position: summary.position)))
            node.log.notice("snapshot given", ["slave": slave, "bytes": "\(bytes)", "position": "\(summary.position)"])
            close()
        case .failed(let problem): fail("\(problem)")
        }
    }

    private func ask() {
        guard !isAsked, !isOver, let source else { return }
        isAsked = true
        source.next()
    }

    /// The slave has read some.
    func drained() { ask() }

    /// Called from time to time: a slave that takes nothing is given up. The end of a copy is made with the database's commits held, and waits for
    /// whoever takes the stream.
    func tick() {
        guard source != nil else { return }
        let now = EventLoop.nowMs()
        if taken != channel.sentTotal || !channel.isFull { (taken, takenMs) = (channel.sentTotal, now) }
        guard now - takenMs > node.settings.replication.peerTimeoutMs else { return }
        fail("the slave took nothing of it for \(now - takenMs) ms")
    }

    private func send(_ frame: Frame) { channel.write { frame.encode(into: &$0) } }

    private func fail(_ why: String) {
        guard !isOver else { return }
        node.log.error("a snapshot could not be given", ["slave": slave, "why": why])
        close()
        refuse(LinkRefusal(.snapshotFailed, String(why.prefix(Self.wordsMax))))
    }

    func refuse(_ refusal: LinkRefusal) { refused(refusal) }

    /// Ends the copy, if one is under way.
    func close() {
        guard !isOver else { return }
        isOver = true
        source?.cancel()
        source = nil
        desk.left(self)
    }
}

import ClusterModel
import Digests
import EventLoop
import MariaDBServer
import NodeConfig
import Replication

/// One attempt of a slave to get a snapshot: dials the master, joins, feeds what comes to the restore, until the copy is whole or something broke.
@LoopActor final class SnapshotTaking: ChannelHandler {
    enum Phase: Equatable {
        case connecting
        case queued(ahead: Int)
        case receiving
        case preparing
    }

    enum End {
        /// Whole, on disk, beside the database that is there.
        case ready(Position)
        /// Another attempt may come through.
        case failed(String)
        /// The master gives none.
        case refused(String)
    }

    private static let connectTimeoutMs = 3000
    /// What may wait for the disk before the link is not read any further.
    private static let pendingBytesMax: UInt64 = 4 << 20
    private static let logEveryMs = 10_000

    private unowned let slave: SlaveLife
    private let address: NodeAddress
    private var whenOver: (@LoopActor (End) -> Void)?
    private var dialer: Dialer?
    private var channel: Channel?
    private var link: SlaveLink?
    private var frames = FrameReader(takesEvents: false)
    private var restore: SnapshotRestore?
    private var taken: UInt64 = 0
    private var isPaused = false
    private var lastLogMs = EventLoop.nowMs()
    private(set) var phase = Phase.connecting
    /// That came so far.
    private(set) var bytes: UInt64 = 0

    /// Begins at once; `over` is called once, unless `stop()` came first.
    init(_ slave: SlaveLife, master: NodeAddress, over: @escaping @LoopActor (End) -> Void) {
        self.slave = slave
        address = master
        whenOver = over
        dialer = Dialer(node.loop, host: address.host, port: address.port, timeoutMs: Self.connectTimeoutMs) { [weak self] result in
            guard let self else { return }
            self.dialer = nil
            do {
                try self.connected(try result.get())
            } catch {
                self.fail("cannot reach the master at \(self.address): \(error)")
            }
        }
    }

    private var node: Node { slave.node }

    /// How far it is, as a part of a sentence.
    var words: String {
        switch phase {
        case .connecting: "connecting to the master at \(address)"
        case .queued(let ahead): "waiting for its turn, \(ahead) other\(ahead == 1 ? "" : "s") first"
        case .receiving: "receiving, \(bytes) bytes so far"
        case .preparing: "making what was received consistent, \(bytes) bytes"
        }
    }

    // MARK: The link

    private func connected(_ descriptor: Int32) throws {
        link = SlaveLink(
            node.linkIdentity, hello: try slave.hello(), checksum: Digests.crc32, timeoutMs: node.settings.replication.peerTimeoutMs,
            nowMs: EventLoop.nowMs())
        let channel = Channel(node.loop, descriptor)
        try channel.start(self)
        self.channel = channel
        channel.write(Array(".link 1\n".utf8))
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        link?.heardSomething(nowMs: EventLoop.nowMs())
        frames.append(bytes)
        takeFrames()
    }

    private func takeFrames() {
        do throws(LinkRefusal) {
            while !isPaused, channel?.isOpen == true, let frame = try frames.next() { perform(link?.received(frame, nowMs: EventLoop.nowMs()) ?? []) }
        } catch {
            perform(link?.refuse(error) ?? [])
        }
    }

    private func perform(_ actions: [SlaveLink.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel?.write { frame.encode(into: &$0) }
            case .joined(let id, _, let epoch):
                guard epoch >= slave.node.epoch else { return fail("the master there is none any more") }
                slave.joined(id) { [weak self] in
                    guard let self else { return }
                    self.perform(self.link?.wantSnapshot() ?? [])
                }
            case .snapshot(let step): took(step)
            case .heard(let beat): slave.heardOverSnapshot(beat)
            case .close(let refusal):
                if refusal.reason == .noSnapshot { end(.refused(refusal.words)) } else { fail(refusal.words) }
            case .committed, .readAnswer: break
            case .format, .append, .dropOpenGroup, .gone, .resumeAt, .members: fail("the master sent what was not asked for")
            }
        }
    }

    private func took(_ step: SlaveLink.SnapshotStep) {
        switch step {
        case .queued(let ahead):
            phase = .queued(ahead: ahead)
            node.log.notice("waiting for a snapshot", ["ahead": "\(ahead)"])
        case .piece(let piece):
            if restore == nil { beginRestore() }
            bytes += UInt64(piece.count)
            restore?.give(piece)
            checkPressure()
        case .done(let done):
            restore?.finish(SnapshotSummary(bytes: done.bytes, digest: done.digest, position: done.position))
            if restore == nil { fail("the snapshot is empty") }
        }
    }

    // MARK: The restore

    private func beginRestore() {
        phase = .receiving
        node.log.notice("receiving a snapshot", ["master": "\(address)"])
        let loop = node.loop
        let restore = SnapshotRestore(directory: node.directory.path, digest: SHA256Stream()) { [weak self] event in
            loop.post { self?.heard(event) }
        }
        self.restore = restore
        restore.start()
    }

    private func heard(_ event: SnapshotRestore.Event) {
        guard whenOver != nil else { return }
        switch event {
        case .taken(let total):
            taken = total
            checkPressure()
            takeFrames()
        case .preparing:
            phase = .preparing
            node.log.notice("snapshot received; making it consistent", ["bytes": "\(bytes)"])
        case .ready(let position): end(.ready(position))
        case .failed(let problem): fail("\(problem)")
        }
    }

    /// The disk is slower than the link: the link waits.
    private func checkPressure() {
        let isFull = bytes - taken > Self.pendingBytesMax
        guard isFull != isPaused else { return }
        isPaused = isFull
        if isFull { channel?.pauseReading() } else { channel?.resumeReading() }
    }

    // MARK: Time and end

    /// Called from time to time.
    func tick() {
        let now = EventLoop.nowMs()
        // Not reading, it can't blame the master for its silence.
        if isPaused { link?.heardSomething(nowMs: now) }
        perform(link?.progressed(slave.ack) ?? [])
        perform(link?.ticked(nowMs: now) ?? [])
        guard phase == .receiving, now - lastLogMs >= Self.logEveryMs else { return }
        lastLogMs = now
        node.log.notice("receiving a snapshot", ["bytes": "\(bytes)"])
    }

    func drained() {}
    func inputEnded() { lost("the master closed the connection") }
    func ended(_ end: ChannelEnd) { lost("the connection ended: \(end)") }

    /// Once all is here, the master is not needed any more.
    private func lost(_ why: String) {
        if phase == .preparing { hangUp() } else { fail(why) }
    }

    private func fail(_ why: String) { end(.failed(why)) }

    private func end(_ how: End) {
        guard let over = whenOver else { return }
        stop()
        over(how)
    }

    /// Gives up; what was received is removed unless it is whole.
    func stop() {
        whenOver = nil
        dialer?.cancel()
        restore?.cancel()
        restore = nil
        hangUp()
    }

    private func hangUp() {
        let old = channel
        channel = nil
        link = nil
        old?.handOver(to: Deaf())
        old?.closeWhenSent()
    }
}

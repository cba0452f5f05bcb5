import ClusterModel
import Digests
import EventLoop
import MariaDBServer
import NodeConfig
import Replication

/// One attempt to get a snapshot of one node: dials it, feeds what comes to the restore, until the copy is whole or something broke.
@LoopActor final class SnapshotTaking {
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
        /// That node gives none, now or later.
        case refused(String)
    }

    private static let connectTimeoutMs = 3000
    /// What may wait for the disk before the link is not read any further.
    private static let pendingBytesMax: UInt64 = 4 << 20
    private static let logEveryMs = 10_000

    private unowned let slave: SlaveLife
    private let giver: NodeStatus
    /// What this node holds already: a copy of less is of no use.
    private let floor: Position
    private var whenOver: (@LoopActor (End) -> Void)?
    private var channel: PeerChannel?
    private var restore: (any SnapshotReceiver)?
    private var taken: UInt64 = 0
    private var lastLogMs = EventLoop.nowMs()
    /// Not reading, it can't blame the other for its silence.
    private var pausedMs = 0
    private var lastTakenMs = EventLoop.nowMs()
    private(set) var phase = Phase.connecting
    /// That came so far.
    private(set) var bytes: UInt64 = 0

    /// Begins at once; `over` is called once, unless `stop()` came first.
    init(_ slave: SlaveLife, from giver: NodeStatus, at address: NodeAddress, floor: Position, over: @escaping @LoopActor (End) -> Void) {
        self.slave = slave
        self.giver = giver
        self.floor = floor
        whenOver = over
        do throws(Digests.NoRandomness) {
            channel = try PeerChannel(node, giver.id, at: address, connectMs: Self.connectTimeoutMs) { [weak self] in self?.heard($0) }
        } catch {
            // Not from within: who makes this one waits for it.
            node.loop.after(milliseconds: 0) { [weak self] in self?.fail("\(error)") }
        }
    }

    private var node: Node { slave.node }
    /// An external database's files are not the node's.
    private var kind: SnapshotKind { node.settings.database.mode == .private ? .physical : .logical }
    private var giverWords: String { giver.wordsAsGiver }

    /// How far it is, as a part of a sentence.
    var words: String {
        switch phase {
        case .connecting: "connecting to \(giverWords)"
        case .queued(let ahead): "waiting for its turn at \(giverWords), \(ahead) other\(ahead == 1 ? "" : "s") first"
        case .receiving: "receiving from \(giverWords), \(bytes) bytes so far"
        case .preparing: "making what was received consistent, \(bytes) bytes"
        }
    }

    // MARK: The link

    private func heard(_ event: PeerChannel.Event) {
        switch event {
        case .ready: channel?.wantSnapshot(kind)
        case .snapshot(let step): took(step)
        case .ended(let refusal): if refusal.reason == .noSnapshot { end(.refused(refusal.words)) } else { fail(refusal.words) }
        case .answered: fail("it sent what was not asked for")
        }
    }

    private func took(_ step: PeerAsker.SnapshotStep) {
        switch step {
        case .queued(let ahead):
            guard restore == nil, ahead > 0, phase != .queued(ahead: ahead) else { return }
            phase = .queued(ahead: ahead)
            node.log.notice("waiting for a snapshot", ["from": giverWords, "ahead": "\(ahead)"])
        case .piece(let piece):
            if restore == nil { beginRestore() }
            bytes += UInt64(piece.count)
            restore?.give(piece)
            checkPressure()
        case .done(let done):
            guard let restore else { return fail("the snapshot is empty") }
            guard done.position.sequence >= floor.sequence else {
                return fail("its copy is at \(done.position), and this node holds \(floor) already")
            }
            restore.finish(SnapshotSummary(bytes: done.bytes, digest: done.digest, position: done.position))
            // What is left to do needs nobody else.
            hangUp()
        }
    }

    // MARK: The restore

    private func beginRestore() {
        phase = .receiving
        node.log.notice("receiving a snapshot", ["from": giverWords])
        let loop = node.loop
        let directory = node.directory.path
        let heard: @Sendable (SnapshotRestore.Event) -> Void = { [weak self] event in loop.post { self?.heard(event) } }
        let restore: any SnapshotReceiver =
            switch kind {
            case .physical: SnapshotRestore(directory: directory, digest: StreamHash(), onEvent: heard)
            case .logical: SnapshotSpool(directory: directory, digest: StreamHash(), onEvent: heard)
            }
        self.restore = restore
        restore.start()
    }

    private func heard(_ event: SnapshotRestore.Event) {
        guard whenOver != nil else { return }
        switch event {
        case .taken(let total):
            taken = total
            lastTakenMs = EventLoop.nowMs()
            checkPressure()
        case .preparing:
            phase = .preparing
            node.log.notice("snapshot received; making it consistent", ["bytes": "\(bytes)"])
        case .ready(let position): end(.ready(position))
        case .failed(let problem): fail("\(problem)")
        }
    }

    /// The disk is slower than the link: the link waits.
    private func checkPressure() { channel?.isPaused = bytes - taken > Self.pendingBytesMax }

    // MARK: Time and end

    /// Called from time to time.
    func tick() {
        let now = EventLoop.nowMs()
        let limit = node.settings.replication.peerTimeoutMs
        if let channel, channel.isPaused {
            // Not reading, it can't blame the other for its silence, nor hear that it was given up there.
            pausedMs = now
            // The other, if it lives, gives up first and knows why.
            guard now - lastTakenMs <= 2 * limit else { return fail("what came could not be unpacked for \(now - lastTakenMs) ms") }
        } else if let channel, channel.isConnected {
            let silentMs = now - max(channel.lastHeardMs, pausedMs)
            guard silentMs <= limit else { return fail("nothing was heard for \(silentMs) ms") }
        }
        guard phase == .receiving, now - lastLogMs >= Self.logEveryMs else { return }
        lastLogMs = now
        node.log.notice("receiving a snapshot", ["bytes": "\(bytes)"])
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
        restore?.cancel()
        restore = nil
        hangUp()
    }

    private func hangUp() {
        channel?.close()
        channel = nil
    }
}

extension NodeStatus {
    /// Who a snapshot comes from, as a part of a sentence.
    var wordsAsGiver: String { role == .master ? "the master, node \(id) at \(address)" : "node \(id) at \(address)" }
}

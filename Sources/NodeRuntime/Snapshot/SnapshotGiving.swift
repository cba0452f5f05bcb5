import ClusterModel
import Digests
import EventLoop
import MariaDBConnector
import MariaDBServer
import NodeConfig
import Replication

extension StreamHash: StreamDigest {}

/// One node's snapshot, from this node's database into its channel as fast as that takes it.
@LoopActor final class SnapshotGiving {
    typealias End = Result<Frame.SnapshotDone, LinkRefusal>

    private static let wordsMax = 1000

    private unowned let node: Node
    private let channel: Channel
    let kind: SnapshotKind
    /// Who it is for.
    let taker: String
    private let over: @LoopActor (End) -> Void
    private var source: SnapshotSource?
    /// Whose database is copied, where that applies another node's log.
    private var replica: Replica?
    /// What the databases were made of when a logical copy began.
    private var definitions: DefinitionsMark?
    /// Pieces that were asked for: the next are read while one is sent.
    private var asked = 0
    private static let askedMax = 4
    private var isOver = false
    private(set) var bytes: UInt64 = 0
    /// How much the taker had taken when that last changed, and when it was.
    private var taken: UInt64 = 0
    private var takenMs = 0

    /// `over` hears that all was sent, or why not; unless `close()` came first.
    init(_ node: Node, _ channel: Channel, _ kind: SnapshotKind, taker: String, over: @escaping @LoopActor (End) -> Void) {
        self.node = node
        self.channel = channel
        self.kind = kind
        self.taker = taker
        self.over = over
    }

    func isQueued(behind count: Int) { if !channel.isFull { send(.snapshotQueued(ahead: UInt32(clamping: count))) } }

    /// It is this one's turn.
    func begin() {
        guard let target = node.administratorTarget else { return fail("the giving node's database is down") }
        if let refusal = node.snapshots.refusal(kind) { return fail(refusal.words) }
        node.log.notice("giving a snapshot", ["to": taker, "kind": "\(kind)"])
        replica = (node.life as? SlaveLife)?.replica
        replica?.isCopied = true
        var options = SnapshotSourceOptions(directory: node.directory.path, login: ServerLogin(target))
        switch kind {
        case .physical:
            options.isReplica = replica != nil
            start(options)
        case .logical:
            options.kind = .logical
            holdDefinitions { [weak self] in self?.start(options) }
        }
    }

    /// A definition that changed behind the position, and stands in the copy all the same, can't be applied there. A slave rests for it, a master is
    /// looked at again afterwards.
    private func holdDefinitions(_ done: @escaping @LoopActor () -> Void) {
        if replica != nil {
            return node.control.query("STOP SLAVE SQL_THREAD") { [weak self] result in
                if case .failure(let error) = result { self?.fail("the giving slave's database can't rest: \(error)") } else { done() }
            }
        }
        DefinitionsMark.find(node.control) { [weak self] result in
            switch result {
            case .success(let mark):
                self?.definitions = mark
                done()
            case .failure(let error): self?.fail("the giving node's definitions can't be read: \(error)")
            }
        }
    }

    private func start(_ options: SnapshotSourceOptions) {
        guard !isOver else { return }
        let loop = node.loop
        let source = SnapshotSource(options, digest: StreamHash()) { [weak self] event in loop.post { self?.heard(event) } }
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
            asked -= 1
            bytes += UInt64(piece.count)
            send(.snapshotData(piece))
            if !channel.isFull { ask() }
        case .finished(let summary):
            guard let definitions else { return finish(summary) }
            self.definitions = nil
            DefinitionsMark.find(node.control) { [weak self] result in
                guard let self, !self.isOver else { return }
                switch result {
                case .success(definitions): self.finish(summary)
                case .success: self.fail("a definition changed while the giving master's database was copied")
                case .failure(let error): self.fail("the giving node's definitions can't be read: \(error)")
                }
            }
        case .failed(let problem): fail("\(problem)")
        }
    }

    private func finish(_ summary: SnapshotSummary) {
        node.log.notice("snapshot given", ["to": taker, "bytes": "\(bytes)", "position": "\(summary.position)"])
        close()
        over(.success(Frame.SnapshotDone(bytes: summary.bytes, digest: summary.digest, position: summary.position)))
    }

    private func ask() {
        guard !isOver, let source else { return }
        while asked < Self.askedMax {
            asked += 1
            source.next()
        }
    }

    /// The taker has read some.
    func drained() { ask() }

    /// Called from time to time: a taker that takes nothing is given up. The end of a copy is made with the database's commits held, and waits for
    /// whoever takes the stream.
    func tick() {
        guard source != nil else { return }
        if let replica, replica.journal.index.totalBytes > node.settings.replication.journalBytesMax {
            return fail("the giving node's journal is full, and must be applied first")
        }
        // The program may have nothing to say for long; the taker must not think that nobody is here.
        isQueued(behind: 0)
        let now = EventLoop.nowMs()
        if taken != channel.sentTotal || !channel.isFull { (taken, takenMs) = (channel.sentTotal, now) }
        guard now - takenMs > node.settings.replication.peerTimeoutMs else { return }
        fail("the taker took nothing of it for \(now - takenMs) ms")
    }

    private func send(_ frame: Frame) { channel.write { frame.encode(into: &$0) } }

    func fail(_ why: String) {
        guard !isOver else { return }
        node.log.error("a snapshot could not be given", ["to": taker, "why": why])
        close()
        refuse(LinkRefusal(.snapshotFailed, String(why.prefix(Self.wordsMax))))
    }

    func refuse(_ refusal: LinkRefusal) { over(.failure(refusal)) }

    /// Ends the copy, if one is under way.
    func close() {
        guard !isOver else { return }
        isOver = true
        source?.cancel()
        source = nil
        replica?.isCopied = false
        replica = nil
        node.snapshots.left(self)
    }
}

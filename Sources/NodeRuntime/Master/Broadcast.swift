import ClusterModel
import EventLoop
import MariaDBConnector
import Replication

/// The end of the master's binlog, read once for all slaves that keep up with it.
@LoopActor final class Broadcast {
    private static let ringBytesMax = 4 << 20

    private unowned let node: Node
    private var stream: BinlogStream?
    private var ring = EventRing(after: .start, bytesMax: 0)
    private var followers: [SlaveFeed] = []
    private var isPaused = false
    /// Commits wait for what the slaves say, so it reads on though there is no slave.
    private var readsAlways = false
    private var holdsCommits = false
    /// Whether the database is set up for it.
    private var mayBegin: @LoopActor () -> Bool = { true }
    /// The master's binlog is read up to here, and so on its disk.
    var reached: (@LoopActor (Position) -> Void)?

    init(_ node: Node) { self.node = node }

    /// From here on commits wait for `release(upTo:)`, or with `holds` false are only counted. `position`: nothing up to there waits.
    func holdCommits(after position: Position, holds: Bool, mayBegin: @escaping @LoopActor () -> Bool) {
        guard !readsAlways || holdsCommits != holds else { return }
        leaveAll()
        readsAlways = true
        holdsCommits = holds
        self.mayBegin = mayBegin
        begin(after: position)
    }

    /// What the server sends over the old connection, and whether it listens there, can't be relied on any more.
    func readAgain() {
        guard stream != nil else { return }
        leaveAll()
        begin(after: node.applied.value)
    }

    func release(upTo position: Position) { stream?.release(upTo: position) }

    /// Commits wait no more.
    func letCommitsGo() {
        guard readsAlways, let stream else { return }
        stream.release(upTo: stream.last)
        let position = stream.last
        leaveAll()
        (readsAlways, holdsCommits, mayBegin) = (false, false, { true })
        if !followers.isEmpty { begin(after: position) }
    }

    /// Ends the stream: every slave reads by itself until it comes upon the next one.
    private func leaveAll() {
        end()
        for feed in followers { feed.leaveIfBehind() }
    }

    // MARK: Slaves

    /// A slave is to be fed, now or once it has caught up.
    func add(_ feed: SlaveFeed, after position: Position) {
        followers.append(feed)
        // A node that has just started may not know yet how long its binlog is. What waits is asked for again, whatever slaves have of it.
        if stream == nil { begin(after: holdsCommits ? node.applied.value : max(position, node.applied.value)) }
    }

    func remove(_ feed: SlaveFeed) {
        followers.removeAll { $0 === feed }
        if followers.isEmpty, !readsAlways { end() } else { makeRoom() }
    }

    /// Where a slave joins in that has all up to `position`; nil when it must read the binlog itself for now.
    func follower(of position: Position) -> Int? { stream == nil ? nil : ring.follower(of: position) }

    func batch(_ number: Int) -> EventRing.Batch? { ring.batch(number) }

    /// A slave at that batch was left behind.
    func hasDropped(_ number: Int) -> Bool { stream == nil || number < ring.first }

    /// What a slave must be told before the first event; empty when that comes by itself.
    var format: [UInt8] { stream?.format ?? [] }

    /// A slave took some.
    func advanced() { makeRoom() }

    // MARK: The stream

    private func begin(after position: Position) {
        ring = EventRing(after: position, bytesMax: Self.ringBytesMax)
        isPaused = false
        // No slave's number, so no slave's own reading ends this one.
        stream = BinlogStream(
            node, after: position, serverID: node.id.rawValue, gathers: !holdsCommits,
            BinlogStream.Reader(
                take: { [weak self] in self?.take($0, $1, $2) ?? false }, holdsCommits: holdsCommits,
                readsAhead: { [weak self] in self?.readsAhead ?? false },
                synced: { [weak self] in self?.reached?($0) }, mayBegin: mayBegin,
                gone: { [weak self] in self?.gone($0) }))
        if let limit = node.applied.limit { stream?.release(upTo: limit) }
    }

    /// Slaves may have a transaction before this node's disk does: where the machine's end took it, nobody leads on without it unasked.
    private var readsAhead: Bool { holdsCommits && node.electsByItself }

    private func take(_ frame: [UInt8], _ last: Position, _ isOpen: Bool) -> Bool {
        ring.append(frame, last: last, isOpen: isOpen)
        for feed in followers { feed.pump() }
        makeRoom()
        return !isPaused
    }

    /// Drops what the fastest slave has; who is slower reads from the binlog again.
    private func makeRoom() {
        let fastest = followers.compactMap(\.cursor).max() ?? ring.end
        var hasDropped = false
        while ring.isOverfull, ring.first < fastest {
            ring.dropFirst()
            hasDropped = true
        }
        if hasDropped { for feed in followers { feed.leaveIfBehind() } }
        let wasPaused = isPaused
        isPaused = ring.isOverfull
        if wasPaused, !isPaused { stream?.resume() }
    }

    private func gone(_ why: String) {
        node.log.warning("the end of the binlog can't be read", ["why": why])
        leaveAll()
        node.loop.after(milliseconds: 1000) { [weak self] in
            guard let self, self.stream == nil, self.readsAlways || !self.followers.isEmpty else { return }
            self.begin(after: self.node.applied.value)
        }
    }

    private func end() {
        stream?.close()
        stream = nil
        ring = EventRing(after: .start, bytesMax: 0)
    }

    func close() { end() }
}

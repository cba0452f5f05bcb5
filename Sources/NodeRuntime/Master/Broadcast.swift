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

    init(_ node: Node) { self.node = node }

    // MARK: Slaves

    /// A slave is to be fed, now or once it has caught up.
    func add(_ feed: SlaveFeed, after position: Position) {
        followers.append(feed)
        // A node that has just started may not know yet how long its binlog is.
        if stream == nil { begin(after: max(position, node.applied.value)) }
    }

    func remove(_ feed: SlaveFeed) {
        followers.removeAll { $0 === feed }
        if followers.isEmpty { end() } else { makeRoom() }
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
            node, after: position, serverID: node.id.rawValue, gathers: true,
            BinlogStream.Reader { [weak self] in
                self?.take($0, $1, $2) ?? false
            } gone: { [weak self] in
                self?.gone($0)
            })
    }

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
        end()
        // Each finds out for itself where it stands.
        for feed in followers { feed.leaveIfBehind() }
        node.loop.after(milliseconds: 1000) { [weak self] in
            guard let self, self.stream == nil, !self.followers.isEmpty else { return }
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

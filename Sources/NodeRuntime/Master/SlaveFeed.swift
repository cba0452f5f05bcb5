import ClusterModel
import EventLoop
import Replication

/// Feeds one slave: from the broadcast while it keeps up, else by reading the master's binlog for it alone.
///
/// A slave that reads slowly pauses its own reading and nothing else: what it lacks waits in the master's binlog files.
@LoopActor final class SlaveFeed {
    private unowned let node: Node
    private let broadcast: Broadcast
    private let channel: Channel
    private let serverID: UInt32
    private var own: BinlogStream?
    /// The database has found its position, or it is one that the broadcast was at.
    private(set) var hasFormat = false { didSet { if !oldValue { matched?() } } }
    /// That just became so.
    var matched: (@LoopActor () -> Void)?
    private var isClosed = false
    /// The next batch of the broadcast; nil while it reads by itself.
    private(set) var cursor: Int?
    /// The last whole transaction handed to the link.
    private var shipped: Position
    /// The master's binlog does not hold what the slave needs.
    var gone: (@LoopActor (String) -> Void)?

    /// `serverID`: the slave's.
    init(_ node: Node, _ broadcast: Broadcast, _ channel: Channel, after position: Position, serverID: UInt32) {
        self.node = node
        self.broadcast = broadcast
        self.channel = channel
        self.serverID = serverID
        shipped = position
        broadcast.add(self, after: position)
        if !joinBroadcast() { readByItself() }
    }

    // MARK: By itself

    private func readByItself() {
        own = BinlogStream(
            node, after: shipped, serverID: serverID, gathers: false,
            BinlogStream.Reader { [weak self] in
                self?.send($0, $1, $2) ?? false
            } isEnough: { [weak self] position in
                self?.broadcast.follower(of: position) != nil
            } gone: { [weak self] in
                self?.gone?($0)
            })
    }

    private func send(_ frame: [UInt8], _ last: Position, _ isOpen: Bool) -> Bool {
        hasFormat = true
        shipped = last
        channel.write(frame)
        // That was the last one it needed.
        if !isOpen, joinBroadcast() {
            own?.close()
            own = nil
        }
        return !channel.isFull
    }

    // MARK: From the broadcast

    private func joinBroadcast() -> Bool {
        guard !isClosed, let joined = broadcast.follower(of: shipped) else { return false }
        cursor = joined
        if !hasFormat { channel.write(broadcast.format) }
        hasFormat = true
        pump()
        return true
    }

    /// Sends what the broadcast has, as fast as the slave takes it.
    func pump() {
        while let next = cursor, !channel.isFull, let batch = broadcast.batch(next) {
            // Before the write: the slave may be told to go on from within it.
            cursor = next + 1
            shipped = batch.last
            channel.write(batch.frame)
        }
    }

    /// The broadcast has gone on without this slave.
    func leaveIfBehind() {
        guard let cursor, broadcast.hasDropped(cursor), !isClosed else { return }
        self.cursor = nil
        readByItself()
    }

    /// The slave has read some.
    func drained() {
        own?.resume()
        guard cursor != nil else { return }
        pump()
        broadcast.advanced()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        own?.close()
        own = nil
        cursor = nil
        broadcast.remove(self)
    }
}

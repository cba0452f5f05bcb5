import ClusterModel
import EventLoop
import NodeConfig
import Replication

/// Feeds one slave: from the broadcast while it keeps up, else by reading the master's binlog for it alone; from the journal while the master's
/// database does not have all of that yet.
///
/// A slave that reads slowly pauses its own reading and nothing else: what it lacks waits in the master's files.
@LoopActor final class SlaveFeed {
    private unowned let node: Node
    private let broadcast: Broadcast
    private let channel: Channel
    private let serverID: UInt32
    private var own: (any LogStream)?
    /// What is shipped before the database serves.
    private var journal: Journal?
    private var journalStream: FileStream?
    /// The journal grows no more: where that ends, the binlog goes on.
    private var isJournalWhole = false
    /// The database has found its position, or it is one that the broadcast was at.
    private(set) var hasFormat = false { didSet { if !oldValue { matched?() } } }
    /// That just became so.
    var matched: (@LoopActor () -> Void)?
    private var isClosed = false
    /// The next batch of the broadcast; nil while it reads by itself.
    private(set) var cursor: Int?
    /// The last whole transaction handed to the link.
    private var shipped: Position
    /// The master's log does not hold what the slave needs.
    var gone: (@LoopActor (String) -> Void)?

    /// - Parameters:
    ///   - position: the last that both logs have.
    ///   - serverID: the slave's.
    ///   - journal: where the log is until `journalIsWhole()`; nil: in the binlog.
    init(_ node: Node, _ broadcast: Broadcast, _ channel: Channel, after position: Position, serverID: UInt32, journal: Journal?) {
        self.node = node
        self.broadcast = broadcast
        self.channel = channel
        self.serverID = serverID
        self.journal = journal
        shipped = position
    }

    /// Not from within `init`: what happens first may be told at once.
    func begin() {
        if let journal { readJournal(journal) } else { readBinlog() }
    }

    private func readBinlog() {
        broadcast.add(self, after: shipped)
        if !joinBroadcast() { readByItself() }
    }

    // MARK: From the journal

    private func readJournal(_ journal: Journal) {
        guard (journal.index.first ?? journal.written) <= shipped else { return readByItself() }
        // Its log is known to be this one, up to there.
        hasFormat = true
        let stream = FileStream.ofJournal(node.loop, journal, after: shipped) { [weak self] frame in
            guard let self else { return false }
            self.channel.write(frame)
            return !self.channel.isFull
        } failed: { [weak self] in
            self?.gone?($0)
        }
        own = stream
        journalStream = stream
        stream.pump()
        leaveJournalAtEnd()
    }

    /// More of the journal can be read.
    func journalGrew() {
        journalStream?.pump()
        leaveJournalAtEnd()
    }

    /// The journal has all it will have, and the database has it, too.
    func journalIsWhole() {
        isJournalWhole = true
        leaveJournalAtEnd()
    }

    private func leaveJournalAtEnd() {
        guard isJournalWhole, let journal, !isClosed else { return }
        if let journalStream {
            guard journalStream.isAtEnd else {
                // Its reading ends on another queue.
                node.loop.after(milliseconds: 5) { [weak self] in self?.leaveJournalAtEnd() }
                return
            }
            journalStream.close()
            self.journalStream = nil
            own = nil
            shipped = journal.written
            self.journal = nil
            return readBinlog()
        }
        // It reads the binlog already, for what the journal does not reach back to.
        self.journal = nil
        broadcast.add(self, after: shipped)
    }

    var isInJournal: Bool { journal != nil }

    // MARK: By itself

    private func readByItself() {
        if let journal, node.administratorTarget == nil, node.settings.database.mode == .private { return readFiles(journal) }
        own = BinlogStream(
            node, after: shipped, serverID: serverID, gathers: false,
            BinlogStream.Reader { [weak self] in
                self?.send($0, $1, $2) ?? false
            } isEnough: { [weak self] position in
                self?.isEnough(position) ?? true
            } gone: { [weak self] in
                self?.gone?($0)
            })
    }

    /// The database is down, and what it logged before the journal begins is in its files.
    private func readFiles(_ journal: Journal) {
        // Its log is known to be this one, up to there.
        hasFormat = true
        let first = journal.index.first ?? journal.written
        let stream = FileStream.ofBinlogFiles(
            node.loop, directory: node.directory.path + "/mariadb", after: shipped, upTo: first
        ) { [weak self] frame, last in
            guard let self else { return false }
            return self.send(frame, last ?? self.shipped, false)
        } failed: { [weak self] in
            self?.gone?($0)
        }
        own = stream
        stream.resume()
    }

    private func isEnough(_ position: Position) -> Bool {
        if let journal { return (journal.index.first ?? journal.written) <= position }
        return broadcast.follower(of: position) != nil
    }

    private func send(_ frame: [UInt8], _ last: Position, _ isOpen: Bool) -> Bool {
        hasFormat = true
        shipped = last
        channel.write(frame)
        // That was the last one it needed.
        if !isOpen, let journal, (journal.index.first ?? journal.written) <= last {
            own?.close()
            readJournal(journal)
        } else if !isOpen, journal == nil, joinBroadcast() {
            own?.close()
            own = nil
        }
        return !channel.isFull
    }

    // MARK: From the broadcast

    private func joinBroadcast() -> Bool {
        guard !isClosed, let joined = broadcast.follower(of: shipped) else { return false }
        cursor = joined
        if !hasFormat || !broadcast.format.isEmpty { channel.write(broadcast.format) }
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

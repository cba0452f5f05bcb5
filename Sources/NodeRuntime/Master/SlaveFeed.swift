import BinlogFormat
import ClusterModel
import EventLoop
import MariaDBConnector
import Replication

/// Ships the master's binlog to one slave: a tap of its own, from where the slave is.
///
/// A slave that reads slowly pauses its own tap and nothing else: what it lacks waits in the master's binlog files.
@LoopActor final class SlaveFeed: TurnEndWork {
    private static let batchBytes = 64 << 10
    private static let retryMs = 250

    private let loop: EventLoop
    private let channel: Channel
    private let serverID: UInt32
    private let target: @LoopActor () -> DatabaseTarget?
    private let log: NodeLog
    private var tap: BinlogTap?
    private var groups = GroupTracker()
    private var batch: [UInt8] = []
    private var isFlushAsked = false
    private var isClosed = false
    private var retry: TimerID?
    /// The last whole transaction handed to the link.
    private(set) var shipped: Position
    /// The master's binlog does not hold what the slave needs.
    var gone: (@LoopActor (String) -> Void)?

    init(
        _ loop: EventLoop, _ channel: Channel, after position: Position, serverID: UInt32, log: NodeLog,
        target: @escaping @LoopActor () -> DatabaseTarget?
    ) {
        self.loop = loop
        self.channel = channel
        self.serverID = serverID
        self.log = log
        self.target = target
        shipped = position
        begin()
    }

    private func begin() {
        guard let target = target() else { return beginLater() }
        groups.reset()
        tap = BinlogTap(loop, target, after: shipped, serverID: serverID, name: "ddbnode-feed-\(serverID)") { [weak self] event in
            self?.take(event) ?? false
        } ended: { [weak self] end in
            self?.tapEnded(end)
        }
    }

    private func beginLater() {
        guard !isClosed else { return }
        retry = loop.after(milliseconds: Self.retryMs) { [weak self] in self?.begin() }
    }

    private func take(_ event: UnsafeRawBufferPointer) -> Bool {
        do throws(BinlogError) {
            try judge(event)
        } catch .groupInterrupted {
            // The database died while it wrote that transaction; its recovery began a new file. The slave drops the part it has.
            do throws(BinlogError) { try judge(event) } catch { return refuse(error) }
        } catch {
            return refuse(error)
        }
        return !channel.isFull
    }

    private func judge(_ event: UnsafeRawBufferPointer) throws(BinlogError) {
        switch try groups.received(event) {
        case .ignored: return
        case .groupBegan, .groupContinued, .formatDescription: break
        case .groupEnded(let gtid): shipped = Position(gtid)
        }
        batch.append(contentsOf: event)
        if batch.count >= Self.batchBytes { return flush() }
        if !isFlushAsked {
            isFlushAsked = true
            loop.atTurnEnd(self)
        }
    }

    /// Nothing after the hole may reach the slave, so the tap ends here.
    private func refuse(_ error: BinlogError) -> Bool {
        close()
        flush()
        log.error("the binlog can't be shipped", ["slave": "\(serverID)", "error": error.description])
        gone?(error.description)
        return false
    }

    func turnEnded() {
        isFlushAsked = false
        flush()
    }

    private func flush() {
        guard !batch.isEmpty else { return }
        channel.write { out in batch.withUnsafeBytes { Frame.encodeEvents($0, into: &out) } }
        batch.removeAll(keepingCapacity: batch.capacity <= 4 * Self.batchBytes)
    }

    private func tapEnded(_ end: TapEnd) {
        tap = nil
        switch end {
        case .positionGone(let words): gone?(words)
        case .lost(let why), .refused(let why):
            log.info("feed interrupted", ["slave": "\(serverID)", "why": why])
            beginLater()
        }
    }

    /// The slave has read some.
    func drained() { tap?.resume() }

    func close() {
        isClosed = true
        loop.cancel(retry)
        tap?.close()
        tap = nil
    }
}

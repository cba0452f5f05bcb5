import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import MariaDBConnector
import Replication

@testable import NodeRuntime

/// Fills a journal from a server's binlog, event by event.
@LoopActor final class JournalFeed {
    private let loop: EventLoop
    private let journal: Journal
    private var tap: BinlogTap?
    private var groups = GroupTracker()
    private(set) var refusals: [String] = []

    init(_ loop: EventLoop, _ journal: Journal, _ target: DatabaseTarget) {
        self.loop = loop
        self.journal = journal
        tap = BinlogTap(loop, target, after: journal.received, serverID: 900, name: "feed") { [weak self] event, _ in
            self?.take(event)
            return true
        } ended: { [weak self] in
            self?.refusals.append("\($0)")
        }
    }

    private func take(_ event: UnsafeRawBufferPointer) {
        do throws(BinlogError) {
            switch try groups.received(event) {
            case .formatDescription: journal.add(.format(try FormatDescription(event: event, checksum: Digests.crc32)))
            case .groupBegan, .groupContinued: journal.add(.append(Array(event), through: nil, wholeBytes: 0))
            case .groupEnded(let gtid): journal.add(.append(Array(event), through: gtid, wholeBytes: event.count))
            case .ignored: break
            }
        } catch {
            refusals.append("\(error)")
        }
    }

    func close() { tap?.close() }
}

import BinlogFormat
import ClusterModel
import EventLoop
import Failover
import LineProtocol
import NodeConfig
import Replication

/// A slave's end of the link to its master: receives into the journal what comes.
@LoopActor final class MasterConnection: Follower {
    /// What may wait for the journal before the link is not read any further.
    private static let pendingBytesMax = 8 << 20

    private unowned let slave: SlaveLife
    private let journal: Journal
    private(set) lazy var link = LeaderLink(node, for: self)
    var asked = AskedReads()
    /// A snapshot is taken: over the link this node only hears and tells how far everybody is.
    private var isSuspended = false
    /// Why the journal could not be written, until it can.
    private var journalTrouble: String?

    init(_ slave: SlaveLife, _ journal: Journal) {
        self.slave = slave
        self.journal = journal
    }

    var node: Node { slave.node }
    var ack: Frame.Ack { slave.ack }

    func hungUp() {
        journal.add(.dropOpenGroup)
        slave.shortLog.linkEnded()
        failAsked()
    }

    /// Receives nothing before `resume()`.
    func suspend() { if !isSuspended { linkAnew(suspended: true) } }

    func resume() { if isSuspended { linkAnew(suspended: false) } }

    private func linkAnew(suspended: Bool) {
        isSuspended = suspended
        link.linkAnew()
    }

    // MARK: Frames

    /// The disk is slower than the link: the link waits. The journal is full: it waits until the database has applied some.
    private func checkPressure() {
        // What is whole in the newest file alone can't be purged by waiting.
        let canShrink = journal.index.segments.count > 1
        let isFull =
            journal.pendingBytes > Self.pendingBytesMax
            || (link.state == .receiving && canShrink && journal.index.totalBytes > node.settings.replication.journalBytesMax)
        link.pause(isFull)
    }

    /// The journal wrote or purged some.
    func journalMoved() {
        guard link.isPaused else { return }
        checkPressure()
        link.takeFrames()
    }

    func perform(_ action: SlaveLink.Action) {
        switch action {
        case .resumeAt(let common): resumed(after: common)
        case .format(let format): journal.add(.format(format))
        case .append(let bytes, let through, let wholeBytes):
            journal.add(.append(bytes, through: through, wholeBytes: wholeBytes))
            checkPressure()
        case .dropOpenGroup: journal.add(.dropOpenGroup)
        case .heard:
            slave.checkCaughtUp()
            slave.considerSnapshot()
        case .readAnswer(let number, let position, let refusal): answered(number, position, refusal)
        case .committed(let commitment): slave.committed(commitment)
        case .gone(let why): gone(why)
        case .send, .joined, .members, .close: break  // the link's own
        }
    }

    func named(_ id: NodeID, _ done: @escaping @LoopActor () -> Void) { slave.named(id, done) }

    func joined() {
        guard !isSuspended else { return link.watch() }
        let current = link.channel
        // What was on its way to the disk for an earlier link must be there, or gone, before this one goes on from it.
        journal.settled { [weak self] in
            guard let self, self.link.channel === current, current?.isOpen == true else { return }
            self.link.resume(self.journal.history.runs.compactMap(\.end.gtid))
        }
    }

    /// The two logs have this in common: what the journal has beyond it was never acknowledged to anybody.
    private func resumed(after common: Position) {
        let epoch = link.epoch
        guard let leader = link.leader else { return }
        var following = Following(leader: leader, epoch: epoch)
        let (logEnd, current) = (journal.written, link.channel)
        for action in following.resumed(after: common, logEnd: logEnd, applied: node.applied.value) {
            switch action {
            case .diverged(let common, let applied):
                let why = "this node has applied \(applied), and its log parts from the master's after \(common)"
                // What only one has was acknowledged to nobody, or was given up with an earlier master.
                if node.electsByItself || Epoch.first < epoch { slave.diverged(why) }
                return gone(why)
            case .cut(let position):
                let path = "\(node.directory.path)/cut-off/after-\(position).binlog"
                return journal.cut(to: position, savingTo: path) { [weak self] result in
                    guard let self, current != nil, self.link.channel === current else { return }
                    switch result {
                    case .success(let cut):
                        self.node.log.warning(
                            "what this node's log had beyond the cluster's is cut off; it was acknowledged to nobody",
                            [
                                "transactions": "\(cut.transactions)", "after": "\(position)", "first": cut.first.map { "\($0)" } ?? "-",
                                "last": cut.last.map { "\($0)" } ?? "-", "saved": cut.savedTo ?? "-", "epoch": "\(epoch)",
                                "reason": "epoch \(epoch) of node \(leader) began without it",
                            ])
                        self.matched()
                    case .failure(let problem):
                        guard case .notHeld = problem else { return self.journalFailed(problem) }
                        let why = "its journal can't be cut after \(position): \(problem)"
                        if self.node.electsByItself { self.slave.diverged(why) }
                        self.gone(why)
                    }
                }
            }
        }
        matched()
    }

    private func matched() {
        link.matched(isSound: journalTrouble == nil)
        node.log.notice("receiving from the master", ["master": "\(link.address?.description ?? "-")", "after": "\(journal.written)"])
        slave.replica.startDatabaseIfSettled()
        link.tell()
        link.takeFrames()
    }

    private func gone(_ why: String) {
        link.state = .gone(why)
        // Its database waits for a verdict that no such master will give.
        if slave.replica.isWaitingForVerdict { slave.diverged(why) }
        node.log.warning("the master can't send what comes next: this slave needs a snapshot", ["position": "\(journal.written)", "why": why])
        link.tell()
        slave.considerSnapshot()
    }

    // MARK: The journal

    /// The journal begins anew: what the link would go on with does not follow.
    func journalReplaced() {
        if link.isConnected { link.lost("the journal begins anew") }
    }

    func journalBecameDurable() {
        if journalTrouble != nil {
            node.log.notice("the journal is written again")
            journalTrouble = nil
        }
        link.tell()
    }

    func journalFailed(_ problem: JournalProblem) {
        // Each attempt fails the same way until somebody makes room.
        if journalTrouble != problem.description { node.log.error("the journal can't be written", ["error": problem.description]) }
        journalTrouble = problem.description
        link.state = .journalFailed(problem.description)
        link.lost(problem.description)
    }

    func stop() {
        link.stop()
        // Who writes on must not do so within a transaction that broke off.
        journal.add(.dropOpenGroup)
    }
}

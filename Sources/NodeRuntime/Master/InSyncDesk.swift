import ClusterModel
import EventLoop
import Failover
import MariaDBConnector
import NodeConfig

/// The leader's side of a witness: finds out who keeps up, has the witness record that, and says who must hold a write.
@LoopActor final class InSyncDesk {
    private unowned let master: MasterLife
    /// Nil without a witness; and with one, before commits wait for all data nodes for sure.
    private var machine: InSyncSet?
    private var isAsking = false
    private var isLooking = false
    /// When each data node was last heard that keeps up, by the loop's clock.
    private var keptUpMs: [NodeID: Int] = [:]

    init(_ master: MasterLife) { self.master = master }

    private var node: Node { master.node }
    private var configuration: Configuration { master.roster.configuration }

    /// All of these must hold a write; nil: there is no witness, and `replication.acks` says how many must.
    var counted: [NodeID]? { machine?.counted ?? (configuration.witness == nil ? nil : configuration.holders) }

    /// Whether who is away is left out shortly, so that writes need only wait for that.
    var mayShrink: Bool {
        guard machine != nil, let witness = configuration.witness else { return false }
        return master.slaves.contains { $0.member?.id == witness && $0.isMatched }
    }

    /// As `.status` tells it.
    var words: String {
        guard let counted else { return "-" }
        let list = counted.map { "\($0)" }.joined(separator: ",")
        guard let pending = machine?.pending else { return list }
        return "\(list), the witness is to record \(pending.members.map { "\($0)" }.joined(separator: ","))"
    }

    // MARK: Beginning, ending

    /// A node was elected, and nothing is committed in its epoch before all that count have the marker.
    func begin(marker: GTID) {
        guard configuration.witness != nil else { return }
        machine = InSyncSet(own: node.id, epoch: master.epoch, begun: Position(marker), configuration: configuration)
    }

    /// A witness joined a master that serves. Until here some commits may not have waited for anybody; what they wrote must be on all that count.
    private func beginWhenCommitsWait() {
        guard let witness = configuration.witness, master.role == .master, master.gate.isHolding, !isLooking else { return }
        // One that does not know the cluster yet could not vote.
        guard master.roster.installedBy.contains(witness) else { return }
        isLooking = true
        node.control.query("SELECT @@GLOBAL.gtid_binlog_pos AS binlog") { [weak self] result in
            guard let self else { return }
            self.isLooking = false
            guard self.isLeading, self.machine == nil, self.configuration.witness != nil, self.master.gate.isHolding,
                case .success(let found) = result,
                let end = Position(list: found["binlog"] ?? "")
            else { return }
            self.machine = InSyncSet(own: self.node.id, epoch: self.master.epoch, begun: end, configuration: self.configuration)
            self.review()
        }
    }

    /// The list of members is another one, or more nodes have it.
    func membersChanged() {
        guard machine != nil, configuration.witness == nil else { return }
        machine?.witnessLeft()
        guard machine?.mayEnd(installedBy: master.roster.installedBy) ?? false else { return }
        machine = nil
        master.configureGate()
    }

    private var isLeading: Bool { node.life === master }

    // MARK: Counting

    /// Called with each beat, and when the leader's own disk has more.
    func review() {
        guard machine != nil else { return beginWhenCommitsWait() }
        perform(machine?.foundInSync(keepingUp(), quorum: master.gate.tracker) ?? [])
        // Once more: it may not have been answered.
        ask()
    }

    private func keepingUp() -> Set<NodeID> {
        let (now, grace) = (EventLoop.nowMs(), node.electorate.electionTimeoutMs)
        for slave in master.slaves where slave.isMatched {
            if let id = slave.member?.id { keptUpMs[id] = now - slave.lastSeenMs(nowMs: now) }
        }
        return Set(keptUpMs.filter { now - $0.value <= grace }.keys).union([node.id])
    }

    private func perform(_ actions: [InSyncSet.Action]) {
        for action in actions {
            switch action {
            case .count: master.configureGate()
            case .record(let record):
                node.log.notice("the witness is to record who is in sync", ["nodes": record.members.map { "\($0)" }.joined(separator: ",")])
                ask()
            }
        }
    }

    private func ask() {
        guard !isAsking, let pending = machine?.pending, let witness = configuration.witness else { return }
        isAsking = true
        node.electorate.ask(witness, .record(pending)) { [weak self] rows in
            guard let self else { return }
            self.isAsking = false
            if let rows, self.isLeading { self.answered(rows) }
        }
    }

    private func answered(_ rows: [[String?]]) {
        if let epoch = rows.first?.first.flatMap({ $0 }).flatMap({ Epoch(told: $0) }), epoch > master.epoch {
            return node.electorate.saw(epoch)
        }
        guard rows.count > 1, case .record(let kept)? = ElectionAsk(rows[1]) else { return }
        if machine?.pending == kept {
            perform(machine?.recorded(kept) ?? [])
        } else {
            perform(machine?.outnumbered(by: kept) ?? [])
        }
    }
}

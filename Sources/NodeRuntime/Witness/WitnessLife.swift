import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// What a node does that only votes: listens to the leader, answers its beats, and keeps on disk who is in sync. It holds no data.
@LoopActor final class WitnessLife: RoleLife {
    private static let tickMs = 500

    unowned let node: Node
    /// No statement comes so far that it would matter.
    let role = Role.slave
    private(set) lazy var link = WitnessLink(self)
    /// Where the master is, or was last.
    private(set) var masterAddress: NodeAddress?
    private var timer: TimerID?
    let notReady: ReplyError? = nil
    let writeRefusal: ReplyError? = nil
    let applyHold: ApplyHold? = nil
    let stalenessMs: Int? = nil

    /// - Parameter master: where to look for the master first.
    init(_ node: Node, master: NodeAddress?) {
        self.node = node
        masterAddress = master
    }

    func begin() {
        link.follow(masterAddress)
        tickLater()
    }

    private func tickLater() {
        timer = node.loop.after(milliseconds: Self.tickMs) { [weak self] in
            guard let self else { return }
            self.link.tick()
            self.tickLater()
        }
    }

    func stop() {
        node.loop.cancel(timer)
        link.stop()
    }

    // MARK: Whom it follows

    /// The leader is known, or with nil none is.
    func follow(_ leader: Member?) {
        guard let leader else { return link.leaderUnknown() }
        masterAddress = leader.address
        link.follow(leader.address, leader.id)
    }

    /// What was dialled is no master, and knows where that is.
    func redirected(to address: NodeAddress) {
        masterAddress = address
        link.follow(address)
    }

    /// The master let this node in, as this number; false where that can't be kept.
    func joined(_ id: NodeID) -> Bool {
        guard node.directory.state.id != id else { return true }
        do throws(SystemError) { try node.directory.keep(id: id) } catch {
            node.log.error("the id given by the master could not be stored", ["error": "\(error)"])
            return false
        }
        node.log.notice("joined the cluster", ["id": "\(id)"])
        node.electorate.named()
        return true
    }

    // MARK: Voting

    /// Its vote goes to these alone: who they are is all it knows of anybody's log.
    var trusted: [NodeID] { node.directory.state.inSync?.members ?? [] }

    /// The leader has it keep this; what is on disk after that, or nil where nothing could be stored.
    func keep(_ record: InSyncRecord) -> InSyncRecord? {
        guard record.isNewer(than: node.directory.state.inSync) else { return node.directory.state.inSync }
        do throws(SystemError) { try node.directory.keep(record) } catch {
            node.log.error("who is in sync could not be stored, so the master is not answered", ["error": "\(error)"])
            return nil
        }
        node.log.notice("in sync by the master's word", ["nodes": inSyncWords, "epoch": "\(record.epoch)"])
        return record
    }

    private var inSyncWords: String { trusted.isEmpty ? "-" : trusted.map { "\($0)" }.joined(separator: ",") }

    // MARK: Telling

    var ack: Frame.Ack {
        Frame.Ack(
            received: .start, applied: .start, state: "voting", beat: link.heardBeat, members: "\(node.membership.configuration.stamp)")
    }

    func nodes() -> [NodeStatus] {
        let own = NodeStatus(
            id: node.id, role: .witness, address: node.address, state: link.state.word, received: .start, applied: .start, lagMs: nil, lastSeenMs: 0)
        let beat = link.lastBeat
        return (beat?.nodes ?? []).heard(msAgo: beat == nil ? 0 : EventLoop.nowMs() - link.lastBeatMs, isMasterHeard: link.isHeard, own: own)
    }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [["in_sync", inSyncWords], ["link", linkWords]]
        if link.lastBeat != nil { rows.append(["master.last_heard_ms", "\(EventLoop.nowMs() - link.lastBeatMs)"]) }
        return rows
    }

    private var masterWords: String { masterAddress?.description ?? "a master that is not known yet" }

    private var linkWords: String {
        switch link.state {
        case .connecting: "connecting to \(masterWords)"
        case .attending: "attending \(masterWords)"
        case .away(let why): "away: \(why)"
        case .refused(let why): "refused: \(why)"
        }
    }

    var health: String {
        switch link.state {
        case .attending: "All is well: this witness hears its master, and would vote for these nodes: \(inSyncWords)."
        case .connecting, .away: "This witness does not reach its master at \(masterWords); it tries again, and votes meanwhile."
        case .refused(let why): "This witness is not let in by its master: \(why)"
        }
    }

    // MARK: What is for nodes with data

    func databaseIsUp(_ done: @escaping @LoopActor (String?) -> Void) { done(nil) }
    func databaseIsDown() {}
    func databaseFailed(_ why: String) -> Bool { false }
    func linkArrived(_ channel: Channel, rest: [UInt8]) { node.refuseLink(channel, of: "witness") }
    func passed(_ position: Position) {}

    func confirmedPosition(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) { done(.failure(node.witnessRefusal)) }

    func remove(_ id: NodeID) throws(ReplyError) -> [ReplyField] {
        throw ReplyError(.notMaster, "only the master removes nodes; it is at \(node.masterWords)")
    }
}

extension Node {
    var isWitness: Bool { settings.role == .witness }

    /// What a client is told that wants data of a witness.
    var witnessRefusal: ReplyError { ReplyError(.notMaster, "this node is a witness and holds no data; the master is at \(masterWords)") }

    /// A slave was sent to the wrong node.
    func refuseLink(_ channel: Channel, of role: String) {
        let known = masterAddress.map { "its master is at \($0)" } ?? "it knows no master now"
        let refusal = LinkRefusal(.notMaster, "node \(id) at \(address) is a \(role); \(known)", master: masterAddress?.description ?? "")
        let frame = Frame.refused(refusal)
        channel.write { frame.encode(into: &$0) }
        channel.closeWhenSent()
    }
}

extension [NodeStatus] {
    /// As the master told them so long ago, with what the node itself knows better.
    func heard(msAgo: Int, isMasterHeard: Bool, own: NodeStatus) -> [NodeStatus] {
        var all = filter { $0.id != own.id }
        for index in all.indices {
            // The master told how long ago it had heard each, itself just then.
            all[index].lastSeenMs = all[index].lastSeenMs.map { $0 + msAgo }
            if all[index].role == .master, !isMasterHeard { all[index].state = "away" }
        }
        return (all + [own]).sorted { $0.id < $1.id }
    }
}

extension Command {
    /// A witness has nothing to answer it with.
    var isAboutData: Bool {
        switch self {
        case .wait, .verify, .promote, .id, .outcome: true
        case .ping, .role, .status, .nodes, .format, .reset, .auth, .consistency, .maxStaleness, .remove, .switchover, .help, .quit, .link, .peer,
            .forwarded:
            false
        }
    }
}

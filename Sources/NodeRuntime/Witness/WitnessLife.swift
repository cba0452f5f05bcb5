import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// What a node does that only votes: listens to the leader, answers its beats, and keeps on disk who is in sync. It holds no data.
@LoopActor final class WitnessLife: RoleLife, Follower {
    private static let tickMs = 500

    unowned let node: Node
    /// No statement comes so far that it would matter.
    let role = Role.slave
    private lazy var link = LeaderLink(node, for: self)
    var leaderLink: LeaderLink? { link }
    private var timer: TimerID?
    let notReady: ReplyError? = nil
    let writeRefusal: ReplyError? = nil
    let applyHold: ApplyHold? = nil
    let stalenessMs: Int? = nil

    /// - Parameter master: where to look for the master first.
    init(_ node: Node, master: NodeAddress?) {
        self.node = node
        if let master { link.follow(master) }
    }

    func begin() {
        link.begin()
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

    // MARK: The link

    func named(_ id: NodeID, _ done: @escaping @LoopActor () -> Void) { done() }
    func joined() { link.resume([]) }
    func hungUp() {}

    func perform(_ action: SlaveLink.Action) {
        switch action {
        case .resumeAt:
            link.matched()
            node.log.notice("attending the master", ["master": masterWords])
            link.tell()
        case .heard, .committed, .readAnswer, .gone, .format, .append, .dropOpenGroup: break  // a witness holds no log
        case .send, .joined, .members, .close: break  // the link's own
        }
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

    private var stateWord: String { link.state == .receiving ? "voting" : link.state.word }

    func nodes() -> [NodeStatus] {
        let own = NodeStatus(
            id: node.id, role: .witness, address: node.address, state: stateWord, received: .start, applied: .start, lagMs: nil, lastSeenMs: 0)
        let beat = link.lastBeat
        return (beat?.nodes ?? []).heard(msAgo: beat == nil ? 0 : EventLoop.nowMs() - link.lastBeatMs, isMasterHeard: link.isHeard, own: own)
    }

    func statusRows() -> [[String?]] {
        var rows: [[String?]] = [["in_sync", inSyncWords], ["link", linkWords]]
        if link.lastBeat != nil { rows.append(["master.last_heard_ms", "\(EventLoop.nowMs() - link.lastBeatMs)"]) }
        return rows
    }

    private var masterWords: String { link.address?.description ?? "a master that is not known yet" }

    private var linkWords: String {
        switch link.state {
        case .connecting: "connecting to \(masterWords)"
        case .receiving: "attending \(masterWords)"
        case .away(let why), .refused(let why), .gone(let why), .journalFailed(let why): "\(link.state.word): \(why)"
        }
    }

    var health: String {
        switch link.state {
        case .receiving: "All is well: this witness hears its master, and would vote for these nodes: \(inSyncWords)."
        case .connecting, .away: "This witness does not reach its master at \(masterWords); it tries again, and votes meanwhile."
        case .refused(let why), .gone(let why), .journalFailed(let why): "This witness is not let in by its master: \(why)"
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
        case .wait, .verify, .promote, .rebuild, .id, .outcome: true
        case .ping, .role, .status, .nodes, .format, .reset, .auth, .consistency, .maxStaleness, .remove, .switchover, .help, .quit, .link, .peer,
            .forwarded:
            false
        }
    }
}

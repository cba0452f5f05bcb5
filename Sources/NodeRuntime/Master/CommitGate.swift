import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig
import Replication

/// Holds the master's commits back until enough nodes have them on disk: counts the slaves' acknowledgements, and has the database wait for the count.
///
/// The waiting is MariaDB's semi-synchronous replication in its AFTER_SYNC form, towards this node alone: a transaction is in the synced binlog, and
/// neither committed nor visible, until the node acknowledges it.
@LoopActor final class CommitGate {
    enum State: Equatable {
        /// Commits wait for nobody.
        case open
        /// Wanted, and the database not yet set up for it.
        case arming
        case armed
        /// The database can't hold commits back: why. Clients hear of a write when it is on enough nodes; others may see it before.
        case afterCommit(String)
    }

    /// A cluster whose slaves are all gone for less than this is not yet told to have lost them.
    private static let lossGraceMs = 1000

    private unowned let node: Node
    private let broadcast: Broadcast
    private(set) var tracker: QuorumTracker
    private(set) var state = State.open
    private var isDatabaseUp = false
    /// Who counts is for the witness to know: commits go through the gate though they wait for this node alone.
    private var waitsAlways = false
    private var isClosed = false
    /// When the slaves became too few, by the loop's clock; nil while they are enough.
    private var lostSinceMs: Int?
    /// The watermark must be here before clients are served: what the database held at its start.
    private var tail: Position?
    private var whenSafe: (@LoopActor (String?) -> Void)?
    /// More is committed.
    var moved: (@LoopActor () -> Void)?

    /// More is held by enough nodes, be commits made to wait for that or not.
    var counted: (@LoopActor () -> Void)?

    /// `marker`: the epoch's first entry, where it began with one.
    init(_ node: Node, _ broadcast: Broadcast, marker: GTID?) {
        self.node = node
        self.broadcast = broadcast
        tracker = QuorumTracker(own: node.id, voters: [node.id], copies: 1, watermark: .start, epochStart: marker?.sequence ?? 0)
        broadcast.reached = { [weak self] in self?.written($0) }
    }

    var copies: Int { tracker.copies }
    var isWanted: Bool { tracker.copies > 1 || waitsAlways }
    /// No commit passes by the gate, and no client hears of one before it may.
    var isHolding: Bool {
        switch state {
        case .armed, .afterCommit: isDatabaseUp
        case .open, .arming: false
        }
    }
    var watermark: Position { isWanted ? tracker.watermark : node.applied.value }
    var trackedWatermark: Position { tracker.watermark }
    var ownDurable: Position { tracker.position(of: node.id) }
    func position(of node: NodeID) -> Position { tracker.position(of: node) }
    var commitment: Commitment { isWanted ? .upTo(tracker.watermark) : .all }

    // MARK: The database

    /// Before clients are served: what waits is set up, and what the database holds already is on enough nodes. `done` hears what is wrong.
    func databaseIsUp(binlog: Position, done: @escaping @LoopActor (String?) -> Void) {
        guard !isClosed else { return done("this node is no longer master") }
        isDatabaseUp = true
        guard isWanted else {
            guard node.settings.database.mode == .external else { return done(nil) }
            // Set up by an earlier run, nobody would acknowledge its commits.
            return node.control.query("SET GLOBAL rpl_semi_sync_master_enabled=OFF") { _ in done(nil) }
        }
        arm(after: binlog) { [self] problem in
            if let problem { return done(problem) }
            tail = binlog
            whenSafe = done
            if tracker.watermark < binlog {
                node.log.notice("waiting until enough nodes hold what this master has", ["position": "\(binlog)", "nodes": "\(copies)"])
            }
            checkSafe()
        }
    }

    func databaseIsDown() {
        isDatabaseUp = false
        whenSafe = nil
        tail = nil
        if case .armed = state { state = .arming }
    }

    /// What the node waits for before it serves; nil when it is not the slaves.
    var waitingWords: String? {
        guard let tail, whenSafe != nil, tracker.watermark < tail else { return nil }
        return "This master serves once \(copies) nodes hold what it has (\(tail)); they are known to hold \(tracker.watermark)."
    }

    private static let settings = [
        "SET GLOBAL rpl_semi_sync_master_wait_point=AFTER_SYNC", "SET GLOBAL rpl_semi_sync_master_timeout=4294967295",
        "SET GLOBAL rpl_semi_sync_master_wait_no_slave=ON", "SET GLOBAL rpl_semi_sync_master_enabled=ON",
    ]

    private func arm(after position: Position, done: @escaping @LoopActor (String?) -> Void) {
        state = .arming
        node.applied.limit = tracker.watermark
        node.control.queries(Self.settings) { [self] result in
            // A node was removed meanwhile, and what was asked of the database after this undoes it.
            guard isWanted else { return done(nil) }
            switch result {
            case .success: state = .armed
            case .failure(let error) where !error.lostConnection && node.settings.database.mode == .external:
                node.log.warning("the database can't hold commits back, so others may see a write before enough nodes have it", ["why": "\(error)"])
                state = .afterCommit("\(error)")
            case .failure(let error): return done("the database could not be made to hold commits back: \(error)")
            }
            _ = tracker.ownIsDurable(to: position)
            let holds = state == .armed
            broadcast.holdCommits(after: position, holds: holds) { [weak self] in !holds || self?.state == .armed }
            watermarkMoved()
            done(nil)
        }
    }

    private func checkSafe() {
        guard let tail, tail <= tracker.watermark, let done = whenSafe else { return }
        whenSafe = nil
        self.tail = nil
        done(nil)
    }

    // MARK: Who counts

    /// Whose copies count from now on, and how many are needed. `always`: also where that is this node's alone.
    func configure(voters: Set<NodeID>, copies: Int, always: Bool = false) {
        let wasWanted = isWanted
        waitsAlways = always
        _ = tracker.configure(voters: voters, copies: copies)
        if isWanted != wasWanted {
            node.log.notice(
                isWanted ? "commits wait for other nodes from now on" : "commits wait for no other node from now on", ["nodes": "\(copies)"])
        }
        if isWanted, !wasWanted {
            // All that was committed until now was so by the rule of its time.
            tracker.assume(node.applied.value)
            if isDatabaseUp {
                node.applied.limit = node.applied.value
                armRunning()
            }
        } else if !isWanted, wasWanted {
            openUp()
        }
        watermarkMoved()
    }

    private func armRunning() {
        // It would set a limit to what the database shows that nobody lifts again.
        guard !isClosed else { return }
        node.control.query("SELECT @@GLOBAL.gtid_binlog_pos AS binlog") { [self] result in
            guard !isClosed, isWanted, isDatabaseUp, state == .open else { return }
            let position = (try? result.get()).flatMap { Position(list: $0["binlog"] ?? "") } ?? node.applied.value
            arm(after: position) { [self] problem in
                guard let problem else { return }
                node.log.error(problem)
                node.loop.after(milliseconds: 1000) { [self] in
                    state = .open
                    armRunning()
                }
            }
        }
    }

    /// Somebody else changed how the database holds commits, or what its log looks like: it is set up again, and its log read from a new connection, since
    /// the server may no longer listen on the old one.
    func setUpAgain() {
        switch state {
        case .arming: return
        case .open, .afterCommit: broadcast.readAgain()
        case .armed:
            state = .open
            // Begins once it is set up.
            broadcast.readAgain()
            armRunning()
        }
    }

    private func openUp() {
        node.applied.limit = nil
        // First let go what waits, then wait no more: switched off, the database would commit what nobody counted.
        broadcast.letCommitsGo()
        state = .open
        lostSinceMs = nil
        // Slaves wait for nobody either, and hear of it at once when that changes again.
        moved?()
        guard isDatabaseUp else { return }
        node.control.query("SET GLOBAL rpl_semi_sync_master_enabled=OFF") { _ in }
    }

    // MARK: Counting

    /// The node's own disk has the log up to there.
    func written(_ position: Position) { if tracker.ownIsDurable(to: position) { watermarkMoved() } }

    func acked(by node: NodeID, to position: Position) { if tracker.acked(by: node, to: position) { watermarkMoved() } }

    func resumed(by node: NodeID, at position: Position) { tracker.resumed(by: node, at: position) }

    private func watermarkMoved() {
        counted?()
        guard isWanted else { return }
        broadcast.release(upTo: tracker.watermark)
        if isDatabaseUp { node.applied.limit = tracker.watermark }
        checkSafe()
        moved?()
    }

    /// This node leads no more: nothing waits here.
    func close() {
        isClosed = true
        isDatabaseUp = false
        (counted, moved, whenSafe) = (nil, nil, nil)
        node.applied.limit = nil
    }

    // MARK: Loss

    /// `reachable`: the slaves that are connected and receive.
    func look(reachable: Set<NodeID>) {
        guard isWanted, tracker.isLost(reachable: reachable) else {
            if lostSinceMs != nil, isQuorumLost { node.log.notice("enough nodes are within reach again", ["nodes": "\(copies)"]) }
            lostSinceMs = nil
            return
        }
        let since = lostSinceMs ?? EventLoop.nowMs()
        let before = isQuorumLost
        lostSinceMs = since
        if !before, isQuorumLost {
            node.log.error("too few nodes are within reach: writes are refused", ["needed": "\(copies)", "reachable": "\(reachable.count + 1)"])
        }
    }

    var isQuorumLost: Bool { lostSinceMs.map { EventLoop.nowMs() - $0 >= Self.lossGraceMs } ?? false }

    /// What a write is told that would only wait.
    var lossError: ReplyError? {
        guard isQuorumLost else { return nil }
        return ReplyError(
            .noQuorum,
            "a write must be on \(copies) nodes and too few are within reach, so this was not run; .nodes tells which are away; reads still work")
    }

    /// In words, for `.status`.
    var words: String {
        switch state {
        case .open: "open: commits wait for no slave"
        case .arming: "closed: the database is being set up"
        case .armed:
            isQuorumLost
                ? "closed: too few nodes are within reach"
                : waitsAlways ? "commits wait until all in sync hold them" : "commits wait until \(copies) nodes hold them"
        case .afterCommit(let why): "answers wait until \(copies) nodes hold the write, but others may see it before: \(why)"
        }
    }
}

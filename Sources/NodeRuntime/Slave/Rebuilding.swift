import ClusterModel
import EventLoop
import Failover
import LineProtocol
import NodeConfig
import Replication

/// A slave's way past what its database can't apply: a copy of a node that has applied it; and an operator's, who insists on a copy.
@LoopActor final class Rebuilding {
    private unowned let slave: SlaveLife
    private var rule: RebuildRule {
        get { slave.replica.rebuildRule }
        set { slave.replica.rebuildRule = newValue }
    }
    private var hasSaidSpent = false

    init(_ slave: SlaveLife) { self.slave = slave }

    private var node: Node { slave.node }
    private var snapshot: SlaveSnapshot { slave.snapshot }

    /// The database was looked at: why it does not apply; nil: it does.
    func looked(_ trouble: ApplyTrouble?) {
        guard let trouble, trouble.isLasting else {
            if trouble == nil { snapshot.isNeededNoMore() }
            return
        }
        guard !snapshot.isUnderWay else { return }
        switch rule.verdict(trouble, nowMs: EventLoop.nowMs()) {
        case .rebuild:
            let rebuild = SlaveSnapshot.Rebuild(floor: floor(past: trouble.after), after: trouble.after)
            if snapshot.begin(rebuild, why: trouble.description) { hasSaidSpent = false }
        case .wait: return
        case .spent:
            guard !hasSaidSpent else { return }
            hasSaidSpent = true
            node.log.error("a rebuild did not help this slave's database", ["why": trouble.description, "do": Self.wayOut])
        }
    }

    func ended(_ rebuild: SlaveSnapshot.Rebuild, isInUse: Bool) {
        guard let after = rebuild.after else { return }
        rule.rebuilt(after: after, isInUse: isInUse, nowMs: EventLoop.nowMs())
        guard isInUse else { return }
        node.log.notice(
            "this slave was rebuilt, since its database could not apply a transaction", ["after": "\(after)", "rebuilds": "\(rule.rebuilds)"])
    }

    /// A copy must have got past `applied`, and the journal must go on from it.
    private func floor(past applied: Position) -> Position {
        let sequence = max(applied.sequence + 1, slave.journal.index.first?.sequence ?? 0)
        return Position(GTID(domain: 0, server: applied.gtid?.server ?? WriterID.idle(node.id), sequence: sequence))
    }

    // MARK: A database that does not start

    private var databaseFailure: String?

    func databaseFailed(_ why: String) {
        databaseFailure = why
        node.log.error("this slave's database does not start; the node votes and keeps the log without it", ["why": why, "do": Self.startOrRebuild])
    }

    func databaseIsUp() { databaseFailure = nil }

    /// Why there is no database, and what to do; nil: there is one, or it is started again.
    var databaseWords: String? {
        databaseFailure.map { "database does not start: \($0.replacing("\n", with: " "))\n\(Self.startOrRebuild)".replacing("\n", with: "; ") }
    }

    private static let startOrRebuild =
        "mend what its log says and restart the node, or say .rebuild on this node to replace the database by a copy of another node's"

    // MARK: An operator

    /// Begins a copy, whatever the database has and whether or not it runs.
    func order() throws(ReplyError) -> [ReplyField] {
        if let words = snapshot.words { throw ReplyError(.notReady, "this slave takes a snapshot already: \(words); .status tells how far it is") }
        guard slave.link.lastBeat?.nodes.contains(where: { $0.role == .master && $0.id != node.id }) ?? false else {
            throw ReplyError(
                .masterUnreachable,
                "this slave has not heard of its master at \(node.masterWords) yet, which must tell who has what; bring the master back, then say it again"
            )
        }
        node.log.notice("an operator has this slave rebuilt")
        rule.forget()
        hasSaidSpent = false
        snapshot.insist()
        if node.directory.state.unsettled != nil {
            slave.diverged("an operator has it rebuilt")
        } else {
            let applied = slave.replica.isReconciled ? node.applied.value : .start
            let floor = slave.journal.index.first.map { max($0, applied) } ?? applied
            _ = snapshot.begin(SlaveSnapshot.Rebuild(floor: floor, after: nil), why: "an operator insists")
        }
        return [.text("rebuild", "begun"), .text("from", node.applied.value.description)]
    }

    // MARK: Telling

    private static let wayOut = "say .rebuild on this node to have it try another copy (Docs/Operations.md, \"apply-failed\")"

    var statusRows: [[String?]] { [["rebuilds", "\(rule.rebuilds)"]] }

    /// What is done about it, or is to be done: a sentence.
    func remedy(_ trouble: ApplyTrouble) -> String {
        guard trouble.isLasting else {
            let isShort = ApplyErrorKind(error: trouble.error, words: trouble.words) == .resources
            return isShort ? "It is tried again every 2 s: make room." : "It is tried again every 2 s."
        }
        if let words = snapshot.words { return "It is being rebuilt from a copy of another node: \(words)." }
        switch rule.verdict(trouble, nowMs: EventLoop.nowMs()) {
        case .spent: return "A rebuild did not help\(snapshot.trouble.map { " (\($0))" } ?? ""): \(Self.wayOut)."
        case .wait(let milliseconds):
            return
                "It was rebuilt a short while ago for an earlier one, and will be again in \(milliseconds / 1000 + 1) s; .rebuild on this node does it now."
        case .rebuild:
            guard let why = snapshot.trouble else { return "It is rebuilt from a copy of another node." }
            return "It can't be rebuilt now (\(why)) and tries again; once that is mended, .rebuild on this node does it at once."
        }
    }
}

extension Node {
    /// An operator insists that this node's database is replaced by a copy of another's.
    func rebuild() throws(ReplyError) -> [ReplyField] {
        switch life {
        case let slave as SlaveLife: return try slave.rebuilding.order()
        case is WitnessLife: throw ReplyError(.badRequest, "a witness has no database that could be rebuilt")
        case let master as MasterLife where master.role == .master:
            throw ReplyError(
                .badRequest, "this node is master, and what it has is what others are rebuilt from: say .switchover first, then .rebuild here")
        default: throw ReplyError(.notReady, "this node is starting, or was just elected; .status tells more")
        }
    }
}

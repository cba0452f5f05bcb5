import ClusterModel
import EventLoop
import Failover
import Replication

/// Watches over a log that ends before what the node once acknowledged: its disk lost some. It is fetched again over the link like anything else that
/// is missing; until then the node is not elected, and votes as the whole log would have.
@LoopActor final class ShortLog {
    private unowned let slave: SlaveLife
    /// Who has this over a link that was matched has all that the node ever acknowledged, or it is nobody's any more.
    private var goal: Position?
    private var isTold = false
    private var isSettling = false

    init(_ slave: SlaveLife) { self.slave = slave }

    private var node: Node { slave.node }
    private var journal: Journal { slave.journal }
    private var replica: Replica { slave.replica }

    /// What votes go by, where that is more than the log has.
    var acknowledged: LogEnd { journal.promise.logEnd }

    /// Whether it lacks something. Before the database was seen nobody knows where the log ends.
    var isShort: Bool { replica.isLogKnown && LogEnd(replica.logEnd) < acknowledged }

    func linkEnded() { goal = nil }

    /// A beat came, or the journal or the database got further.
    func look() {
        guard isShort else { return whole() }
        if !isTold, replica.isReconciled || replica.isWaitingForVerdict {
            isTold = true
            node.log.error(
                "this node's log ends before what it once acknowledged; it is not elected before it has that again",
                ["has": "\(replica.logEnd)", "acknowledged": acknowledgedWords, "found": found ?? "nothing wrong with the files that are there"])
        }
        guard case .receiving = slave.link.state, slave.link.isHeard, let beat = slave.link.lastBeat, !isSettling else { return }
        goal = goal ?? beat.position
        guard let goal, journal.received >= goal, isOf(slave.link.epoch) else { return }
        settle()
    }

    /// The end of the log is of the leader's own epoch: then it has all that earlier leaders committed.
    private func isOf(_ epoch: Epoch) -> Bool { epoch == .first || journal.received.gtid?.epoch == epoch }

    /// What was acknowledged beyond is not the cluster's: its leader does not have it.
    private func settle() {
        isSettling = true
        journal.promise(only: journal.received) { [weak self] problem in
            guard let self else { return }
            self.isSettling = false
            if let problem { return self.node.log.error("the mark of what was acknowledged can't be written", ["error": "\(problem)"]) }
            self.look()
        }
    }

    private func whole() {
        guard isTold, replica.isLogKnown else { return }
        isTold = false
        node.log.notice("this node has again all that it once acknowledged", ["has": "\(replica.logEnd)"])
    }

    private var acknowledgedWords: String {
        switch journal.promise {
        case .upTo(let position): "\(position)"
        case .unknown: "unknown"
        }
    }

    /// What was wrong with the journal's files when they were opened; nil: nothing but what a crash leaves.
    private var found: String? {
        let words = journal.findings.compactMap { finding -> String? in
            switch finding.kind {
            case .damage(let folder): "\(finding) (kept in \(folder))"
            case .startLost, .markLost: "\(finding)"
            case .tornEnd: nil
            }
        }
        return words.isEmpty ? nil : words.joined(separator: "; ")
    }

    // MARK: Telling

    var statusRows: [[String?]] {
        [["journal.acknowledged", acknowledgedWords], ["journal.damage", isShort ? found ?? "its end is missing" : "none"]]
    }

    /// What `.status` says, as whole sentences; nil: nothing is missing.
    var health: String? {
        guard isShort else { return nil }
        let lost = found.map { "the journal is damaged: \($0)." } ?? "the end of its journal, or of its database's binlog, is gone."
        let beyond = journal.promise == .unknown ? "how far it acknowledged is not known" : "it acknowledged up to \(acknowledgedWords)"
        let repair =
            if case .receiving = slave.link.state { "It fetches what is missing from its master." } else {
                "What is missing comes from another node that has it, once that leads. If there is none, .promote force on the node that has most"
                    + " gives up what was acknowledged beyond that."
            }
        return "This node has lost a part of its log: \(lost) It has up to \(replica.logEnd), and \(beyond);"
            + " until it has that again it can't be master, and helps nobody into office who has less. \(repair)"
    }
}

extension Journal {
    /// Says what was wrong with its files, and what became of that.
    func tellFindings(_ log: NodeLog) {
        for finding in findings {
            let (file, offset, bytes) = (finding.file, "\(finding.offset)", "\(finding.bytes)")
            switch finding.kind {
            case .tornEnd:
                log.warning(
                    "what a crash left behind the journal's last whole transaction is cut off",
                    ["file": file, "offset": offset, "bytes": bytes, "why": finding.why])
            case .damage(let folder):
                log.error(
                    "the journal is damaged: it ends before the damage now, and what came behind is fetched again from another node",
                    ["file": file, "offset": offset, "bytes": bytes, "why": finding.why, "kept": folder])
            case .startLost: log.error("where the journal begins is not known any more; the database tells", ["file": file, "why": finding.why])
            case .markLost:
                log.error(
                    "how far this node acknowledged is not known any more; it neither votes nor is elected before it has followed a master",
                    ["file": file, "why": finding.why])
            }
        }
    }
}

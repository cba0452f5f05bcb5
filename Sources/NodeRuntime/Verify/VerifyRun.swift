import ClusterModel
import EventLoop
import LineProtocol
import Verification

/// One verification, driven from this node: compares each node's tables with the master's, chunk by chunk, in snapshots of all nodes at one GTID.
@LoopActor final class VerifyRun {
    /// Names that are compared in one run.
    private static let namesMax = 100_000
    /// Snapshots in which a table may turn out to be redefined, or locked.
    private static let triesMax = 8
    private static let logEveryMs = 10_000

    private let node: Node
    private let scope: VerifyScope
    private var snapshots: VerifySnapshots
    private var outcome = VerifyOutcome()
    private var done: (@LoopActor (VerifyOutcome) -> Void)?
    private var total = 0
    private var finished = 0
    private var current = "-"
    private var rows = 0
    private var loggedMs = EventLoop.nowMs()
    private var tries: [TableName: Int] = [:]
    /// They differed in one snapshot; a second one decides.
    private var suspected: Set<TableName> = []
    private var size = ChunkSize()

    init(_ node: Node, _ scope: VerifyScope) {
        self.node = node
        self.scope = scope
        snapshots = VerifySnapshots(node)
    }

    func begin(_ done: @escaping @LoopActor (VerifyOutcome) -> Void) {
        self.done = done
        node.log.notice("verifying", ["scope": [scope.database, scope.table].compactMap { $0 }.joined(separator: ".")])
        Task {
            await run()
            finish()
        }
    }

    /// The node stops: `done` hears that at once.
    func stop() {
        outcome.error = ReplyError(.shuttingDown, "this node is stopping; verify on another one")
        let done = self.done
        cancel()
        done?(outcome)
    }

    /// `done` is not called any more.
    func cancel() {
        done = nil
        snapshots.close()
        node.log.notice("verification ended before it was through", ["progress": progress])
    }

    private func finish() {
        snapshots.close()
        for (id, why) in snapshots.lost {
            outcome.lines.append(VerifyOutcome.Line(name: nil, node: id, rows: nil, state: .unverified, detail: why))
        }
        guard let done else { return }
        self.done = nil
        outcome.position = snapshots.position
        node.log.notice("verified", ["result": outcome.words])
        done(outcome)
    }

    var progress: String {
        "running: \(finished) of \(total) tables and databases, at \(current), \(rows) rows compared, \(outcome.count(.differs)) differences"
    }

    // MARK: All tables

    private func run() async {
        do throws(VerifyProblem) {
            try await snapshots.connect()
            guard !snapshots.others.isEmpty || !snapshots.lost.isEmpty else { throw .failed("the cluster has no other node to compare with") }
            var queue = try await names()
            guard !queue.isEmpty || (scope.database == nil && scope.table == nil) else { throw .failed("no node has what was asked for") }
            total = queue.count
            while !queue.isEmpty, done != nil, !snapshots.others.isEmpty {
                try await snapshots.take()
                queue = try await compare(queue)
            }
        } catch {
            if outcome.lines.isEmpty, snapshots.lost.isEmpty {
                outcome.error = ReplyError(.verifyFailed, error.words)
            } else {
                snapshots.lost[snapshots.master] = "what follows was not compared: \(error.words)"
            }
        }
    }

    /// Of all nodes together.
    private func names() async throws(VerifyProblem) -> [TableName] {
        var all: Set<TableName> = []
        for id in [snapshots.master] + snapshots.others {
            var after: TableName?
            repeat {
                let reply: VerifyReply
                do throws(VerifyProblem) {
                    reply = try await snapshots.ask(id, .names(database: scope.database, table: scope.table, after: after))
                } catch {
                    if id == snapshots.master { throw error }
                    snapshots.lose(id, error.words)
                    break
                }
                all.formUnion(reply.names)
                guard all.count <= Self.namesMax else { throw .failed("there are more than \(Self.namesMax) tables; verify one database at a time") }
                after = reply.names.count == DefinitionSQL.pageRows ? reply.names.last : nil
            } while after != nil
        }
        return all.sorted()
    }

    /// One snapshot's worth; what is left.
    private func compare(_ names: [TableName]) async throws(VerifyProblem) -> [TableName] {
        var again: [TableName] = []
        for (index, name) in names.enumerated() {
            guard done != nil, !snapshots.others.isEmpty else { return [] }
            if snapshots.isOld { return again + names[index...] }
            current = name.description
            log()
            do throws(VerifyProblem) {
                if try await compare(name) { finished += 1 } else { again.append(name) }
            } catch .failed(let why) {
                finished += 1
                report(name, snapshots.others, nil, .unverified, why)
            } catch .redefined(let why) {
                tries[name, default: 0] += 1
                if tries[name, default: 0] < Self.triesMax {
                    again.append(name)
                } else {
                    finished += 1
                    report(name, snapshots.others, nil, .unverified, VerifyProblem.redefined(why).words)
                }
            }
        }
        return again
    }

    private func log() {
        node.log.debug("verify", ["table": current])
        guard EventLoop.nowMs() - loggedMs >= Self.logEveryMs else { return }
        loggedMs = EventLoop.nowMs()
        node.log.notice("verify", ["progress": progress])
    }

    private func report(_ name: TableName, _ nodes: [NodeID], _ rows: Int?, _ state: VerifyOutcome.State, _ detail: String?) {
        for id in nodes { outcome.lines.append(VerifyOutcome.Line(name: name, node: id, rows: rows, state: state, detail: detail)) }
    }

    // MARK: One table

    /// False: it is to be looked at again, in another snapshot.
    private func compare(_ name: TableName) async throws(VerifyProblem) -> Bool {
        var definitions = try await VerifyDefinitions.read(name, snapshots)
        if !definitions.differing.isEmpty { definitions = try await VerifyDefinitions.confirm(name, snapshots) }
        guard let shape = definitions.master else {
            report(name, Array(definitions.differing.keys), nil, .differs, "it is here, and not on the master")
            return true
        }
        let same = definitions.same
        var lines: [(NodeID, Int?, VerifyOutcome.State, String?)] = definitions.differing.map { ($0, nil, .differs, $1) }
        lines += definitions.unread.map { ($0, nil, .unverified, $1) }
        switch shape.comparison {
        case .definitionOnly: lines += same.map { ($0, nil, .same, nil) }
        case .skipped(let why): lines += same.map { ($0, nil, .skipped, why) }
        case .rows(let isKeyed):
            let (comparison, failed) = try await rows(of: name, same, isKeyed: isKeyed)
            // Who only happens to differ here has a difference that no second snapshot shows.
            if !comparison.findings.isEmpty, suspected.insert(name).inserted { return false }
            for id in same {
                if let why = failed[id] {
                    lines.append((id, comparison.rowsCompared, .unverified, why))
                } else if let findings = comparison.findings[id], !findings.isEmpty {
                    lines.append((id, comparison.rowsCompared, .differs, findings.words(shape.key)))
                } else {
                    lines.append((id, comparison.rowsCompared, .same, nil))
                }
            }
        }
        // Who was lost meanwhile is told of once, for all that was left.
        for (id, rows, state, detail) in lines where snapshots.others.contains(id) { report(name, [id], rows, state, detail) }
        return true
    }

    private func rows(of name: TableName, _ nodes: [NodeID], isKeyed: Bool) async throws(VerifyProblem) -> (TableComparison, [NodeID: String]) {
        var comparison = TableComparison(reference: snapshots.master, others: nodes, isKeyed: isKeyed, size: size)
        var failed: [NodeID: String] = [:]
        var action = comparison.began()
        while done != nil {
            let began = EventLoop.nowMs()
            let asked = comparison.rowsCompared
            switch action {
            case .cut(let range, let row, let id):
                let replies = try await answers(name, .cut(name, range, row: row), [id], &comparison, &failed)
                // Without its answer the range is listed, or was the last.
                action = comparison.wasCut(at: replies[id]?.key)
            case .sum(let range, let ids):
                let replies = try await answers(name, .sum(name, range), ids, &comparison, &failed)
                action = comparison.summed(replies.compactMapValues(\.sum))
                comparison.size.took(milliseconds: EventLoop.nowMs() - began)
                size = comparison.size
            case .list(let range, let most, let ids):
                let replies = try await answers(name, .list(name, range, rowsMax: most), ids, &comparison, &failed)
                action = comparison.listed(replies.mapValues(\.digests))
            case .finished: return (comparison, failed)
            }
            rows += comparison.rowsCompared - asked
            log()
            // As long as the nodes worked, they rest.
            await snapshots.pause(milliseconds: min(EventLoop.nowMs() - began, 1000))
            if snapshots.isOld, action != .finished { try await renewSnapshot() }
        }
        throw .lost("it was ended")
    }

    /// The chunks that are left come from a new snapshot; each is compared at one position.
    private func renewSnapshot() async throws(VerifyProblem) {
        do throws(VerifyProblem) { try await snapshots.take() } catch { throw .lost(error.words) }
    }

    /// The answers of those that gave one; who could not read this table is told of, and left out of the comparison.
    private func answers(
        _ name: TableName, _ request: VerifyRequest, _ nodes: [NodeID], _ comparison: inout TableComparison, _ failed: inout [NodeID: String]
    ) async throws(VerifyProblem) -> [NodeID: VerifyReply] {
        var found: [NodeID: VerifyReply] = [:]
        for (id, result) in await snapshots.askAll(nodes, request) {
            switch result {
            case .success(let reply): found[id] = reply
            case .failure(let problem):
                if case .redefined = problem { throw problem }
                if id == snapshots.master {
                    guard case .failed(let why) = problem else { throw problem }
                    // The master can't read it, so nobody is compared.
                    for other in nodes where other != id {
                        failed[other] = "the master: \(why)"
                        comparison.lost(other)
                    }
                } else {
                    failed[id] = problem.words
                    comparison.lost(id)
                    if case .failed = problem { continue }
                    snapshots.lose(id, problem.words)
                }
            }
        }
        return found
    }
}

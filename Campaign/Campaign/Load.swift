import CampaignCore
import CampaignHarness
import ClusterModel
import Dispatch
import Glibc
import Synchronization

/// Clients on all nodes, each on a thread of its own at a bounded rate, that write down what they do.
final class Load: Sendable {
    /// One client: what it does in a turn, and how often.
    private struct Worker: Sendable {
        /// Where it stays as long as it is well there: so there are clients on every node.
        let home: Int
        /// Between two turns.
        let everyMs: Int
        /// Sent first on each connection.
        let opening: String?
        /// False: an error was told, go slower.
        let turn: @Sendable (Visit) throws(NoReply) -> Bool
    }

    /// One connection, as long as it lasts.
    final class Visit {
        let client: Client
        let node: Int
        var session: History.Session
        var turns = 0

        init(_ client: Client, node: Int) {
            self.client = client
            self.node = node
            session = History.Session(node: node)
        }
    }

    /// Whoever had to leave its own node looks whether it is back after so long.
    private static let awayMsMax = 1_500
    /// So many failed turns in a row make it leave.
    private static let failuresMax = 20
    private static let pauseAfterErrorMs = 100

    let history = Mutex(History())
    private let addresses: [NodeAddress]
    private let isOver = Atomic(false)
    private let group = DispatchGroup()

    init(on addresses: [NodeAddress]) { self.addresses = addresses }

    func start() {
        for node in 1...addresses.count {
            for _ in 0..<2 { begin(Worker(home: node, everyMs: 20, opening: nil) { visit throws(NoReply) in try self.insert(visit) }) }
            begin(Worker(home: node, everyMs: 60, opening: nil) { visit throws(NoReply) in try self.transfer(visit) })
            begin(Worker(home: node, everyMs: 100, opening: nil) { visit throws(NoReply) in try self.watchRole(visit) })
            for promise in History.Promise.allCases {
                begin(
                    Worker(home: node, everyMs: 60, opening: ".consistency \(promise.rawValue)") { visit throws(NoReply) in
                        try self.read(visit, promise)
                    })
            }
        }
    }

    /// Ends it; false where a client does not come to its end.
    func stop() -> Bool {
        isOver.store(true, ordering: .relaxed)
        return group.wait(timeout: .now() + .seconds(Client.replySecondsMax * 5)) == .success
    }

    // MARK: A client's life

    private func begin(_ worker: Worker) {
        DispatchQueue(label: "client").async(group: group) {
            var node = worker.home
            while !self.isOver.load(ordering: .relaxed) {
                let isWell = (try? self.stay(worker, at: node)) ?? false
                node = isWell ? worker.home : node % self.addresses.count + 1
                pause(milliseconds: Self.pauseAfterErrorMs / 2)
            }
        }
    }

    /// False where it is refused again and again.
    private func stay(_ worker: Worker, at node: Int) throws(NoReply) -> Bool {
        let visit = Visit(try Client(addresses[node - 1]), node: node)
        if let opening = worker.opening { try visit.client.ok(opening) }
        var failures = 0
        let untilMs = node == worker.home ? Int.max : Clock.nowMs + Self.awayMsMax
        while !isOver.load(ordering: .relaxed), failures < Self.failuresMax, Clock.nowMs < untilMs {
            visit.turns += 1
            let isWell = try worker.turn(visit)
            failures = isWell ? 0 : failures + 1
            pause(milliseconds: isWell ? worker.everyMs : Self.pauseAfterErrorMs)
        }
        return failures < Self.failuresMax
    }

    // MARK: Turns

    private func insert(_ visit: Visit) throws(NoReply) -> Bool {
        let value = history.withLock { $0.began(.insert, node: visit.node, nowMs: Clock.nowMs) }
        let isDone = try finish(value, "INSERT INTO campaign.registers (v) VALUES (\(value))", visit) == .acknowledged
        guard isDone, visit.turns % 5 == 0 else { return isDone }
        history.withLock { $0.wrote(value, &visit.session) }
        return try ask(history.withLock { $0.question(for: value, nowMs: Clock.nowMs) }, .session, visit)
    }

    private func transfer(_ visit: Visit) throws(NoReply) -> Bool {
        let accounts = (1...Cluster.accounts).shuffled().prefix(2).sorted()
        let transfer = Transfer(from: accounts[0], to: accounts[1], Int.random(in: -50...50))
        let value = history.withLock { $0.began(.transfer(transfer), node: visit.node, nowMs: Clock.nowMs) }
        let steps = [
            "BEGIN", "UPDATE campaign.accounts SET balance = balance - \(transfer.amount) WHERE id = \(transfer.source)",
            "UPDATE campaign.accounts SET balance = balance + \(transfer.amount) WHERE id = \(transfer.target)",
            "INSERT INTO campaign.ledger (v, source, target, amount) VALUES (\(value), \(transfer.source), \(transfer.target), \(transfer.amount))",
        ]
        for step in steps {
            let words: String
            do throws(NoReply) {
                guard let error = try visit.client.run(step).error else { continue }
                words = "\(error.code) \(error.message)"
            } catch {
                giveUp(value, error.words)
                throw error
            }
            giveUp(value, words)
            try visit.client.ok(".reset")
            return false
        }
        guard try finish(value, "COMMIT", visit) != .acknowledged else { return true }
        try visit.client.ok(".reset")
        return false
    }

    /// Nobody was asked to commit, so nothing may stay.
    private func giveUp(_ value: Int, _ words: String) {
        history.withLock { $0.ended(value, .refused, "before COMMIT: \(words)", nowMs: Clock.nowMs) }
    }

    /// Asks for what makes a write last, and writes down what came of it.
    private func finish(_ value: Int, _ sql: String, _ visit: Visit) throws(NoReply) -> Outcome {
        do throws(NoReply) {
            let reply = try visit.client.run(sql)
            let outcome = reply.error.map { Outcome(code: $0.code, message: $0.message) } ?? .acknowledged
            history.withLock { $0.ended(value, outcome, reply.words, nowMs: Clock.nowMs) }
            return outcome
        } catch {
            history.withLock { $0.ended(value, .unknown, error.words, nowMs: Clock.nowMs) }
            throw error
        }
    }

    private func read(_ visit: Visit, _ promise: History.Promise) throws(NoReply) -> Bool {
        guard visit.turns % 4 == 0 else { return try ask(history.withLock { $0.question(nowMs: Clock.nowMs) }, promise, visit) }
        let reply = try visit.client.run("SELECT SUM(balance) FROM campaign.accounts")
        guard let sum = (reply.rows.first?.first ?? nil).flatMap({ Int($0) }) else { return false }
        let wanted = Cluster.accounts * Cluster.initialBalance
        history.withLock { $0.addedUp(sum, wanted: wanted, node: visit.node, nowMs: Clock.nowMs) }
        return true
    }

    /// Who says that it is master, and in which epoch.
    private func watchRole(_ visit: Visit) throws(NoReply) -> Bool {
        let fields = try visit.client.run(".role").fields
        guard fields["role"] == "master", let epoch = Int(fields["epoch"] ?? "") else { return true }
        history.withLock { $0.led(visit.node, epoch: epoch, nowMs: Clock.nowMs) }
        return true
    }

    private func ask(_ question: History.Question, _ promise: History.Promise, _ visit: Visit) throws(NoReply) -> Bool {
        guard !question.values.isEmpty else { return true }
        let values = question.values.map { "\($0)" }.joined(separator: ", ")
        let reply = try visit.client.run("SELECT v FROM campaign.registers WHERE v IN (\(values))")
        guard reply.error == nil else { return false }
        let found = Set(reply.rows.compactMap { $0.first.flatMap { $0 }.flatMap { Int($0) } })
        history.withLock { $0.answered(question, found, promise, &visit.session, nowMs: Clock.nowMs) }
        return true
    }
}

/// What a node holds at the end.
package struct NodeContents: Sendable {
    package let node: Int
    /// How often each value is in the register table.
    package var registers: [Int: Int]
    /// The rows that transfers left, by value.
    package var ledger: [Int: [Transfer]]
    package var balances: [Int: Int]

    package init(node: Int, registers: [Int: Int], ledger: [Int: [Transfer]], balances: [Int: Int]) {
        self.node = node
        self.registers = registers
        self.ledger = ledger
        self.balances = balances
    }
}

/// Holds what the nodes have at the end against what clients were told.
package struct FinalCheck {
    private let history: History
    /// What each account held at first.
    private let initialBalance: Int
    private let accounts: Int

    package init(_ history: History, accounts: Int, initialBalance: Int) {
        self.history = history
        self.accounts = accounts
        self.initialBalance = initialBalance
    }

    package func violations(_ nodes: [NodeContents]) -> [Violation] {
        nodes.flatMap { writesMissing($0) + rowsUnasked($0) + sightsGone($0) + sumsWrong($0) } + disagreements(nodes)
    }

    private func count(_ write: Write, on node: NodeContents) -> Int {
        write.isTransfer ? node.ledger[write.value]?.count ?? 0 : node.registers[write.value] ?? 0
    }

    private func writesMissing(_ node: NodeContents) -> [Violation] {
        history.writes.compactMap { write in
            let count = count(write, on: node)
            if write.outcome == .acknowledged, count == 0 { return Violation(.lost, write.value, "node \(node.node) lacks \(write.words)") }
            if write.outcome == .refused, count > 0 { return Violation(.unasked, write.value, "node \(node.node) holds \(write.words)") }
            return count > 1 ? Violation(.duplicate, write.value, "node \(node.node) holds \(count) times \(write.words)") : nil
        }
    }

    private func rowsUnasked(_ node: NodeContents) -> [Violation] {
        let registers = node.registers.keys.filter { history[$0].map(\.isTransfer) ?? true }
        let ledger = node.ledger.filter { value, rows in
            guard case .transfer(let transfer) = history[value]?.what else { return true }
            return rows.contains { $0 != transfer }
        }
        return (registers + ledger.keys).sorted().map { Violation(.unasked, $0, "node \(node.node) holds \($0) as nobody wrote it") }
    }

    private func sightsGone(_ node: NodeContents) -> [Violation] {
        history.seen.filter { node.registers[$0.key] == nil }.sorted { $0.key < $1.key }.map { value, sight in
            Violation(
                .vanished, value,
                "node \(sight.node) showed it at \(sight.atMs) ms, and node \(node.node) lacks it: \(history[value]?.words ?? "nobody's write")")
        }
    }

    private func sumsWrong(_ node: NodeContents) -> [Violation] {
        var wanted = Dictionary(uniqueKeysWithValues: (1...accounts).map { ($0, initialBalance) })
        for transfer in node.ledger.values.joined() {
            wanted[transfer.source, default: 0] -= transfer.amount
            wanted[transfer.target, default: 0] += transfer.amount
        }
        let (sum, total) = (node.balances.values.reduce(0, +), accounts * initialBalance)
        var found = sum == total ? [] : [Violation(.wrongSum, nil, "node \(node.node): all accounts hold \(sum), not \(total)")]
        for account in Set(wanted.keys).union(node.balances.keys).sorted() where wanted[account] != node.balances[account] {
            let (held, due) = (node.balances[account].map { "\($0)" } ?? "nothing", wanted[account].map { "\($0)" } ?? "nothing")
            found.append(Violation(.wrongSum, nil, "node \(node.node): account \(account) holds \(held); the transfers on that node come to \(due)"))
        }
        return found
    }

    /// Of acknowledged and refused writes it is told already.
    private func disagreements(_ nodes: [NodeContents]) -> [Violation] {
        history.writes.compactMap { write in
            guard write.outcome == .unknown else { return nil }
            let holding = nodes.filter { count(write, on: $0) > 0 }.map { "\($0.node)" }
            guard !holding.isEmpty, holding.count < nodes.count else { return nil }
            return Violation(.disagreement, write.value, "only node \(holding.joined(separator: " and ")) holds \(write.words)")
        }
    }
}

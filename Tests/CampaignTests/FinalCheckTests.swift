import Testing

@testable import CampaignCore

/// Wrong ends of a campaign: each must be noticed.
@Suite struct FinalCheckTests {
    private var history = History()
    private let transfer = Transfer(from: 1, to: 2, 30)

    /// Values 1 to 4: an insert of each outcome and one still under way; 5: a transfer that was acknowledged.
    init() {
        for outcome in [Outcome.acknowledged, .refused, .unknown] {
            history.ended(history.began(.insert, node: 1, nowMs: 0), outcome, "reply", nowMs: 1)
        }
        _ = history.began(.insert, node: 1, nowMs: 2)
        history.ended(history.began(.transfer(transfer), node: 1, nowMs: 3), .acknowledged, "OK", nowMs: 4)
    }

    private func node(_ number: Int, _ change: (inout NodeContents) -> Void = { _ in }) -> NodeContents {
        var contents = NodeContents(node: number, registers: [1: 1], ledger: [5: [transfer]], balances: [1: 70, 2: 130])
        change(&contents)
        return contents
    }

    private func broken(_ nodes: [NodeContents]) -> [Violation] { FinalCheck(history, accounts: 2, initialBalance: 100).violations(nodes) }

    /// The kinds and values that are told when two nodes are well and the third is not.
    private func told(_ change: (inout NodeContents) -> Void) -> [String] {
        broken([node(1), node(2), node(3, change)]).map { violation in violation.value.map { "\(violation.kind) \($0)" } ?? "\(violation.kind)" }
    }

    @Test func `what must be there and what may be missing is well`() { #expect(broken([node(1), node(2), node(3)]).isEmpty) }

    @Test func `an unknown write is well on all nodes or on none`() {
        #expect(broken((1...3).map { node($0) { $0.registers[3] = 1 } }).isEmpty)
        #expect(broken((1...3).map { node($0) { $0.registers[4] = 1 } }).isEmpty, "also one that was never answered")
        #expect(told { $0.registers[3] = 1 } == ["disagreement 3"])
    }

    @Test func `an acknowledged write that one node lacks is lost`() {
        #expect(told { $0.registers[1] = nil } == ["lost 1"])
        let words = broken([node(1), node(2) { $0.registers[1] = nil }]).map(\.words)
        #expect(words == ["node 2 lacks insert 1, acknowledged, asked of node 1, begun at 0 ms, ended at 1 ms: reply"])
    }

    @Test func `an acknowledged transfer that is gone with its money is lost`() {
        #expect(
            told {
                $0.ledger = [:]
                $0.balances = [1: 100, 2: 100]
            } == ["lost 5"])
    }

    @Test func `a write that is there twice is a duplicate, whatever its outcome`() {
        #expect(told { $0.registers[1] = 2 } == ["duplicate 1"])
        #expect(broken([node(1) { $0.registers[3] = 2 }]).map(\.kind) == [.duplicate])
        #expect(
            told {
                $0.ledger[5] = [transfer, transfer]
                $0.balances = [1: 40, 2: 160]
            } == ["duplicate 5"])
    }

    @Test func `a refused write that is there is told`() { #expect(told { $0.registers[2] = 1 } == ["unasked 2"]) }

    @Test func `what nobody wrote is told`() {
        #expect(told { $0.registers[77] = 1 } == ["unasked 77"])
        #expect(told { $0.registers[5] = 1 } == ["unasked 5"], "a transfer is no insert")
        #expect(
            told {
                $0.ledger[5] = [Transfer(from: 1, to: 2, 31)]
                $0.balances = [1: 69, 2: 131]
            } == ["unasked 5"])
    }

    @Test mutating func `a write that was seen and then gone is told, though its client knew nothing of it`() {
        var session = History.Session(node: 2)
        history.answered(history.question(nowMs: 5), [1, 3], .local, &session, nowMs: 6)
        #expect(broken([node(1), node(2)]).map(\.kind) == [.vanished, .vanished])
        #expect(broken([node(1) { $0.registers[3] = 1 }, node(2) { $0.registers[3] = 1 }]).isEmpty)
    }

    @Test func `a sum or an account that is wrong is told`() {
        #expect(told { $0.balances[2] = 131 } == ["wrongSum", "wrongSum"], "the whole and the account")
        #expect(told { $0.balances = [1: 71, 2: 129] } == ["wrongSum", "wrongSum"], "the sum is right, two accounts are not")
        #expect(told { $0.balances[2] = nil } == ["wrongSum", "wrongSum"])
    }
}

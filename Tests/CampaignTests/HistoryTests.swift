import Testing

@testable import CampaignCore

/// What is judged while the campaign runs.
@Suite struct HistoryTests {
    private var history = History()

    private mutating func insert(_ outcome: Outcome?, node: Int = 1, at ms: Int = 0) -> Int {
        let value = history.began(.insert, node: node, nowMs: ms)
        if let outcome { history.ended(value, outcome, "reply", nowMs: ms + 1) }
        return value
    }

    private mutating func read(_ found: Set<Int>, _ promise: History.Promise, _ session: inout History.Session) {
        history.answered(history.question(nowMs: 10), found, promise, &session, nowMs: 11)
    }

    private var broken: [Violation.Kind] { history.violations.map(\.kind) }

    @Test mutating func `values are unique over all clients and kinds of write`() {
        let first = insert(.acknowledged)
        let second = history.began(.transfer(Transfer(from: 1, to: 2, 3)), node: 2, nowMs: 0)
        #expect([first, second, insert(nil)] == [1, 2, 3])
    }

    @Test mutating func `a linearizable read that misses an acknowledged write is stale`() {
        let value = insert(.acknowledged)
        var session = History.Session(node: 2)
        read([value], .linearizable, &session)
        #expect(broken.isEmpty)
        read([], .linearizable, &session)
        #expect(history.violations.map(\.value) == [value])
        #expect(broken == [.stale])
    }

    @Test mutating func `what was acknowledged after the question was asked may be missed`() {
        let value = insert(nil)
        var session = History.Session(node: 2)
        let question = history.question(nowMs: 1)
        history.ended(value, .acknowledged, "OK", nowMs: 2)
        history.answered(question, [], .linearizable, &session, nowMs: 3)
        #expect(broken.isEmpty)
    }

    @Test mutating func `other reads may miss what others wrote`() {
        _ = insert(.acknowledged)
        var session = History.Session(node: 2)
        read([], .session, &session)
        read([], .local, &session)
        #expect(broken.isEmpty)
    }

    @Test mutating func `a session that saw a write sees it again`() {
        let value = insert(.unknown)
        var session = History.Session(node: 2)
        read([value], .session, &session)
        read([], .local, &session)
        #expect(broken.isEmpty, "that was not promised")
        read([], .session, &session)
        #expect(broken == [.stale])
    }

    @Test mutating func `a session that wrote sees its write`() {
        let value = insert(.acknowledged)
        var session = History.Session(node: 1)
        history.wrote(value, &session)
        history.answered(history.question(for: value, nowMs: 5), [], .session, &session, nowMs: 6)
        #expect(broken == [.stale])
    }

    @Test mutating func `a read that shows what nobody wrote is told`() {
        let transfer = history.began(.transfer(Transfer(from: 1, to: 2, 3)), node: 1, nowMs: 0)
        var session = History.Session(node: 1)
        read([transfer, 99], .local, &session)
        #expect(broken == [.unasked, .unasked])
    }

    @Test mutating func `a sum that is not the same is told at once`() {
        history.addedUp(100, wanted: 100, node: 1, nowMs: 0)
        #expect(broken.isEmpty)
        history.addedUp(99, wanted: 100, node: 1, nowMs: 0)
        #expect(broken == [.wrongSum])
    }

    @Test mutating func `an epoch has one master, who may say so often`() {
        for _ in 0..<3 { history.led(1, epoch: 1, nowMs: 0) }
        history.led(2, epoch: 2, nowMs: 1)
        history.led(1, epoch: 3, nowMs: 2)
        #expect(broken.isEmpty)
        for _ in 0..<3 { history.led(3, epoch: 2, nowMs: 3) }
        #expect(broken == [.twoMasters])
    }

    @Test mutating func `the first write after a blow is one that was begun after it`() {
        let early = insert(nil, at: 5)
        history.watch(fromMs: 10)
        history.ended(early, .acknowledged, "OK", nowMs: 12)
        _ = insert(.unknown, at: 13)
        #expect(history.firstAcknowledgedMs == nil)
        _ = insert(.acknowledged, at: 20)
        _ = insert(.acknowledged, at: 30)
        #expect(history.firstAcknowledgedMs == 21)
        #expect(history.lastAcknowledgedBeganMs == 30)
    }

    @Test mutating func `questions are for the latest inserts only`() {
        for _ in 0..<500 { _ = insert(.acknowledged) }
        #expect(history.question(nowMs: 0).values == Array(437...500))
    }

    @Test(arguments: [
        ("NOT-MASTER", "the master is at 10.0.0.1:7001", Outcome.refused),
        ("MASTER-UNREACHABLE", "the master can't be reached, so this was not run; reads still work here", .refused),
        ("NO-QUORUM", "a write must be on 2 nodes and too few are within reach, so this was not run; .nodes tells which", .refused),
        ("NO-QUORUM", "not on enough nodes after 3000 ms, so whether this write stays is not known yet: .wait 0-1-7 tells when", .unknown),
        ("CONNECTION-LOST", "the transaction is gone; this was not run, begin anew", .refused),
        ("CONNECTION-LOST", "whether this took effect is not known; look before you send it again", .unknown),
        ("1213", "Deadlock found when trying to get lock", .refused),
        ("1180", "Got error 1 during COMMIT", .unknown),
        ("NEW-WORD", "of a later version", .unknown),
    ])
    func `an error counts as a refusal only where nothing can have been run`(code: String, message: String, outcome: Outcome) {
        #expect(Outcome(code: code, message: message) == outcome)
    }
}

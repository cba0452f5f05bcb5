import ClusterModel
import Replication
import Testing

private func at(_ sequence: UInt64) -> Position { Position(GTID(domain: 0, server: 1, sequence: sequence)) }

@Suite struct ApplyErrorKinds {
    @Test func `what does not fit is lasting, and so is every error that nobody thought of`() {
        for error in [1032, 1062, 1146, 1050, 1054, 1064, 1118, 1194, 1452, 1594, 1677, 1932, 1950, 4242] {
            #expect(ApplyErrorKind(error: error, words: "") == .lasting, "\(error)")
        }
    }

    @Test func `locks, ended threads and broken connections pass`() {
        for error in [0, 1205, 1213, 1317, 1927, 1053, 2013] { #expect(ApplyErrorKind(error: error, words: "") == .passing, "\(error)") }
    }

    @Test func `a full disk is one, by whatever number it comes`() {
        for error in [1021, 1114, 1026, 20] { #expect(ApplyErrorKind(error: error, words: "") == .resources, "\(error)") }
        let temporary = #"Error writing file '/tmp/x/ML4f' (Errcode: 28 "No space left on device")"#
        for error in [3, 1030, 1105] { #expect(ApplyErrorKind(error: error, words: temporary) == .resources, "\(error)") }
        #expect(ApplyErrorKind(error: 1030, words: #"Got error 28 "No space left on device" from storage engine InnoDB"#) == .resources)
        #expect(ApplyErrorKind(error: 1030, words: "Got error 128 from storage engine") == .lasting)
    }
}

@Suite struct ApplyWatchTests {
    private var watch = ApplyWatch()

    private func look(_ error: Int, _ words: String = "no", after applied: UInt64 = 5, applies: Bool = false, receives: Bool = true)
        -> ApplyWatch.Look
    {
        ApplyWatch.Look(applies: applies, receives: receives, error: error, words: words, applied: at(applied))
    }

    private mutating func saw(_ look: ApplyWatch.Look, _ nowMs: Int = 0) -> Bool? { watch.saw(look, nowMs: nowMs)?.isLasting }

    @Test mutating func `an error that does not pass is believed when another attempt ends in it`() {
        #expect(saw(look(1062)) == false)
        // The attempt is under way: it may be a long transaction.
        #expect(saw(look(0, "", applies: true)) == nil)
        #expect(saw(look(1062)) == true)
    }

    @Test mutating func `an error of a later transaction is seen for the first time`() {
        #expect(saw(look(1062)) == false)
        #expect(saw(look(1062, after: 6)) == false)
        #expect(saw(look(1062, after: 6)) == true)
    }

    @Test mutating func `a lock is waited for, but not for ever`() {
        for second in 0..<300 { #expect(saw(look(1205), second * 1000) == false) }
        #expect(saw(look(1205), ApplyWatch.passingMsMax) == true)
    }

    @Test mutating func `a full disk is waited for as long as it is full`() {
        for hour in 0..<100 { #expect(saw(look(1021), hour * 3_600_000) == false) }
    }

    @Test mutating func `that nothing is fetched is no reason for a copy`() {
        for minute in 0..<100 { #expect(saw(look(1236, applies: true, receives: false), minute * 60_000) == false) }
    }

    @Test mutating func `it is told where, what, and by which number`() {
        let told = watch.saw(look(1146, "Table 'd.t' doesn't exist"), nowMs: 0)?.description
        #expect(told == "the transaction after 0-1-5 can't be applied: error 1146: Table 'd.t' doesn't exist")
        let ended = watch.saw(look(0, ""), nowMs: 0)?.description
        #expect(ended == "the transaction after 0-1-5 can't be applied: its replica threads do not run")
    }
}

@Suite struct RebuildRuleTests {
    private var rule = RebuildRule()

    private func trouble(after: UInt64) -> ApplyTrouble { ApplyTrouble(error: 1032, words: "", after: at(after), isLasting: true) }

    @Test mutating func `a slave is rebuilt once for each transaction`() {
        #expect(rule.verdict(trouble(after: 5), nowMs: 0) == .rebuild)
        rule.rebuilt(after: at(5), isInUse: true, nowMs: 0)
        #expect(rule.verdict(trouble(after: 5), nowMs: 1_000_000) == .spent)
        #expect(rule.verdict(trouble(after: 4), nowMs: 1_000_000) == .spent)
        #expect(rule.verdict(trouble(after: 6), nowMs: 1_000_000) == .rebuild)
        #expect(rule.rebuilds == 1)
    }

    @Test mutating func `a copy that was put back counts as tried, and not as a rebuild`() {
        rule.rebuilt(after: at(5), isInUse: false, nowMs: 0)
        #expect(rule.verdict(trouble(after: 5), nowMs: 0) == .spent)
        #expect(rule.rebuilds == 0)
    }

    @Test mutating func `one rebuild after the other has longer and longer pauses before it`() {
        var now = 0
        var pauses: [Int] = []
        for number in 1...12 {
            rule.rebuilt(after: at(UInt64(number)), isInUse: true, nowMs: now)
            guard case .wait(let pause) = rule.verdict(trouble(after: UInt64(number + 1)), nowMs: now) else {
                Issue.record("no pause after rebuild \(number)")
                return
            }
            pauses.append(pause)
            now += pause
            #expect(rule.verdict(trouble(after: UInt64(number + 1)), nowMs: now) == .rebuild)
        }
        #expect(pauses.prefix(3) == [10_000, 20_000, 40_000])
        #expect(pauses.last == RebuildRule.pauseMsMax)
        // After a long time of peace it is as at first.
        now += 2 * RebuildRule.pauseMsMax
        rule.rebuilt(after: at(20), isInUse: true, nowMs: now)
        #expect(rule.verdict(trouble(after: 21), nowMs: now) == .wait(milliseconds: RebuildRule.pauseFirstMs))
    }

    @Test mutating func `an operator's word makes all of it undone`() {
        rule.rebuilt(after: at(5), isInUse: true, nowMs: 0)
        rule.forget()
        #expect(rule.verdict(trouble(after: 5), nowMs: 0) == .rebuild)
    }
}

import ClusterModel
import Replication
import Testing

private func at(_ sequence: UInt64) -> Position { sequence == 0 ? .start : Position(GTID(domain: 0, server: 1, sequence: sequence)) }

private func segment(_ number: UInt32, _ after: UInt64, _ last: UInt64) -> JournalSegment {
    JournalSegment(number: number, after: at(after), last: at(last), bytes: 100)
}

@Suite struct JournalIndexTests {
    private let index = JournalIndex([segment(3, 10, 20), segment(4, 20, 20), segment(5, 20, 30)])

    @Test func `files that don't follow on one another are no journal`() {
        #expect(index != nil)
        #expect(JournalIndex([segment(3, 10, 20), segment(5, 20, 30)]) == nil)
        #expect(JournalIndex([segment(3, 10, 20), segment(4, 21, 30)]) == nil)
    }

    @Test func `a reader finds the file that holds its next transaction`() throws {
        let index = try #require(index)
        #expect(index.segment(after: at(10))?.number == 3)
        #expect(index.segment(after: at(19))?.number == 3)
        #expect(index.segment(after: at(20))?.number == 5)
        #expect(index.segment(after: at(30))?.number == 5)
    }

    @Test func `a reader outside the journal finds nothing`() throws {
        let index = try #require(index)
        #expect(index.segment(after: at(9)) == nil)
        #expect(index.segment(after: at(31)) == nil)
        #expect(JournalIndex.empty.segment(after: .start) == nil)
    }

    @Test func `purging keeps the newest file and all that holds more than was applied`() throws {
        var index = try #require(index)
        #expect(index.purge(upTo: at(19)).isEmpty)
        #expect(index.purge(upTo: at(20)).map(\.number) == [3, 4])
        #expect(index.purge(upTo: at(99)).isEmpty)
        #expect(index.segments.map(\.number) == [5])
    }

    @Test func `a file's name has at least six digits`() {
        #expect(segment(7, 0, 0).fileName == "journal.000007")
        #expect(segment(1_234_567, 0, 0).fileName == "journal.1234567")
    }
}

@Suite struct LagTrackerTests {
    @Test func `lag is the age of the first position that is missing`() {
        var lag = LagTracker()
        lag.passed(at(1), nowMs: 1000)
        lag.passed(at(2), nowMs: 1100)
        lag.passed(at(3), nowMs: 1200)
        #expect(lag.lagMs(of: at(1), master: at(3), nowMs: 1500) == 400)
        #expect(lag.lagMs(of: at(3), master: at(3), nowMs: 1500) == 0)
    }

    @Test func `memory stays bounded however far a slave is behind`() {
        var lag = LagTracker()
        for step in 1...100_000 { lag.passed(at(UInt64(step)), nowMs: step * 20) }
        let told = lag.lagMs(of: .start, master: at(100_000), nowMs: 100_000 * 20)
        #expect(told >= 100_000 * 20 - 40)
    }
}

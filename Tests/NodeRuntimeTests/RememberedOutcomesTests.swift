import ClusterModel
import Testing

@testable import NodeRuntime

@Suite struct RememberedOutcomesTests {
    private func id(_ number: Int) throws -> TransactionID { try #require(TransactionID("t-\(number)")) }
    private func gtid(_ number: Int) -> GTID { GTID(domain: 0, server: 1, sequence: UInt64(number)) }

    @Test func `the oldest are forgotten`() throws {
        var outcomes = RememberedOutcomes(entriesMax: 3)
        for number in 1...5 { outcomes.remember(try id(number), gtid(number)) }
        #expect(try (1...5).map { outcomes[try id($0)]?.sequence } == [nil, nil, 3, 4, 5])
        #expect(try outcomes.unstored(atMost: 9).entries.map(\.id) == [id(3), id(4), id(5)])
    }

    @Test func `each is stored once, in order and in bounded steps`() throws {
        var outcomes = RememberedOutcomes(entriesMax: 10)
        for number in 1...3 { outcomes.remember(try id(number), gtid(number)) }
        let first = outcomes.unstored(atMost: 2)
        #expect(try first.entries.map(\.id) == [id(1), id(2)])
        #expect(outcomes.unstored(atMost: 2).entries == first.entries, "not stored, it is told again")
        outcomes.store(upTo: first.end)
        #expect(try outcomes.unstored(atMost: 2).entries.map(\.id) == [id(3)])
    }

    @Test func `told again under one id, the last word counts`() throws {
        var outcomes = RememberedOutcomes(entriesMax: 10)
        outcomes.remember(try id(1), gtid(1))
        outcomes.remember(try id(1), gtid(2))
        #expect(outcomes[try id(1)]?.sequence == 2)
        #expect(outcomes.unstored(atMost: 9).entries.map(\.gtid.sequence) == [2])
    }
}

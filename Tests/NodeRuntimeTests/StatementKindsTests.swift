import Testing

@testable import NodeRuntime

@Suite struct StatementKindsTests {
    private func run(
        _ kinds: inout StatementKinds, _ times: Int, shape: UInt64 = 7, microseconds: UInt64 = 100, neighbours: Int = 1, bytes: UInt64 = 100
    ) {
        for _ in 0..<times { kinds.ran(shape, nanoseconds: microseconds * 1000, neighbours: neighbours, replyBytes: bytes) }
    }

    @Test func `a kind is fast after eight fast runs`() {
        var kinds = StatementKinds()
        run(&kinds, 7)
        #expect(!kinds.isFast(7))
        run(&kinds, 1)
        #expect(kinds.isFast(7))
        #expect(!kinds.isFast(8))
    }

    @Test func `a run that was slow by chance changes nothing, slow runs do`() {
        var kinds = StatementKinds()
        run(&kinds, 8)
        run(&kinds, 1, microseconds: 9000)
        #expect(kinds.isFast(7))
        run(&kinds, 3, microseconds: 9000)
        #expect(!kinds.isFast(7))
        run(&kinds, 20)
        #expect(kinds.isFast(7))
    }

    @Test func `a large reply, and it begins anew`() {
        var kinds = StatementKinds()
        run(&kinds, 7)
        run(&kinds, 1, bytes: 1 << 20)
        run(&kinds, 7)
        #expect(!kinds.isFast(7))
        run(&kinds, 1)
        #expect(kinds.isFast(7))
    }

    @Test func `under load each run takes longer, and counts as fast all the same`() {
        var kinds = StatementKinds()
        run(&kinds, 8, microseconds: 15_000, neighbours: 64)
        #expect(kinds.isFast(7))
        run(&kinds, 8, shape: 9, microseconds: 15_000, neighbours: 4)
        #expect(!kinds.isFast(9))
    }

    @Test func `a kind that disappointed must prove itself for longer`() {
        var kinds = StatementKinds()
        run(&kinds, 8)
        kinds.unfit(7)
        run(&kinds, 199)
        #expect(!kinds.isFast(7))
        run(&kinds, 1)
        #expect(kinds.isFast(7))
    }
}

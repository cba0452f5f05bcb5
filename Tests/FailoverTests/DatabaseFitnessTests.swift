import Failover
import Testing

@Suite struct DatabaseFitnessTests {
    private static let room: UInt64 = 1 << 30

    private func watch(_ ticks: [(isAnswered: Bool, free: UInt64?)], silentAfterMs: Int? = 2000) -> DatabaseFitness {
        var watch = DatabaseFitness(silentAfterMs: silentAfterMs)
        for tick in ticks { watch.ticked(isAnswered: tick.isAnswered, freeBytes: tick.free) }
        return watch
    }

    @Test func `a database that answers and has room is well`() {
        #expect(watch(Array(repeating: (true, Self.room), count: 100)).trouble == nil)
        #expect(watch([]).trouble == nil)
    }

    @Test func `one that has not answered for as long as is set is silent`() {
        #expect(watch(Array(repeating: (false, Self.room), count: 3)).trouble == nil)
        #expect(watch(Array(repeating: (false, Self.room), count: 4)).trouble == .silent(ms: 2000))
        #expect(watch(Array(repeating: (false, Self.room), count: 100), silentAfterMs: nil).trouble == nil)
    }

    @Test func `one that is slow, and answers now and then, is not silent`() {
        let slow = [(false, Self.room), (false, Self.room), (false, Self.room), (true, Self.room)].map { ($0.0, Optional($0.1)) }
        #expect(watch(Array(repeating: slow, count: 20).flatMap { $0 }).trouble == nil)
    }

    @Test func `a disk counts as full after a while, and until there is room to spare`() {
        let low = DatabaseFitness.lowBytes - 1
        #expect(watch(Array(repeating: (true, low), count: 3)).trouble == nil)
        #expect(watch(Array(repeating: (true, low), count: 4)).trouble == .full(freeBytes: low))
        let little = DatabaseFitness.enoughBytes - 1
        #expect(watch(Array(repeating: (true, low), count: 4) + [(true, little)]).trouble == .full(freeBytes: little))
        #expect(watch(Array(repeating: (true, low), count: 4) + [(true, DatabaseFitness.enoughBytes)]).trouble == nil)
        #expect(watch(Array(repeating: (true, little), count: 9)).trouble == nil)
        #expect(watch(Array(repeating: (true, nil), count: 9)).trouble == nil)
    }

    @Test func `silence comes before a full disk`() {
        #expect(watch(Array(repeating: (false, 0), count: 5)).trouble == .silent(ms: 2500))
    }
}

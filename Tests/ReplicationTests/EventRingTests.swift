import ClusterModel
import Replication
import Testing

private func at(_ sequence: UInt64) -> Position { sequence == 0 ? .start : Position(GTID(domain: 0, server: 1, sequence: sequence)) }

@Suite struct EventRingTests {
    /// Batches of ten bytes each: two whole ones, a large transaction in three, one more.
    private func ring(bytesMax: Int = 1000) -> EventRing {
        var ring = EventRing(after: at(5), bytesMax: bytesMax)
        for (last, isOpen) in [(6, false), (9, false), (9, true), (9, true), (10, false), (11, false)] as [(UInt64, Bool)] {
            ring.append([UInt8](repeating: UInt8(last), count: 10), last: at(last), isOpen: isOpen)
        }
        return ring
    }

    @Test func `a reader joins where a batch begins behind what it has`() {
        let ring = ring()
        #expect(ring.follower(of: at(5)) == 0)
        #expect(ring.follower(of: at(6)) == 1)
        #expect(ring.follower(of: at(9)) == 2, "not within the large transaction")
        #expect(ring.follower(of: at(10)) == 5)
        #expect(ring.follower(of: at(11)) == 6)
        #expect(ring.batch(6) == nil)
        for elsewhere in [0, 4, 7, 8, 12] { #expect(ring.follower(of: at(UInt64(elsewhere))) == nil, "\(elsewhere)") }
        let other = Position(GTID(domain: 0, server: 2, sequence: 6))
        #expect(ring.follower(of: other) == nil, "the same number, another transaction")
    }

    @Test func `an empty ring takes the reader that is where it begins`() {
        #expect(EventRing(after: at(0), bytesMax: 10).follower(of: at(0)) == 0)
        #expect(EventRing(after: at(3), bytesMax: 10).follower(of: at(2)) == nil)
    }

    @Test func `what is dropped is gone, and the rest keeps its numbers`() {
        var ring = ring(bytesMax: 35)
        while ring.isOverfull { ring.dropFirst() }
        #expect(ring.first == 3 && ring.end == 6 && ring.bytes == 30)
        #expect(ring.batch(2) == nil)
        #expect(ring.batch(5)?.last == at(11))
        #expect(ring.follower(of: at(9)) == nil, "the rest begins within a transaction")
        #expect(ring.follower(of: at(10)) == 5)
        for _ in 0..<10 { ring.dropFirst() }
        #expect(ring.bytes == 0 && ring.first == 6 && ring.end == 6)
        #expect(ring.follower(of: at(11)) == 6)
    }

    @Test func `a long run stays small`() {
        var ring = EventRing(after: .start, bytesMax: 1000)
        for number in 1...100_000 as ClosedRange<UInt64> {
            ring.append([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], last: at(number), isOpen: false)
            while ring.isOverfull { ring.dropFirst() }
        }
        #expect(ring.end == 100_000 && ring.first == 99_900)
        for number in 99_900...100_000 as ClosedRange<UInt64> { #expect(ring.follower(of: at(number)) == Int(number)) }
    }
}

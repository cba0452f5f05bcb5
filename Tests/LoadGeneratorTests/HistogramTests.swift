import Testing

@testable import LoadGeneratorCore

@Suite struct HistogramTests {
    @Test func `small values are kept exactly`() {
        for value in 0..<UInt64(256) { #expect(Histogram.highestValue(in: Histogram.index(of: value)) == value) }
    }

    @Test func `a value read back is never lower, and at most one part in 128 higher`() {
        var random = RandomDigits(seed: 7)
        for _ in 0..<10_000 {
            let value = random.next() >> (random.next() % 60)
            let back = Histogram.highestValue(in: Histogram.index(of: value))
            #expect(back >= value && back - value <= value / 128, "\(value) came back as \(back)")
        }
    }

    @Test(arguments: 0..<UInt64(64)) func `buckets follow on one another without a gap`(power: UInt64) {
        let value = UInt64(1) << power
        let index = Histogram.index(of: value)
        #expect(index == 0 || Histogram.highestValue(in: index - 1) == value - 1)
        #expect(Histogram.index(of: .max) >= index)
    }

    @Test func `percentiles are those of the sorted values`() {
        var histogram = Histogram()
        for value in (1...200).shuffled() { histogram.record(UInt64(value)) }
        #expect(histogram.value(at: 0.5) == 100)
        #expect(histogram.value(at: 0.99) == 198)
        #expect(histogram.value(at: 0.999) == 200)
        #expect(histogram.value(at: 0) == 1)
        #expect(histogram.value(at: 1) == 200)
    }

    @Test func `no percentile is above the largest value`() {
        var histogram = Histogram()
        histogram.record(1_000_001)
        #expect(histogram.value(at: 0.5) == 1_000_001)
        #expect(histogram.max == 1_000_001)
    }

    @Test func `two histograms add up`() {
        var (first, second) = (Histogram(), Histogram())
        first.record(10)
        second.record(200)
        first.add(second)
        #expect(first.count == 2 && first.max == 200 && first.value(at: 0.5) == 10)
    }

    @Test func `nothing recorded is nothing`() {
        #expect(Histogram().value(at: 0.99) == 0)
    }
}

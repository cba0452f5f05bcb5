/// Counts durations by size: each power of two is split into 128 equal buckets, so a value read back is at most 1/128 (0.8 %) too high.
///
/// After Gil Tene's HdrHistogram. A fixed 59 KB, whatever is recorded.
package struct Histogram: Sendable {
    private static let bucketBits = 7
    private static let buckets = 1 << bucketBits

    private var counters = [UInt64](repeating: 0, count: Self.index(of: .max) + 1)
    package private(set) var count: UInt64 = 0
    /// The largest value recorded, exactly; 0 when there is none.
    package private(set) var max: UInt64 = 0

    package init() {}

    package mutating func record(_ value: UInt64) {
        counters[Self.index(of: value)] += 1
        count += 1
        if value > max { max = value }
    }

    package mutating func add(_ other: Histogram) {
        for index in counters.indices { counters[index] += other.counters[index] }
        count += other.count
        max = Swift.max(max, other.max)
    }

    /// The smallest value that at least `fraction` (0 to 1) of all values don't exceed; 0 when nothing was recorded.
    package func value(at fraction: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let rank = Swift.max(1, UInt64((fraction * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for index in counters.indices {
            seen += counters[index]
            if seen >= rank { return min(Self.highestValue(in: index), max) }
        }
        return max
    }

    /// Values below 256 have a bucket each; from there on the seven bits after the leading one choose the bucket.
    static func index(of value: UInt64) -> Int {
        let shift = Swift.max(0, UInt64.bitWidth - 1 - value.leadingZeroBitCount - bucketBits)
        return shift * buckets + Int(value >> UInt64(shift))
    }

    static func highestValue(in index: Int) -> UInt64 {
        let shift = Swift.max(0, index / buckets - 1)
        let lowest = UInt64(index - shift * buckets) << UInt64(shift)
        return lowest + (1 << UInt64(shift) - 1)
    }
}

/// The middle of some numbers, and how far they lie apart.
package struct Spread: Equatable, Sendable {
    package let median: Double
    package let low: Double
    package let high: Double

    /// nil of no numbers. Of an even number of them the median is the mean of the two in the middle.
    package init?(_ numbers: [Double]) {
        let sorted = numbers.sorted()
        guard let low = sorted.first, let high = sorted.last else { return nil }
        self.low = low
        self.high = high
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// One row of the benchmark's table: both sides, and the ratio of the runs that were made next to each other.
package struct Comparison: Sendable {
    package enum Verdict: String, Sendable {
        case ok
        case short
        /// It has no target.
        case untold = "-"
    }

    package let row: Measurements.Row
    package let ddbnode: Spread
    package let against: Spread?
    /// Of each pair of runs; the machine's drift is in both.
    package let ratio: Spread?

    /// nil when the row has no figures: its runs failed, or the other side's did.
    package init?(_ row: Measurements.Row, in measurements: Measurements) {
        func numbers(_ side: Measurements.Side) -> [Int: Double] {
            let mine = measurements.values.filter { $0.name == row.name && $0.side == side }
            return Dictionary(mine.map { ($0.pair, $0.number) }, uniquingKeysWith: { $1 })
        }
        let (ours, theirs) = (numbers(.ddbnode), numbers(.against))
        guard let ddbnode = Spread(Array(ours.values)) else { return nil }
        self.row = row
        self.ddbnode = ddbnode
        against = Spread(Array(theirs.values))
        ratio = Spread(ours.compactMap { pair, number in theirs[pair].flatMap { $0 > 0 ? number / $0 : nil } })
        if row.against != nil, ratio == nil { return nil }
    }

    package var verdict: Verdict {
        guard let target = row.target else { return .untold }
        let reached = ratio?.median ?? ddbnode.median
        return (row.better == .higher ? reached >= target : reached <= target) ? .ok : .short
    }
}

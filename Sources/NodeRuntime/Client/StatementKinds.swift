/// Which kinds of reads have proven fast, so that they may share a connection with others.
///
/// A kind is a text's shape. A table of fixed size: a kind that falls on another's place takes it, and proves itself anew.
struct StatementKinds {
    /// So many runs show whether a kind is fast.
    private static let runsNeeded: UInt8 = 8
    /// So many do for one that had been taken for fast and held others up.
    private static let runsNeededAgain: UInt8 = 200
    private static let places = 1 << 12
    /// What the runs of a fast kind take on average, in nanoseconds.
    private static let fastNanoseconds: UInt64 = 2_000_000
    /// So many statements beside it let a run take twice as long.
    private static let neighboursToDouble: UInt64 = 8
    /// What the reply of a fast run may have, in bytes.
    private static let replyBytesMax: UInt64 = 16 << 10

    private struct Entry {
        var shape: UInt64 = 0
        var runs: UInt8 = 0
        var needed = StatementKinds.runsNeeded
        /// Of the last dozen runs or so.
        var averageNanoseconds: UInt64 = 0
        var isFast: Bool { runs >= needed && averageNanoseconds <= StatementKinds.fastNanoseconds }
    }

    private var entries = [Entry](repeating: Entry(), count: StatementKinds.places)

    private func place(_ shape: UInt64) -> Int { Int(truncatingIfNeeded: shape ^ shape >> 32) & (Self.places - 1) }

    func isFast(_ shape: UInt64) -> Bool {
        let place = place(shape)
        return entries[place].shape == shape && entries[place].isFast
    }

    /// A run on a connection of its own is over, or one on a shared connection that nobody used before it.
    mutating func ran(_ shape: UInt64, nanoseconds: UInt64, neighbours: Int, replyBytes: UInt64) {
        guard replyBytes <= Self.replyBytesMax else { return unfit(shape) }
        let place = place(shape)
        if entries[place].shape != shape { entries[place] = Entry(shape: shape) }
        let time = nanoseconds * Self.neighboursToDouble / (Self.neighboursToDouble + UInt64(max(0, neighbours)))
        let average = entries[place].averageNanoseconds
        entries[place].averageNanoseconds = entries[place].runs == 0 ? time : (average * 7 + time) / 8
        if entries[place].runs < entries[place].needed { entries[place].runs += 1 }
    }

    /// It held others up, changed something, gave much back, or somebody asked about it afterwards.
    mutating func unfit(_ shape: UInt64) {
        let place = place(shape)
        let known = entries[place].shape == shape ? entries[place] : Entry(shape: shape)
        entries[place] = Entry(shape: shape, needed: known.isFast ? Self.runsNeededAgain : known.needed)
    }
}

/// Which kinds of reads have proven fast, so that they may share a connection with others.
///
/// A kind is a text's shape. A table of fixed size: a kind that falls on another's place takes it, and proves itself anew.
struct StatementKinds {
    /// So many fast runs in a row make a kind fast.
    private static let runsNeeded: UInt8 = 8
    /// So many do for one that had been taken for fast and was not.
    private static let runsNeededAgain: UInt8 = 200
    private static let places = 1 << 12
    /// What a fast run may take, in nanoseconds, and more for each statement that runs beside it.
    private static let fastNanoseconds: UInt64 = 3_000_000
    private static let perNeighbourNanoseconds: UInt64 = 250_000
    /// What the reply of a fast run may have, in bytes.
    private static let replyBytesMax: UInt64 = 16 << 10

    private struct Entry {
        var shape: UInt64 = 0
        var fastRuns: UInt8 = 0
        var needed = StatementKinds.runsNeeded
    }

    private var entries = [Entry](repeating: Entry(), count: StatementKinds.places)

    private func place(_ shape: UInt64) -> Int { Int(truncatingIfNeeded: shape ^ shape >> 32) & (Self.places - 1) }

    func isFast(_ shape: UInt64) -> Bool {
        let entry = entries[place(shape)]
        return entry.shape == shape && entry.fastRuns >= entry.needed
    }

    /// A run on a connection of its own is over, or one on a shared connection that nobody else used.
    mutating func ran(_ shape: UInt64, nanoseconds: UInt64, neighbours: Int, replyBytes: UInt64) {
        let limit = Self.fastNanoseconds + UInt64(max(0, neighbours)) * Self.perNeighbourNanoseconds
        guard nanoseconds <= limit, replyBytes <= Self.replyBytesMax else { return unfit(shape) }
        let place = place(shape)
        if entries[place].shape != shape { entries[place] = Entry(shape: shape) }
        if entries[place].fastRuns < entries[place].needed { entries[place].fastRuns += 1 }
    }

    /// It was slow, changed something, or somebody asks about it afterwards.
    mutating func unfit(_ shape: UInt64) {
        let place = place(shape)
        let wasFast = entries[place].shape == shape && entries[place].fastRuns >= entries[place].needed
        let neededAlready = entries[place].shape == shape ? entries[place].needed : Self.runsNeeded
        entries[place] = Entry(shape: shape, fastRuns: 0, needed: wasFast ? Self.runsNeededAgain : neededAlready)
    }
}

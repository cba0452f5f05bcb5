/// Whether the disk syncs so fast that the loop may wait for it: less than it takes to wake another thread and to be woken by it.
///
/// One slow sync ends that, so a disk that gets slow, or hangs, holds the loop up once; many fast ones in a row bring it back.
struct SyncPace: Sendable {
    /// What the loop may be held up for, in nanoseconds.
    static let fastNs: UInt64 = 1_000_000
    static let neededInARow = 8

    private(set) var inARow = 0

    var isFast: Bool { inARow >= Self.neededInARow }

    mutating func synced(in nanoseconds: UInt64) {
        inARow = nanoseconds <= Self.fastNs ? min(inARow + 1, Self.neededInARow) : 0
    }
}

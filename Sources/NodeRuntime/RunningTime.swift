/// Time that ran while a cluster had masters that served, in milliseconds: what the age of a thing is measured by that outlives the process.
///
/// It goes on from what was last written down, at the pace of the process's own monotonic clock. So no clock that is set forward or back makes a thing
/// older or younger, nor does another node's clock after a change of master. While no master serves it stands still: then things are kept longer.
struct RunningTime: Equatable {
    private let base: UInt64
    private let sinceMs: Int

    /// - Parameters:
    ///   - last: the latest time that was written down; nil: none, and then any is as good.
    ///   - wallMs: what a time looks like to people, where none was written down.
    ///   - nowMs: of the monotonic clock.
    init(after last: UInt64?, wallMs: UInt64, nowMs: Int) {
        base = last ?? wallMs
        sinceMs = nowMs
    }

    /// Never less than before.
    func ms(nowMs: Int) -> UInt64 { base &+ UInt64(max(0, nowMs - sinceMs)) }

    /// What was written down before this is older than `keepMs`.
    func horizon(keepMs: UInt64, nowMs: Int) -> UInt64 {
        let now = ms(nowMs: nowMs)
        return now - min(now, keepMs)
    }
}

/// Whether a node's database can do its work: it answers, and its disk has room.
///
/// Time counts in ticks of whoever feeds it, so that a node which was itself held up finds nothing wrong for that reason.
package struct DatabaseFitness: Sendable {
    package enum Trouble: Equatable, Sendable {
        /// It has not answered a question that needs nothing but a thread for so long.
        case silent(ms: Int)
        /// So many bytes are left on its disk: what is written next fails, or waits.
        case full(freeBytes: UInt64)
    }

    package static let tickMs = 500
    /// With less than this a disk counts as full; again as having room with `enoughBytes`.
    package static let lowBytes: UInt64 = 16 << 20
    package static let enoughBytes: UInt64 = 64 << 20
    /// Files come and go: a disk is full that was full for so long.
    package static let fullForMs = 2000

    /// After so long without an answer it is silent; nil: never.
    package var silentAfterMs: Int?
    private var unansweredTicks = 0
    private var lowTicks = 0
    private var freeBytes: UInt64?

    package init(silentAfterMs: Int?) { self.silentAfterMs = silentAfterMs }

    /// Half a second has passed.
    ///
    /// - Parameters:
    ///   - isAnswered: whether all that it was asked is answered, by an error, too.
    ///   - freeBytes: what is left on its disk; nil where that is not known.
    package mutating func ticked(isAnswered: Bool, freeBytes: UInt64?) {
        unansweredTicks = isAnswered ? 0 : unansweredTicks + 1
        self.freeBytes = freeBytes
        let limit = lowTicks > 0 ? Self.enoughBytes : Self.lowBytes
        lowTicks = (freeBytes ?? .max) < limit ? lowTicks + 1 : 0
    }

    /// What is wrong; nil: nothing. The worse one, where it is both.
    package var trouble: Trouble? {
        let silentMs = unansweredTicks * Self.tickMs
        if let silentAfterMs, unansweredTicks > 0, silentMs >= silentAfterMs { return .silent(ms: silentMs) }
        guard let freeBytes, lowTicks * Self.tickMs >= Self.fullForMs else { return nil }
        return .full(freeBytes: freeBytes)
    }
}

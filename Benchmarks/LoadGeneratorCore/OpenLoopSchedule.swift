/// When each request of a fixed rate is due, whether or not the earlier ones were answered.
///
/// Latency is counted from these times. A server that stands still for a second then shows in every request that was due within that second, not
/// in the few that happened to be under way (what is called coordinated omission).
package struct OpenLoopSchedule: Sendable {
    private let startNs: UInt64
    private let perSecond: UInt64
    /// How many requests there are in all.
    package let total: UInt64
    /// How many were taken.
    package private(set) var taken: UInt64 = 0

    /// `perSecond`: 1 to 1,000,000.
    package init(startNs: UInt64, perSecond: Int, seconds: Double) {
        precondition((1...1_000_000).contains(perSecond), "the rate is checked where it comes in")
        self.startNs = startNs
        self.perSecond = UInt64(perSecond)
        total = UInt64((Double(perSecond) * seconds).rounded(.up))
    }

    /// When the next request is due; nil after the last.
    package var nextDueNs: UInt64? { taken < total ? dueNs(taken) : nil }

    /// The due time of the next request if that is not after `nowNs`.
    package mutating func takeDue(nowNs: UInt64) -> UInt64? {
        guard let due = nextDueNs, due <= nowNs else { return nil }
        taken += 1
        return due
    }

    /// From the request's number, so that nothing adds up.
    private func dueNs(_ number: UInt64) -> UInt64 {
        startNs + number / perSecond * 1_000_000_000 + number % perSecond * 1_000_000_000 / perSecond
    }
}

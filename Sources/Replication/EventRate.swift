/// How often something happens, by counts of short spans.
package struct EventRate: Sendable {
    private static let spanMs = 20
    private var spanBeganMs = 0
    private var counted = 0
    /// That of the last span that is over; nothing since then counts as it did.
    package private(set) var perSecond = 0

    package init() {}

    /// So many more happened.
    package mutating func count(_ number: Int = 1, nowMs: Int) {
        let elapsed = nowMs - spanBeganMs
        if elapsed >= Self.spanMs {
            perSecond = counted * 1000 / elapsed
            spanBeganMs = nowMs
            counted = 0
        }
        counted += number
    }
}

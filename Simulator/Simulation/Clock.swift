/// A node's monotonic clock: it runs too fast or too slow, and may leap ahead.
struct Clock {
    private var baseUs: Int
    private var sinceUs = 0
    /// Its seconds in a thousand true ones, by 1000.
    private var permille: Int

    init(baseUs: Int, permille: Int) {
        self.baseUs = baseUs
        self.permille = permille
    }

    private func localUs(_ timeUs: Int) -> Int { baseUs + (timeUs - sinceUs) * permille / 1000 }
    func nowMs(_ timeUs: Int) -> Int { localUs(timeUs) / 1000 }

    /// When it will show `localMs`; not before `timeUs`.
    func timeUs(ofMs localMs: Int, nowUs timeUs: Int) -> Int { timeUs + max(0, (localMs * 1000 - localUs(timeUs)) * 1000 / permille + 1) }

    mutating func change(_ timeUs: Int, permille: Int, leapUs: Int) {
        baseUs = localUs(timeUs) + leapUs
        sinceUs = timeUs
        self.permille = permille
    }
}

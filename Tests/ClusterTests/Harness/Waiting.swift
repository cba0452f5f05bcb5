import Glibc

/// What a test waited for did not come.
struct NotInTime: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again until there is something; fails after so many seconds, saying what was waited for.
@discardableResult func waitFor<T>(_ what: String, within seconds: Double = 30, _ look: () throws -> T?) throws -> T {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let found = try look() { return found }
        guard ContinuousClock.now < deadline else { throw NotInTime(description: "not within \(seconds) s: \(what)") }
        usleep(5000)
    }
}

/// The same for a condition.
func waitUntil(_ what: String, within seconds: Double = 30, _ isSo: () throws -> Bool) throws {
    try waitFor(what, within: seconds) { try isSo() ? true : nil }
}

/// How long something took.
func timed(_ body: () throws -> Void) rethrows -> Duration {
    let start = ContinuousClock.now
    try body()
    return ContinuousClock.now - start
}

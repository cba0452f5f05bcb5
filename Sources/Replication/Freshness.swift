package import ClusterModel

/// How old a slave's data may be: since when it has all that its master had then.
package struct Freshness: Sendable {
    private static let heardMax = 1000
    /// What the master told it had, and when, oldest first; only what is not applied yet.
    private var heard: [(position: Position, atMs: Int)] = []
    private var freshAtMs: Int?

    package init() {}

    /// The master had `position` at that time, by the slave's clock of when it heard so.
    package mutating func heard(_ position: Position, nowMs: Int) {
        guard heard.last.map({ $0.atMs < nowMs }) ?? true else { return }
        // The oldest count first when the database catches up, the newest for how far it then is.
        if heard.count == Self.heardMax { heard.remove(at: heard.count / 2) }
        heard.append((position, nowMs))
    }

    package mutating func applied(_ position: Position) {
        let done = heard.prefix { $0.position <= position }
        guard let last = done.last else { return }
        freshAtMs = last.atMs
        heard.removeFirst(done.count)
    }

    /// Nil while it never had what its master had.
    package func stalenessMs(nowMs: Int) -> Int? { freshAtMs.map { nowMs - $0 } }
}

package import ClusterModel

/// Tells how long a slave has been behind: when the master passed which position, sampled so that the memory stays small.
package struct LagTracker: Sendable {
    private static let samplesMax = 1024
    private static let everyMs = 10

    private var samples: [(position: Position, atMs: Int)] = []

    package init() {}

    /// The master reached `position` at `nowMs`.
    package mutating func passed(_ position: Position, nowMs: Int) {
        if let last = samples.last {
            guard last.position < position, nowMs - last.atMs >= Self.everyMs else { return }
        }
        samples.append((position, nowMs))
        // Every other one goes: the lag of a slave far behind is told more coarsely.
        if samples.count > Self.samplesMax { samples = samples.enumerated().filter { $0.offset % 2 == 0 }.map(\.element) }
    }

    /// Milliseconds since the master passed the first position that a node at `applied` lacks; 0 when it lacks nothing known.
    package mutating func lagMs(of applied: Position, master: Position, nowMs: Int) -> Int {
        guard applied < master else { return 0 }
        guard let first = samples.first(where: { applied < $0.position }) else { return 0 }
        return nowMs - first.atMs
    }

    /// Forgets what every slave has applied.
    package mutating func applied(byAll position: Position) {
        guard let keep = samples.firstIndex(where: { position < $0.position }) else { return samples.removeAll() }
        if keep > 0 { samples.removeFirst(keep) }
    }
}

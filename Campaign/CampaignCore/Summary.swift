/// What came of a campaign, as a table for people.
package struct Summary: Sendable {
    package var seed: UInt64 = 0
    package var rounds: [Fault] = []
    package var counts: [Outcome: Int] = [:]
    package var reads = 0
    /// How many epochs had a master.
    package var epochs = 0
    /// From each kill of the master to the first acknowledged write that was begun after it.
    package var failoverMs: [Int] = []
    /// The same from what silenced the master.
    package var silenceMs: [Int] = []
    package var violations: [Violation] = []

    package init() {}

    package var isClean: Bool { violations.isEmpty }

    package var lines: [String] {
        var rows: [(String, String)] = [("seed", "\(seed)"), ("rounds", "\(rounds.count)")]
        for kind in Fault.Kind.allCases {
            let targets = Dictionary(grouping: rounds.filter { $0.kind == kind }, by: \.target).sorted { $0.key.rawValue < $1.key.rawValue }
            for (target, faults) in targets { rows.append(("  \(kind.rawValue)/\(target.rawValue)", "\(faults.count)")) }
        }
        rows.append(("kills of the master", "\(rounds.count { $0.killsMaster })"))
        rows.append(("epochs with a master", "\(epochs)"))
        for outcome in Outcome.allCases { rows.append(("writes \(outcome.rawValue)", "\(counts[outcome] ?? 0)")) }
        rows.append(("reads", "\(reads)"))
        rows.append(("acknowledged writes lost", "\(Set(violations.filter { $0.kind == .lost }.map(\.value)).count)"))
        rows.append(("other checks failed", "\(violations.count { $0.kind != .lost })"))
        rows.append(("from a kill of the master to the next write", Self.spread(failoverMs)))
        rows.append(("from a pause or partition of the master to the next write", Self.spread(silenceMs)))
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }
    }

    private static func spread(_ values: [Int]) -> String {
        guard let max = values.max() else { return "-" }
        return "p50 \(percentile(50, of: values)) ms, p99 \(percentile(99, of: values)) ms, max \(max) ms"
    }

    /// The smallest of the values that so many percent of them don't exceed; 0 of none.
    package static func percentile(_ percent: Int, of values: [Int]) -> Int {
        guard !values.isEmpty else { return 0 }
        let rank = (values.count * percent + 99) / 100
        return values.sorted()[max(1, rank) - 1]
    }
}

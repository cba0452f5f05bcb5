/// The one of `candidates` that `name` was most likely meant to be; nil when none is near.
func suggestion(for name: String, among candidates: [String]) -> String? {
    let name = Array(name.lowercased().utf8.prefix(81))
    guard (1...80).contains(name.count) else { return nil }
    let last = name.split(separator: UInt8(ascii: ".")).last.map(Array.init) ?? name
    let rated = candidates.map { candidate in
        let bytes = Array(candidate.lowercased().utf8)
        // A key in the wrong section is as near as one with a slip of the finger.
        let isMisplaced = bytes.split(separator: UInt8(ascii: ".")).last.map(Array.init) == last
        return (candidate, distance: isMisplaced ? 1 : editDistance(name, bytes))
    }
    guard let best = rated.min(by: { $0.distance < $1.distance }), best.distance <= max(1, name.count / 4) else { return nil }
    return best.0
}

/// How many single letters must be put in, taken out, changed or swapped with their neighbour to get from `a` to `b`.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}

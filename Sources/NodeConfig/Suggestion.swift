/// The one of `candidates` that the key `path` was most likely meant to be: one of its own section that is spelt nearly so, or one of another that
/// is spelt so. Nil when there is none.
func suggestion(for path: String, among candidates: [String]) -> String? {
    guard path.utf8.count <= 80 else { return nil }
    let wanted = KeyParts(path)
    let rated = candidates.compactMap { candidate -> (String, distance: Int)? in
        let parts = KeyParts(candidate)
        // A key in the wrong section is as near as one with a slip of the finger.
        if parts.name == wanted.name { return (candidate, 1) }
        return parts.section == wanted.section ? (candidate, editDistance(wanted.name, parts.name)) : nil
    }
    guard let best = rated.min(by: { $0.distance < $1.distance }), best.distance <= max(1, wanted.name.count / 4) else { return nil }
    return best.0
}

/// In small letters; `section` is empty at the top.
private struct KeyParts {
    let section: [UInt8]
    let name: [UInt8]

    init(_ path: String) {
        let bytes = Array(path.lowercased().utf8)
        let dot = bytes.lastIndex(of: UInt8(ascii: "."))
        section = Array(bytes[..<(dot ?? 0)])
        name = Array(bytes[(dot.map { $0 + 1 } ?? 0)...])
    }
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

/// How a node's rows of one table differ from the reference's.
package struct Findings: Equatable, Sendable {
    /// Keys that are named of each kind.
    package static let namedMax = 10

    /// Rows of one kind: how many, and the first keys.
    package struct Rows: Equatable, Sendable {
        package private(set) var count = 0
        package private(set) var keys: [Key] = []

        mutating func add(_ key: Key) {
            count += 1
            if keys.count < Findings.namedMax { keys.append(key) }
        }
    }

    /// The reference has them, this node does not.
    package internal(set) var missing = Rows()
    /// The other way round.
    package internal(set) var extra = Rows()
    /// Both have them, with other values.
    package internal(set) var changed = Rows()
    /// Where no key tells rows apart: how many there are here and on the reference.
    package internal(set) var counts: (here: Int, reference: Int)?
    /// The search was ended: there may be more.
    package internal(set) var isCut = false

    package init() {}

    package static func == (a: Findings, b: Findings) -> Bool {
        a.missing == b.missing && a.extra == b.extra && a.changed == b.changed && a.isCut == b.isCut && a.counts?.here == b.counts?.here
            && a.counts?.reference == b.counts?.reference
    }

    package var isEmpty: Bool { rowCount == 0 && counts == nil }
    package var rowCount: Int { missing.count + extra.count + changed.count }

    /// Compares the rows of a range, each list in any order.
    mutating func compare(_ reference: [RowDigest], _ here: [RowDigest]) {
        let own = Dictionary(here.map { ($0.key, $0.digest) }) { first, _ in first }
        let wanted = Dictionary(reference.map { ($0.key, $0.digest) }) { first, _ in first }
        for row in reference {
            guard let found = own[row.key] else {
                missing.add(row.key)
                continue
            }
            if found != row.digest { changed.add(row.key) }
        }
        for row in here where wanted[row.key] == nil { extra.add(row.key) }
    }

    /// In one line: `1 row changed: (7); 2 rows missing: (9), (10)`.
    package func words(_ key: [ColumnShape]) -> String {
        if let counts {
            return counts.here == counts.reference
                ? "\(counts.here) rows, as on the master, with other values; no key tells which"
                : "\(counts.here) rows here, \(counts.reference) on the master; no key tells which"
        }
        let parts = [(changed, "changed"), (missing, "missing"), (extra, "extra")].filter { $0.0.count > 0 }.map { rows, what in
            let names = rows.keys.map { Self.shown($0, key) }.joined(separator: ", ")
            return "\(rows.count) \(rows.count == 1 ? "row" : "rows") \(what): \(names)\(rows.count > rows.keys.count ? ", …" : "")"
        }
        let columns = key.map(\.name).joined(separator: ", ")
        return parts.joined(separator: "; ") + " (by \(columns))" + (isCut ? "; not searched further, there may be more" : "")
    }

    private static func shown(_ key: Key, _ columns: [ColumnShape]) -> String {
        "(\(zip(key.parts, columns).map { $1.shown($0) }.joined(separator: ", ")))"
    }
}

import ClusterModel
import Testing

@testable import Verification

/// Tables in memory, asked as nodes would be.
private struct Tables {
    var rows: [UInt32: [Int: String]]
    private(set) var sums = 0
    private(set) var listed = 0

    private func within(_ range: KeyRange, _ node: NodeID) -> [(Int, String)] {
        let (low, high) = (range.after.flatMap { Int($0.parts[0]) } ?? .min, range.through.flatMap { Int($0.parts[0]) } ?? .max)
        return (rows[node.rawValue] ?? [:]).filter { $0.key > low && $0.key <= high }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Runs a comparison to its end.
    mutating func compare(_ comparison: inout TableComparison) {
        var action = comparison.began()
        while true {
            switch action {
            case .cut(let range, let row, let node):
                let found = within(range, node)
                action = comparison.wasCut(at: row <= found.count ? Key([String(found[row - 1].0)]) : nil)
            case .sum(let range, let nodes):
                sums += 1
                action = comparison.summed(
                    Dictionary(
                        uniqueKeysWithValues: nodes.map { node in
                            let found = within(range, node)
                            return (node, RangeSum(rows: found.count, sum: found.map { "\($0)=\($1)" }.joined(separator: ",")))
                        }))
            case .list(let range, let most, let nodes):
                listed += 1
                action = comparison.listed(
                    Dictionary(
                        uniqueKeysWithValues: nodes.map { node in
                            (node, within(range, node).prefix(most).map { RowDigest(key: Key([String($0)]), digest: $1) })
                        }))
            case .finished: return
            }
        }
    }
}

private let nodes = [1, 2, 3].compactMap { NodeID(rawValue: $0) }
private let key = [ColumnShape(name: "id", type: "int")]

private func compared(_ tables: inout Tables, isKeyed: Bool = true) -> TableComparison {
    var comparison = TableComparison(reference: nodes[0], others: [nodes[1], nodes[2]], isKeyed: isKeyed)
    tables.compare(&comparison)
    return comparison
}

private func filled(_ count: Int) -> [Int: String] { Dictionary(uniqueKeysWithValues: (0..<count).map { ($0 * 3, "v\($0)") }) }

@Suite struct TableComparisonTests {
    @Test func `equal tables are summed chunk by chunk and nothing is listed`() {
        var tables = Tables(rows: [1: filled(5000), 2: filled(5000), 3: filled(5000)])
        let comparison = compared(&tables)
        #expect(comparison.findings.isEmpty)
        #expect(comparison.rowsCompared == 5000)
        #expect(tables.sums == 6)
        #expect(tables.listed == 0)
    }

    @Test func `an empty table is compared as well`() {
        var tables = Tables(rows: [1: [:], 2: [:], 3: [7: "x"]])
        let comparison = compared(&tables)
        #expect(comparison.findings[nodes[2]]?.words(key) == "1 row extra: (7) (by id)")
        #expect(comparison.findings.count == 1)
    }

    @Test func `a changed, a missing and an extra row are named, each on its node`() {
        var tables = Tables(rows: [1: filled(5000), 2: filled(5000), 3: filled(5000)])
        tables.rows[2]?[6000] = "other"
        tables.rows[2]?[9000] = nil
        tables.rows[3]?[14_998] = "more"
        let comparison = compared(&tables)
        #expect(comparison.findings[nodes[1]]?.words(key) == "1 row changed: (6000); 1 row missing: (9000) (by id)")
        #expect(comparison.findings[nodes[2]]?.words(key) == "1 row extra: (14998) (by id)")
        #expect(comparison.rowsCompared == 5000)
        #expect(tables.listed == 3)
    }

    @Test func `rows behind the reference's last one are found, however many`() {
        var tables = Tables(rows: [1: filled(10), 2: filled(10), 3: filled(3000)])
        let findings = compared(&tables).findings[nodes[2]]
        #expect(findings?.extra.count == 2990)
        #expect(findings?.extra.keys.count == Findings.namedMax)
        #expect(findings?.isCut == false)
    }

    @Test func `the search in a table that differs everywhere ends early and says so`() {
        var tables = Tables(rows: [1: filled(100_000), 2: [:], 3: filled(100_000)])
        let comparison = compared(&tables)
        #expect(comparison.findings[nodes[1]]?.isCut == true)
        #expect(tables.listed == TableComparison.listsMax)
        #expect(comparison.findings[nodes[2]] == nil)
    }

    @Test func `without a key only counts are told`() {
        var tables = Tables(rows: [1: filled(10), 2: filled(9), 3: filled(10)])
        tables.rows[3]?[0] = "other"
        let comparison = compared(&tables, isKeyed: false)
        #expect(comparison.findings[nodes[1]]?.words([]) == "9 rows here, 10 on the master; no key tells which")
        #expect(comparison.findings[nodes[2]]?.words([]) == "10 rows, as on the master, with other values; no key tells which")
        #expect(tables.sums == 1)
    }

    @Test func `a lost node is asked nothing more, and with none left it ends`() {
        var comparison = TableComparison(reference: nodes[0], others: [nodes[1], nodes[2]], isKeyed: true)
        #expect(comparison.began() == .cut(.all, row: 1000, on: nodes[0]))
        let end = Key(["9"])
        #expect(comparison.wasCut(at: end) == .sum(KeyRange(through: end), on: nodes))
        comparison.lost(nodes[1])
        let sum = RangeSum(rows: 1000, sum: "1")
        #expect(comparison.summed([nodes[0]: sum, nodes[2]: sum]) == .cut(KeyRange(after: end), row: 1000, on: nodes[0]))
        comparison.lost(nodes[2])
        #expect(comparison.wasCut(at: nil) == .sum(KeyRange(after: end), on: [nodes[0]]))
        #expect(comparison.summed([nodes[0]: sum]) == .finished)
    }

    @Test func `chunks grow while they are quick and shrink when they are slow`() {
        var size = ChunkSize()
        size.took(milliseconds: 10)
        #expect(size.rows == 2000)
        size.took(milliseconds: 200)
        #expect(size.rows == 2000)
        for _ in 0..<20 { size.took(milliseconds: 1000) }
        #expect(size.rows == ChunkSize.rowsMin)
        for _ in 0..<20 { size.took(milliseconds: 0) }
        #expect(size.rows == ChunkSize.rowsMax)
    }
}

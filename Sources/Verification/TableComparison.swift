package import ClusterModel

/// Compares one table's rows on several nodes, in chunks by its key, and narrows down what differs until the rows can be named.
///
///     cutting ──► summing ──same──► cutting …
///                    └──differs──► halving ──► summing …  or  listing ──► the next suspect, then cutting …
///
/// Each event answers the last action; there is always one at a time.
package struct TableComparison: Sendable {
    package enum Action: Equatable, Sendable {
        /// Tell the key of the row at that place in the range, on this node.
        case cut(KeyRange, row: Int, on: NodeID)
        case sum(KeyRange, on: [NodeID])
        case list(KeyRange, rowsMax: Int, on: [NodeID])
        case finished
    }

    /// A differing range of so few rows is listed rather than halved.
    package static let listedRows = 100
    /// Rows a node may list: a range is cut by one node's rows, another may have more there.
    package static let listedRowsMax = 400
    /// After so many lists of one table its difference is plain, and the search ends.
    package static let listsMax = 50

    private enum State: Equatable {
        case cutting
        case summing(KeyRange, isLast: Bool)
        case halving(Suspect)
        /// Halves of a suspect, or a whole table without a key.
        case weighing(KeyRange, [NodeID])
        case listing(KeyRange, [NodeID])
        case finished
    }

    /// A range that differs on these nodes; `rows` is the most that any has there.
    private struct Suspect: Equatable {
        let range: KeyRange
        let nodes: [NodeID]
        let rows: Int
        let fullest: NodeID
    }

    private enum Work: Equatable {
        case weigh(KeyRange, [NodeID])
        case narrow(Suspect)
    }

    private let reference: NodeID
    private let isKeyed: Bool
    private var others: [NodeID]
    private var state = State.cutting
    private var work: [Work] = []
    private var cursor: Key?
    private var isAtEnd = false
    private var lists = 0
    /// How large the next chunk is.
    package var size: ChunkSize
    /// Of the reference, so far.
    package private(set) var rowsCompared = 0
    package private(set) var findings: [NodeID: Findings] = [:]

    /// `others` are compared with `reference`.
    package init(reference: NodeID, others: [NodeID], isKeyed: Bool, size: ChunkSize = ChunkSize()) {
        self.reference = reference
        self.others = others
        self.isKeyed = isKeyed
        self.size = size
    }

    package mutating func began() -> Action {
        guard isKeyed else {
            isAtEnd = true
            state = .summing(.all, isLast: true)
            return .sum(.all, on: [reference] + others)
        }
        return cutNext()
    }

    /// A node is gone; what was asked of it is answered without it.
    package mutating func lost(_ node: NodeID) { others.removeAll { $0 == node } }

    package mutating func wasCut(at key: Key?) -> Action {
        switch state {
        case .cutting:
            isAtEnd = key == nil
            let range = KeyRange(after: cursor, through: key)
            cursor = key
            state = .summing(range, isLast: isAtEnd)
            return .sum(range, on: [reference] + others)
        case .halving(let suspect):
            // Rows of one key can't be told apart any further.
            guard let key, key != suspect.range.through else { return list(suspect) }
            work.append(.weigh(KeyRange(after: key, through: suspect.range.through), suspect.nodes))
            work.append(.weigh(KeyRange(after: suspect.range.after, through: key), suspect.nodes))
            return next()
        case .summing, .weighing, .listing, .finished: preconditionFailure("a cut answers a cut")
        }
    }

    package mutating func summed(_ sums: [NodeID: RangeSum]) -> Action {
        switch state {
        case .summing(let range, _):
            rowsCompared += sums[reference]?.rows ?? 0
            weighed(range, others, sums)
            return next()
        case .weighing(let range, let nodes):
            weighed(range, nodes, sums)
            return next()
        case .cutting, .halving, .listing, .finished: preconditionFailure("sums answer a sum")
        }
    }

    package mutating func listed(_ rows: [NodeID: [RowDigest]]) -> Action {
        guard case .listing(_, let nodes) = state else { preconditionFailure("lists answer a list") }
        lists += 1
        for node in nodes {
            guard let wanted = rows[reference], let here = rows[node] else { continue }
            findings[node, default: Findings()].compare(wanted, here)
            if max(wanted.count, here.count) >= Self.listedRowsMax { findings[node]?.isCut = true }
        }
        guard lists < Self.listsMax else { return giveUp() }
        return next()
    }

    // MARK: Steps

    private mutating func weighed(_ range: KeyRange, _ nodes: [NodeID], _ sums: [NodeID: RangeSum]) {
        guard let wanted = sums[reference] else { return }
        let differing = nodes.filter { node in sums[node].map { $0 != wanted } ?? false }
        guard !differing.isEmpty else { return }
        guard isKeyed else {
            for node in differing { findings[node, default: Findings()].counts = (sums[node]?.rows ?? 0, wanted.rows) }
            return
        }
        var (fullest, rows) = (reference, wanted.rows)
        for node in differing where sums[node]?.rows ?? 0 > rows { (fullest, rows) = (node, sums[node]?.rows ?? 0) }
        work.append(.narrow(Suspect(range: range, nodes: differing, rows: rows, fullest: fullest)))
    }

    private mutating func next() -> Action {
        guard let step = work.popLast() else { return cutNext() }
        switch step {
        case .weigh(let range, let nodes):
            let nodes = nodes.filter { others.contains($0) }
            guard !nodes.isEmpty else { return next() }
            state = .weighing(range, nodes)
            return .sum(range, on: [reference] + nodes)
        case .narrow(let suspect):
            guard suspect.rows > Self.listedRows, suspect.fullest == reference || others.contains(suspect.fullest) else { return list(suspect) }
            state = .halving(suspect)
            return .cut(suspect.range, row: suspect.rows / 2, on: suspect.fullest)
        }
    }

    private mutating func list(_ suspect: Suspect) -> Action {
        let nodes = suspect.nodes.filter { others.contains($0) }
        guard !nodes.isEmpty else { return next() }
        state = .listing(suspect.range, nodes)
        return .list(suspect.range, rowsMax: Self.listedRowsMax, on: [reference] + nodes)
    }

    private mutating func cutNext() -> Action {
        guard !isAtEnd, !others.isEmpty else {
            state = .finished
            return .finished
        }
        state = .cutting
        return .cut(KeyRange(after: cursor), row: size.rows, on: reference)
    }

    private mutating func giveUp() -> Action {
        for node in findings.keys { findings[node]?.isCut = true }
        state = .finished
        return .finished
    }
}

import ClusterModel
import LineProtocol
import Verification

/// What a verification came to.
struct VerifyOutcome {
    enum State: String {
        case same
        case differs
        case skipped
        case unverified
    }

    /// One table on one node.
    struct Line {
        /// Nil: all that was not compared otherwise on this node.
        let name: TableName?
        let node: NodeID
        /// Compared, as the master has them; nil where no rows were.
        let rows: Int?
        let state: State
        let detail: String?
    }

    static let columns = ["database", "table", "node", "rows", "state", "detail"]

    var lines: [Line] = []
    /// The last snapshot's position.
    var position = Position.start
    /// Nothing could be compared at all.
    var error: ReplyError?

    func count(_ state: State) -> Int { lines.count { $0.state == state } }

    var rows: [[String?]] {
        lines.sorted { a, b in (a.name?.description ?? "\u{10FFFF}", a.node) < (b.name?.description ?? "\u{10FFFF}", b.node) }.map { line in
            [
                line.name?.database, line.name?.table, "\(line.node)", line.rows.map { "\($0)" }, line.state.rawValue, line.detail,
            ]
        }
    }

    /// In one line, for the log and `.status`.
    var words: String {
        if let error { return "not done: \(error.text)" }
        let nodes = Set(lines.map(\.node)).count
        let counts = [State.same, .differs, .skipped, .unverified].filter { count($0) > 0 }.map { "\(count($0)) \($0.rawValue)" }
        return "done at \(position): \(counts.joined(separator: ", ")) on \(nodes) node\(nodes == 1 ? "" : "s")"
    }
}

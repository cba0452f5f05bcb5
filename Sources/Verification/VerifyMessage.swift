/// What the node that drives a verification asks another one, as it goes over a link: a word, then its fields.
package enum VerifyRequest: Hashable, Sendable {
    /// Who belongs to the cluster; of the master, who knows it first.
    case nodes
    /// Make the database ready for cheap snapshots; on the master.
    case prepare
    /// The names behind `after`; a page of them.
    case names(database: String?, table: String?, after: TableName?)
    /// How it is defined, once the node has applied that sequence; 0 does not wait.
    case shape(TableName, atLeast: UInt64)
    /// Have the database apply no more than it has been given, for a moment; on a slave.
    case hold
    /// Take a snapshot, once the node has applied that sequence; on the master.
    case snapshot(atLeast: UInt64)
    /// Take a snapshot at exactly that sequence, then apply again; on a slave that holds.
    case snapshotAt(UInt64)
    case endSnapshot
    /// Of a table whose shape was asked for.
    case cut(TableName, KeyRange, row: Int)
    case sum(TableName, KeyRange)
    case list(TableName, KeyRange, rowsMax: Int)
}

/// Why a request was not done.
package enum VerifyProblem: Error, Hashable, Sendable {
    /// The table was redefined since the snapshot, or is locked by who does that: a new one may tell.
    case redefined(String)
    /// The slave was let go on before the snapshot, or is further than asked for.
    case passed
    /// The slave did not get so far in time.
    case behind(String)
    /// Another verification runs there.
    case busy
    case failed(String)
    /// The node is not reached any more.
    case lost(String)

    package var words: String {
        switch self {
        case .redefined(let why): "its definition keeps changing (\(why))"
        case .passed: "the node could not be held at one position"
        case .behind(let words), .failed(let words), .lost(let words): words
        case .busy: "another verification is reading this node"
        }
    }
}

extension VerifyRequest {
    package var fields: [String?] {
        switch self {
        case .nodes: ["nodes"]
        case .prepare: ["prepare"]
        case .names(let database, let table, let after): ["names", database, table, after?.database, after?.table]
        case .shape(let name, let sequence): ["shape", name.database, name.table, String(sequence)]
        case .hold: ["hold"]
        case .snapshot(let sequence): ["snapshot", String(sequence)]
        case .snapshotAt(let sequence): ["snapshot-at", String(sequence)]
        case .endSnapshot: ["end-snapshot"]
        case .cut(let name, let range, let row): ["cut", name.database, name.table, String(row)] + Self.fields(range)
        case .sum(let name, let range): ["sum", name.database, name.table] + Self.fields(range)
        case .list(let name, let range, let rows): ["list", name.database, name.table, String(rows)] + Self.fields(range)
        }
    }

    /// Nil when the fields are no request of this version.
    package init?(_ fields: [String?]) {
        var rest = fields[...]
        func text() -> String? { rest.popFirst() ?? nil }
        func number() -> UInt64? { text().flatMap { UInt64($0) } }
        func name() -> TableName? {
            guard let database = text() else { return nil }
            return TableName(database: database, table: text())
        }
        let request: VerifyRequest?
        switch text() {
        case "nodes": request = .nodes
        case "prepare": request = .prepare
        case "names":
            let (database, table, after, afterTable) = (text(), text(), text(), text())
            request = .names(database: database, table: table, after: after.map { TableName(database: $0, table: afterTable) })
        case "shape": request = name().flatMap { name in number().map { .shape(name, atLeast: $0) } }
        case "hold": request = .hold
        case "snapshot": request = number().map { .snapshot(atLeast: $0) }
        case "snapshot-at": request = number().map { .snapshotAt($0) }
        case "end-snapshot": request = .endSnapshot
        case "cut":
            request = name().flatMap { name in
                guard let row = number().flatMap({ Int(exactly: $0) }), row > 0, let range = Self.range(&rest) else { return nil }
                return .cut(name, range, row: row)
            }
        case "sum": request = name().flatMap { name in Self.range(&rest).map { .sum(name, $0) } }
        case "list":
            request = name().flatMap { name in
                guard let rows = number().flatMap({ Int(exactly: $0) }), (1...TableComparison.listedRowsMax).contains(rows),
                    let range = Self.range(&rest)
                else { return nil }
                return .list(name, range, rowsMax: rows)
            }
        default: request = nil
        }
        guard let request, rest.isEmpty else { return nil }
        self = request
    }

    /// How many parts each bound has, 0 for none, and those.
    private static func fields(_ range: KeyRange) -> [String?] {
        [range.after, range.through].flatMap { key in [String(key?.parts.count ?? 0)] + (key?.parts ?? []) }
    }

    private static func range(_ rest: inout ArraySlice<String?>) -> KeyRange? {
        guard let after = bound(&rest), let through = bound(&rest) else { return nil }
        return KeyRange(after: after, through: through)
    }

    private static func bound(_ rest: inout ArraySlice<String?>) -> Key?? {
        guard let count = (rest.popFirst() ?? nil).flatMap({ Int($0) }), (0...64).contains(count), rest.count >= count else { return nil }
        let parts = rest.prefix(count).compactMap { $0 }
        rest = rest.dropFirst(count)
        guard parts.count == count else { return nil }
        return .some(parts.isEmpty ? nil : Key(parts))
    }
}

extension VerifyProblem {
    /// A word and words, for a link.
    package var fields: [String?] {
        switch self {
        case .redefined(let why): ["redefined", why]
        case .passed: ["passed", nil]
        case .behind(let words): ["behind", words]
        case .busy: ["busy", nil]
        case .failed(let words): ["failed", words]
        case .lost(let words): ["lost", words]
        }
    }

    package init(_ fields: [String?]) {
        let words = fields.dropFirst().first.flatMap { $0 } ?? ""
        switch fields.first ?? nil {
        case "redefined": self = .redefined(words)
        case "passed": self = .passed
        case "behind": self = .behind(words)
        case "busy": self = .busy
        case "lost": self = .lost(words)
        default: self = .failed(words)
        }
    }
}

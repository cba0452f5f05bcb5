/// What a node says of a table: its definition, and what it takes to compare its rows.
package struct TableShape: Hashable, Sendable {
    package enum Kind: String, Sendable {
        case database = "DATABASE"
        case table = "BASE TABLE"
        case versioned = "SYSTEM VERSIONED"
        case view = "VIEW"
        case sequence = "SEQUENCE"
    }

    package let kind: Kind
    /// As `SHOW CREATE` tells it, without the next AUTO_INCREMENT.
    package let definition: String
    /// Of a table.
    package let engine: String
    /// Whether the engine has snapshots.
    package let isTransactional: Bool
    package let columns: [ColumnShape]
    /// The index to cut it by; empty: none is fit.
    package let index: String
    /// That index's columns.
    package let key: [ColumnShape]

    package init(
        kind: Kind, definition: String, engine: String = "", isTransactional: Bool = false, columns: [ColumnShape] = [], index: String = "",
        key: [ColumnShape] = []
    ) {
        self.kind = kind
        self.definition = definition
        self.engine = engine
        self.isTransactional = isTransactional
        self.columns = columns
        self.index = index
        self.key = key
    }

    /// What of it is compared.
    package enum Comparison: Equatable, Sendable {
        case definitionOnly
        /// In chunks where it has a key, else at once.
        case rows(isKeyed: Bool)
        /// Rows can't be compared: why.
        case skipped(String)
    }

    package var comparison: Comparison {
        switch kind {
        case .database, .view: .definitionOnly
        case .sequence: .skipped("a sequence's values have no snapshot; its definition is the same")
        case .table, .versioned:
            isTransactional
                ? .rows(isKeyed: !key.isEmpty)
                : .skipped("\(engine) has no transactions, so no snapshot of its rows; its definition is the same")
        }
    }

    /// How another node's definition differs, in words.
    package func difference(_ other: TableShape) -> String {
        if kind != other.kind { return "it is a \(other.kind.rawValue.lowercased()) here, a \(kind.rawValue.lowercased()) on the master" }
        for (own, their) in zip(columns, other.columns) where own != their {
            return "column \(Self.words(their)) here, \(Self.words(own)) on the master"
        }
        if columns.count != other.columns.count {
            let (more, place) = columns.count > other.columns.count ? (columns, "missing") : (other.columns, "extra")
            return "column \(Self.words(more[min(columns.count, other.columns.count)])) is \(place) here"
        }
        let lines = definition.split(separator: "\n", omittingEmptySubsequences: false)
        let others = other.definition.split(separator: "\n", omittingEmptySubsequences: false)
        let at = zip(lines, others).first { $0 != $1 }
        let (own, their) = at ?? (lines.dropFirst(others.count).first ?? "nothing more", others.dropFirst(lines.count).first ?? "nothing more")
        return "its definition differs: \(Self.shown(their)) here, \(Self.shown(own)) on the master"
    }

    private static func words(_ column: ColumnShape) -> String { "\(column.name) \(column.type)" }

    private static func shown(_ line: Substring) -> String { String(line.drop { $0 == " " }.prefix(120)) }
}

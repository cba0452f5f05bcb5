import ClusterModel
import StatementGate

/// Statements that belong to one class and get the same verdicts: one a line, `¶` for a line break inside.
struct Group: Sendable, CustomStringConvertible {
    let statementClass: StatementClass
    /// A verdict's word, or a refusal's code.
    let master: String
    let slave: String
    let statements: [String]

    init(_ statementClass: StatementClass, master: String, slave: String, _ lines: String) {
        self.statementClass = statementClass
        self.master = master
        self.slave = slave
        statements = lines.split(separator: "\n").map { String($0).split(separator: "¶", omittingEmptySubsequences: false).joined(separator: "\n") }
    }

    var description: String { "\(statementClass): \(statements.first ?? "")" }
}

/// All groups; each was checked by hand against the rules and MariaDB's manual.
enum Corpus {
    static let groups =
        [reads, readsOfAllKinds, lockingReads, writes, tableDefinitions, bodies, drops, dropsInside, databases, accounts]
        + [transactions, sessions, locksForWriting, breaking, breakingInside, administration, files, opaque] + inSession
}

extension StatementGate.Verdict {
    var word: String {
        switch self {
        case .run: "run"
        case .forward: "forward"
        case .inSession: "session"
        case .refuse(let refusal): refusal.code.rawValue
        }
    }

    /// The higher, the less is let through.
    var strictness: Int {
        switch self {
        case .run: 0
        case .inSession: 1
        case .forward: 2
        case .refuse: 3
        }
    }
}

func sorted(
    _ sql: String, mode: LexicalMode = .standard, prepared: PreparedStatements = PreparedStatements()
) -> Result<Classification, Unsorted> {
    sorted(Array(sql.utf8), mode: mode, prepared: prepared)
}

func sorted(
    _ sql: [UInt8], mode: LexicalMode = .standard, prepared: PreparedStatements = PreparedStatements()
) -> Result<Classification, Unsorted> {
    sql.withUnsafeBytes { classify($0, mode: mode, prepared: prepared) }
}

func verdict(_ result: Result<Classification, Unsorted>, _ role: Role, _ options: GateOptions = GateOptions()) -> Verdict {
    decide(result, role: role, options: options, master: "127.0.0.1:7001")
}

extension Result<Classification, Unsorted> {
    var reason: Unsorted.Reason? {
        switch self {
        case .success: nil
        case .failure(let unsorted): unsorted.reason
        }
    }

    var classification: Classification? { try? get() }
}

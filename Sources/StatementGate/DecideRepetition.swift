/// What a session has otherwise than the server's sessions begin with.
package struct SessionShape: Sendable, Hashable {
    /// Variables that shape definitions and have another value than the server's; in lower case.
    package var variables: [String]
    /// In full, as the server spells it.
    package var sqlMode: String

    package init(variables: [String] = [], sqlMode: String = "") {
        self.variables = variables
        self.sqlMode = sqlMode
    }

    /// Under these the server leaves things out of the definitions that it writes itself.
    private static let terseModes: Set<String> = [
        "NO_FIELD_OPTIONS", "NO_TABLE_OPTIONS", "NO_KEY_OPTIONS", "MYSQL40", "MYSQL323", "NO_BACKSLASH_ESCAPES",
    ]

    fileprivate var terseMode: String? { sqlMode.split(separator: ",").map(String.init).first(where: Self.terseModes.contains) }
}

/// Why the text would not do the same on every node, as far as it is known before it runs; nil where it would.
func refusal(of classification: Classification, _ session: @autoclosure () -> SessionShape, _ values: ServerValues) -> Refusal? {
    let repetition = classification.repetition
    let isAlone = classification.statementCount == 1
    let why =
        repetition.obstacles.first?.words
        ?? repetition.settings.lazy.compactMap { words(for: $0, repetition.kinds, isAlone, values) }.first
        ?? (repetition.kinds.isEmpty ? nil : words(for: session(), repetition, isAlone))
        ?? (isAlone ? nil : repetition.looks.first { !$0.isHarmlessUnseen }?.otherwise.words)
    return why.map { Refusal(code: .notRepeatable, message: "this would not do the same on every node: \($0)") }
}

extension TableLook {
    /// Whether it is let pass where nothing can be looked up.
    fileprivate var isHarmlessUnseen: Bool {
        switch question {
        case .isEmpty, .hasOrder, .hasUniqueKey: false
        case .hasUniqueKeyIfSpatial, .isPermanent, .hasNoCascade, .isUnversioned: true
        }
    }
}

private func words(for session: SessionShape, _ repetition: Repetition, _ isAlone: Bool) -> String? {
    let kinds = repetition.kinds
    // The engine can be named in the text that is run.
    let carried = isAlone && repetition.engineAt != nil ? SessionVariables.engines : []
    let shaping = session.variables.filter { !carried.contains($0) }
    if let name = shaping.first(where: { !kinds.isDisjoint(with: SessionVariables.kinds(shapedBy: $0)) }) {
        return "the other nodes run it again without this session's \(name); SET \(name)=DEFAULT\(advice(for: name))"
    }
    if kinds.contains(.stored), session.sqlMode.split(separator: ",").contains("NO_DIR_IN_CREATE") {
        return "the binlog leaves NO_DIR_IN_CREATE out of the sql_mode that routines, triggers and events keep; set sql_mode without it"
    }
    guard kinds.contains(.createFromQuery), let mode = session.terseMode else { return nil }
    return
        "with \(mode) in sql_mode the server leaves parts of the table's definition out of its binlog; create the table, then fill it with INSERT … SELECT"
}

private func words(for setting: Repetition.Setting, _ kinds: DefinitionKinds, _ isAlone: Bool, _ values: ServerValues) -> String? {
    let name = setting.name
    guard values.differs(name, setting.value) else { return nil }
    let isOverruled = SessionVariables.effect(of: name) == .overruled
    switch setting.place {
    case .server: return "\(name) would be another on this node alone; set it in the configuration of every node (database.options)"
    case .body: break
    case .session where isAlone: return nil
    case .session, .statement:
        guard isOverruled || !kinds.isDisjoint(with: SessionVariables.kinds(shapedBy: name)) else { return nil }
    }
    if isOverruled { return "with \(name) off the server can lose rows that only its binlog has; leave the setting out" }
    return "the other nodes run definitions again without this setting of \(name); leave it out\(advice(for: name))"
}

private func advice(for variable: String) -> String {
    switch variable {
    case "default_storage_engine", "storage_engine", "enforce_storage_engine": ", and write ENGINE=… in the statement"
    case "alter_algorithm", "old_alter_table": ", and write ALGORITHM=… in the statement"
    case "innodb_compression_default": ", and write PAGE_COMPRESSED=1 in the statement"
    case "innodb_default_encryption_key_id": ", and write ENCRYPTION_KEY_ID=… in the statement"
    default: ""
    }
}

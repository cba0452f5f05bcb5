/// What definitions take from their session, their server or chance.
extension StatementParser {
    /// Looks ahead, up to the statement's end.
    mutating func noteRepetition(of keyword: Keyword) throws(Unsorted.Reason) {
        var tokens = DefinitionTokens()
        var ahead = self
        while !ahead.atEnd {
            tokens.append(ahead.token, ahead.lexer)
            try ahead.advance()
        }
        if tokens.pieces.contains(where: { $0.content.elementsEqual(Self.positions.utf8) }) { found(.breaksReplication) }
        switch keyword {
        case .create: noteCreate(tokens)
        case .alter: noteAlter(tokens)
        case .drop: noteDropIndex(tokens)
        case .rename: noteRename(tokens)
        case .optimize, .repair: repeats(.alter)
        case .analyze: noteAnalyze(tokens)
        default: break
        }
    }

    mutating func repeats(_ kinds: DefinitionKinds) { result.repetition.kinds.formUnion(kinds) }

    private mutating func found(_ obstacle: NotRepeatable) { result.repetition.found(obstacle) }

    /// What can't be looked up where the statement runs later, is what it is held to be.
    private mutating func look(
        _ table: (database: [UInt8]?, table: [UInt8], next: Int), _ question: TableLook.Question, else otherwise: NotRepeatable
    ) {
        let look = TableLook(database: table.database, table: table.table, question: question, otherwise: otherwise)
        if !isInBody { return result.repetition.formUnion(Repetition(looks: [look])) }
        switch question {
        case .isEmpty, .hasOrder, .hasUniqueKey: found(otherwise)
        case .hasUniqueKeyIfSpatial, .isPermanent, .hasNoCascade, .isUnversioned: break
        }
    }

    // MARK: CREATE

    private mutating func noteCreate(_ tokens: DefinitionTokens) {
        var index = 1
        if tokens.words("or", "replace", at: index) { index += 2 }
        let isTemporary = tokens.word(index) == "temporary"
        if isTemporary { index += 1 }
        switch tokens.word(index) {
        case "table" where !isTemporary: noteCreateTable(tokens, from: Self.behindExistence(tokens, index + 1))
        case "sequence" where !isTemporary: repeats(tokens.engines(in: tokens.all).isEmpty ? .createWithoutEngine : .createWithEngine)
        default: noteCreateOther(tokens)
        }
    }

    private mutating func noteCreateOther(_ tokens: DefinitionTokens) {
        guard let object = tokens.all.first(where: { Self.objects.contains(tokens.word($0)) }) else { return }
        switch tokens.word(object) {
        case "index": noteIndex(tokens, isSpatial: tokens.word(object - 1) == "spatial")
        case "event":
            repeats(.stored)
            noteSchedule(tokens)
        case "procedure", "function", "trigger", "package": repeats(.stored)
        default: break
        }
    }

    private static let objects: Set<String> = [
        "index", "event", "view", "procedure", "function", "trigger", "database", "schema", "server", "package",
    ]

    private static func behindExistence(_ tokens: DefinitionTokens, _ index: Int) -> Int {
        if tokens.words("if", "not", "exists", at: index) { return index + 3 }
        return tokens.words("if", "exists", at: index) ? index + 2 : index
    }

    private mutating func noteCreateTable(_ tokens: DefinitionTokens, from index: Int) {
        guard let name = tokens.table(at: index) else { return }
        var rest = name.next..<tokens.pieces.count
        var elements: [Range<Int>] = []
        if tokens.word(name.next) == "like" || tokens.isCharacter(name.next, "(") && tokens.word(name.next + 1) == "like" { return }
        if tokens.isCharacter(name.next, "("), !Self.queries.contains(tokens.word(name.next + 1)), !tokens.isCharacter(name.next + 1, "(") {
            let end = tokens.closing(name.next, in: rest)
            elements = tokens.items(in: name.next + 1..<max(name.next + 1, end - 1))
            rest = end..<rest.upperBound
        }
        let query = tokens.outside(rest).first { Self.queries.contains(tokens.word($0)) } ?? beginOfNestedQuery(tokens, rest)
        let options = rest.lowerBound..<(query ?? rest.upperBound)
        let engines = tokens.engines(in: options)
        if engines.isEmpty, !isInBody, depth == 0 { result.repetition.engineAt = tokens.pieces[rest.lowerBound - 1].end }
        repeats(engines.isEmpty ? .createWithoutEngine : .createWithEngine)
        if query != nil { repeats(.createFromQuery) }
        if query != nil, tokens.has(["ignore"], in: options) { found(.ignoringQuery) }
        noteTable(tokens, engines)
        if elements.contains(where: { tokens.isGeneratedByChance(in: $0) }) { found(.chanceInGeneratedColumn) }
        if tokens.isVersioned, tokens.hasCascade { found(.versionedCascade) }
        let isSpatial = elements.contains { tokens.word($0.lowerBound) == "spatial" }
        if isSpatial, engines.allSatisfy({ $0 == "innodb" }), !elements.contains(where: { hasUniqueKey(tokens, $0) }) { found(.keylessSpatial) }
    }

    /// CREATE TABLE … (SELECT …) behind options.
    private func beginOfNestedQuery(_ tokens: DefinitionTokens, _ rest: Range<Int>) -> Int? {
        rest.first { tokens.isCharacter($0, "(") && Self.queries.contains(tokens.word($0 + 1)) }
    }

    private static let queries: Set<String> = ["select", "values", "with"]

    /// In CREATE and ALTER.
    private mutating func noteTable(_ tokens: DefinitionTokens, _ engines: [String]) {
        if tokens.namesDirectory { found(.directory) }
        if engines.contains(where: Self.outsideEngines.contains) { found(.outsideEngine) }
    }

    private static let outsideEngines: Set<String> = ["connect", "federated", "federatedx", "s3", "spider", "sphinx", "odbc", "cassandra", "oqgraph"]

    /// An element of a table that is or has a PRIMARY or UNIQUE key.
    private func hasUniqueKey(_ tokens: DefinitionTokens, _ element: Range<Int>) -> Bool {
        let first = tokens.word(element.lowerBound)
        if tokens.has(["primary", "unique"], in: element) { return true }
        // `id SERIAL`, `id INT KEY`
        let isKey = ["key", "index", "fulltext", "spatial", "constraint", "foreign", "check", "period"].contains(first)
        return !isKey && tokens.has(["serial", "key"], in: element.dropFirst().isEmpty ? element : element.lowerBound + 1..<element.upperBound)
    }

    // MARK: Indexes, events, statistics

    /// CREATE … INDEX … ON table
    private mutating func noteIndex(_ tokens: DefinitionTokens, isSpatial: Bool) {
        repeats(.alter)
        guard isSpatial, let on = tokens.all.first(where: { tokens.word($0) == "on" }), let table = tokens.table(at: on + 1) else { return }
        look(table, .hasUniqueKey(besides: []), else: .keylessSpatial)
    }

    /// DROP INDEX name ON table
    private mutating func noteDropIndex(_ tokens: DefinitionTokens) {
        guard tokens.word(1) == "index" else { return }
        repeats(.alter)
        guard let on = tokens.all.first(where: { tokens.word($0) == "on" }), on > 2, let table = tokens.table(at: on + 1) else { return }
        look(table, .hasUniqueKeyIfSpatial(besides: [tokens.pieces[on - 1].content]), else: .keylessSpatial)
    }

    /// ON SCHEDULE … , up to DO
    private mutating func noteSchedule(_ tokens: DefinitionTokens) {
        guard let schedule = tokens.all.first(where: { tokens.words("on", "schedule", at: $0) }) else { return }
        let end = tokens.all.first { $0 > schedule && tokens.word($0) == "do" } ?? tokens.pieces.count
        if tokens.isChance(in: schedule + 2..<max(schedule + 2, end)) { found(.chanceInSchedule) }
    }

    /// ANALYZE [LOCAL | NO_WRITE_TO_BINLOG] TABLE … [PERSISTENT FOR …]
    private mutating func noteAnalyze(_ tokens: DefinitionTokens) {
        let isLocal = tokens.word(1) == "local" || tokens.word(1) == "no_write_to_binlog"
        guard isLocal || tokens.word(1) == "table" || tokens.word(1) == "tables" else { return }
        repeats(.analyze)
        if isLocal, tokens.all.contains(where: { tokens.words("persistent", "for", at: $0) }) { found(.localStatistics) }
    }

    /// RENAME TABLE a TO b, …
    private mutating func noteRename(_ tokens: DefinitionTokens) {
        guard tokens.pieces.count > 2 else { return }
        for item in tokens.items(in: 2..<tokens.pieces.count) {
            guard let table = tokens.table(at: Self.behindExistence(tokens, item.lowerBound)) else { continue }
            look(table, .isPermanent, else: .renamedTemporaryTable)
        }
    }

    // MARK: ALTER

    private mutating func noteAlter(_ tokens: DefinitionTokens) {
        guard
            let object = tokens.all.first(where: {
                ["table", "event", "view", "procedure", "function", "sequence", "database", "schema"].contains(tokens.word($0))
            })
        else { return }
        if tokens.word(object) == "event" {
            repeats(.stored)
            return noteSchedule(tokens)
        }
        guard tokens.word(object) == "table", let table = tokens.table(at: Self.behindExistence(tokens, object + 1)) else { return }
        repeats(.alter)
        let changes = AlterTable(tokens, from: table.next)
        noteTable(tokens, changes.engines)
        if changes.movesFiles { found(.tablespaceFile) }
        if changes.generatesByChance { found(.chanceInGeneratedColumn) }
        if changes.addsChance { look(table, .isEmpty, else: .chanceInExistingRows) }
        if changes.numbers { look(table, .hasOrder, else: .rowOrder) }
        if (1..<object).contains(where: { tokens.word($0) == "ignore" }) { look(table, .hasOrder, else: .ignoredRows) }
        noteKeys(changes, table)
        noteVersioning(changes, tokens, table)
    }

    private mutating func noteKeys(_ changes: AlterTable, _ table: (database: [UInt8]?, table: [UInt8], next: Int)) {
        guard !changes.addsUniqueKey, changes.engines.last.map({ $0 == "innodb" }) ?? true else { return }
        if changes.addsSpatialKey {
            look(table, .hasUniqueKey(besides: changes.droppedKeys), else: .keylessSpatial)
        } else if changes.dropsKeyOrColumn || !changes.engines.isEmpty {
            look(table, .hasUniqueKeyIfSpatial(besides: changes.droppedKeys), else: .keylessSpatial)
        }
    }

    private mutating func noteVersioning(
        _ changes: AlterTable, _ tokens: DefinitionTokens, _ table: (database: [UInt8]?, table: [UInt8], next: Int)
    ) {
        if changes.addsVersioning, tokens.hasCascade { return found(.versionedCascade) }
        if changes.addsVersioning { look(table, .hasNoCascade, else: .versionedCascade) }
        if tokens.hasCascade { look(table, .isUnversioned, else: .versionedCascade) }
    }
}

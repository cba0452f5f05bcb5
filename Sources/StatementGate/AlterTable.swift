/// What an ALTER TABLE changes, as far as it matters to whether other nodes come to the same.
struct AlterTable {
    private(set) var engines: [String] = []
    /// A new column's default is another each time.
    private(set) var addsChance = false
    private(set) var generatesByChance = false
    /// Rows that are there get numbers.
    private(set) var numbers = false
    private(set) var movesFiles = false
    private(set) var addsUniqueKey = false
    private(set) var addsSpatialKey = false
    private(set) var addsVersioning = false
    private(set) var dropsKeyOrColumn = false
    private(set) var droppedKeys: [[UInt8]] = []

    init(_ tokens: DefinitionTokens, from index: Int) {
        guard index < tokens.pieces.count else { return }
        for item in tokens.items(in: index..<tokens.pieces.count) { note(tokens, item) }
    }

    private mutating func note(_ tokens: DefinitionTokens, _ item: Range<Int>) {
        var start = item.lowerBound
        // NOWAIT, WAIT 5
        if tokens.word(start) == "nowait" { start += 1 }
        if tokens.word(start) == "wait", start + 1 < item.upperBound, tokens.pieces[start + 1].kind == .number { start += 2 }
        switch tokens.word(start) {
        case "add": noteAdded(tokens, start + 1..<max(start + 1, item.upperBound))
        case "modify", "change": noteColumn(tokens, start + 1..<max(start + 1, item.upperBound), isNew: false)
        case "drop": noteDropped(tokens, start + 1..<max(start + 1, item.upperBound))
        case "discard", "import": if tokens.has(["tablespace"], in: item) { movesFiles = true }
        case "alter", "rename", "convert": break
        default: engines += tokens.engines(in: item)
        }
    }

    private mutating func noteAdded(_ tokens: DefinitionTokens, _ rest: Range<Int>) {
        var start = rest.lowerBound
        switch tokens.word(start) {
        case "system" where tokens.word(start + 1) == "versioning": addsVersioning = true
        case "primary", "unique": addsUniqueKey = true
        case "constraint": if tokens.has(["primary", "unique"], in: rest) { addsUniqueKey = true }
        case "spatial": addsSpatialKey = true
        case "index", "key", "fulltext", "foreign", "check", "partition": break
        case "period" where tokens.word(start + 1) == "for": break
        default:
            if tokens.word(start) == "column" { start += 1 }
            if tokens.words("if", "not", "exists", at: start) { start += 3 }
            guard tokens.isCharacter(start, "(") else { return noteColumn(tokens, start..<max(start, rest.upperBound), isNew: true) }
            for column in tokens.items(in: start + 1..<max(start + 1, tokens.closing(start, in: rest) - 1)) {
                noteColumn(tokens, column, isNew: true)
            }
        }
    }

    private mutating func noteColumn(_ tokens: DefinitionTokens, _ column: Range<Int>, isNew: Bool) {
        if tokens.isGeneratedByChance(in: column) { generatesByChance = true }
        if isNew, tokens.isDefaultChance(in: column) { addsChance = true }
        let behindName = min(column.lowerBound + 1, column.upperBound)..<column.upperBound
        if tokens.has(["auto_increment", "serial"], in: behindName) { numbers = true }
        if tokens.has(["primary", "unique", "serial", "key"], in: behindName) { addsUniqueKey = true }
    }

    private mutating func noteDropped(_ tokens: DefinitionTokens, _ rest: Range<Int>) {
        var start = rest.lowerBound
        switch tokens.word(start) {
        case "partition", "foreign", "system", "period", "check": return
        case "primary": droppedKeys.append(Array("PRIMARY".utf8))
        case "index", "key", "constraint", "column": start += 1
        default: break
        }
        dropsKeyOrColumn = true
        if tokens.words("if", "exists", at: start) { start += 2 }
        if start < rest.upperBound, tokens.word(start) != "primary" { droppedKeys.append(tokens.pieces[start].content) }
    }
}

/// Reads statements: the verb by MariaDB's grammar, the rest token by token for what matters wherever it stands.
///
/// What doesn't fit is an error, never a guess: a text is sorted only where all of its verbs were seen.
struct StatementParser {
    var lexer: Lexer
    /// The token to look at next.
    var token = Token()
    let prepared: PreparedStatements
    /// What the text itself prepares.
    var preparedHere = PreparedStatements()
    let reading: VersionReading
    /// How many literals of dynamic SQL are around this text.
    let depth: Int
    /// How many statements are around the token.
    var nesting = 0
    /// In a compound statement or a body, whose statements may run in any order, or not at all.
    var isInBody = false
    /// The grant table, or a table of the nodes' own database.
    var namesNodesOwn = false
    /// DO has nothing but expressions.
    var callsAreCalls = false
    /// A dot stands before the token: it names a member of something.
    private(set) var isAfterDot = false
    var result = Classification()

    static let nestingMax = 32

    init(lexer: Lexer, prepared: PreparedStatements, reading: VersionReading, depth: Int) {
        self.lexer = lexer
        self.prepared = prepared
        self.reading = reading
        self.depth = depth
    }

    /// The whole text: statements between semicolons.
    mutating func text() throws(Unsorted.Reason) -> Classification {
        try advance()
        while true {
            while token.isPunctuation(";") { try advance() }
            guard token.kind != .end else { break }
            result.statementCount += 1
            let office = result.statementCount == 1 ? try officeAtVerb() : nil
            try statement()
            guard atEnd else { throw .unexpectedWord }
            result.office = office.flatMap { result.classes == $0.statementClasses ? $0 : nil }
        }
        guard result.statementCount > 0 else { throw .empty }
        // Elsewhere a parenthesis may begin a list of columns, and it matters to nobody.
        if !callsAreCalls, !result.classes.isSubset(of: Self.queries) { result.facts.subtract(.callsFunction) }
        if namesNodesOwn, !result.classes.isDisjoint(with: Self.changing) { found(.breaksReplication) }
        if result.statementCount > 1 { try refuseLexicalChange() }
        return result
    }

    /// What follows a change of sql_mode or character set would be read by other rules than this reading's.
    func refuseLexicalChange() throws(Unsorted.Reason) {
        if result.facts.contains(.setsSQLMode) { throw .sqlModeInSameText }
        if result.facts.contains(.setsCharset) { throw .characterSet }
    }

    // MARK: Moving

    @inline(__always)
    mutating func advance() throws(Unsorted.Reason) {
        isAfterDot = token.kind == .punctuation && token.byte == UInt8(ascii: ".")
        token = try lexer.next()
        mixIntoShape()
        if token.isName, token.range.count == Self.nodesDatabase.count { try noteDatabase() }
    }

    /// FNV-1a over the tokens' bytes, a literal as one byte. Source: http://www.isthe.com/chongo/tech/comp/fnv/
    @inline(__always)
    private mutating func mixIntoShape() {
        var shape = result.shape
        switch token.kind {
        case .string, .number, .end: shape = (shape ^ 1) &* Self.shapePrime
        case .punctuation, .assign, .systemVariable: shape = (shape ^ UInt64(token.byte)) &* Self.shapePrime
        case .word, .quotedName, .userVariable:
            for byte in lexer.text[token.range] { shape = (shape ^ UInt64(byte)) &* Self.shapePrime }
            if token.range.count == Self.grantTable.count { noteGrantTable() }
            // Where one name ends and the next begins.
            shape = (shape ^ 2) &* Self.shapePrime
        }
        result.shape = shape
    }

    /// The accounts of all nodes are rows of this table.
    private static let grantTable = Array("global_priv".utf8)

    private mutating func noteGrantTable() {
        if lexer.text[token.range].lazy.map(lowercased).elementsEqual(Self.grantTable) { namesNodesOwn = true }
    }

    /// Where ids and epochs are kept.
    static let nodesDatabase = Array("ddbnode".utf8)

    private mutating func noteDatabase() throws(Unsorted.Reason) {
        guard lexer.text[token.range].lazy.map(lowercased).elementsEqual(Self.nodesDatabase) else { return }
        if try following().isPunctuation(".") { namesNodesOwn = true }
    }

    private static let changing = StatementClasses(
        rawValue: [StatementClass.write, .tableDefinition, .drop].reduce(0) { $0 | 1 << UInt16($1.rawValue) })

    private static let queries: StatementClasses = [StatementClasses(.read), StatementClasses(.lockingRead)]

    private static let shapePrime: UInt64 = 0x0000_0100_0000_01b3

    /// The token after the current one.
    func following() throws(Unsorted.Reason) -> Token {
        var ahead = lexer
        return try ahead.next()
    }

    /// At a semicolon or the text's end.
    var atEnd: Bool { token.kind == .end || token.isPunctuation(";") }

    func at(_ keyword: Keyword) -> Bool { token.keyword == keyword }

    /// Moves over the keyword if it is there.
    mutating func accept(_ keyword: Keyword) throws(Unsorted.Reason) -> Bool {
        guard at(keyword) else { return false }
        try advance()
        return true
    }

    /// Moves over the first of the keywords that is there.
    mutating func accept(anyOf keywords: Keyword...) throws(Unsorted.Reason) -> Bool {
        guard let keyword = token.keyword, keywords.contains(keyword) else { return false }
        try advance()
        return true
    }

    mutating func accept(_ character: Unicode.Scalar) throws(Unsorted.Reason) -> Bool {
        guard token.isPunctuation(character) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ keyword: Keyword) throws(Unsorted.Reason) {
        guard try accept(keyword) else { throw .unexpectedWord }
    }

    mutating func expect(_ character: Unicode.Scalar) throws(Unsorted.Reason) {
        guard try accept(character) else { throw .unexpectedWord }
    }

    func expectEnd() throws(Unsorted.Reason) {
        guard atEnd else { throw .unexpectedWord }
    }

    /// Moves over one name and returns what it spells.
    mutating func name() throws(Unsorted.Reason) -> [UInt8] {
        guard token.isName else { throw .unexpectedWord }
        let spelled = token.kind == .quotedName ? lexer.decoded(token) : Array(lexer.text[token.range])
        try advance()
        return spelled
    }

    /// A name that MariaDB compares by a collation: only in ASCII is it sure which names are the same.
    mutating func asciiName() throws(Unsorted.Reason) -> [UInt8] {
        let spelled = try name()
        guard spelled.allSatisfy({ $0 < 0x80 }) else { throw .strayCharacter }
        return spelled
    }

    /// Moves over `name` or `name.name`, …
    mutating func qualifiedName() throws(Unsorted.Reason) {
        _ = try name()
        while try accept(".") { _ = try name() }
    }

    /// IF EXISTS, IF NOT EXISTS
    mutating func acceptExistenceClause() throws(Unsorted.Reason) {
        guard try accept(.if) else { return }
        _ = try accept(.not)
        try expect(.exists)
    }

    // MARK: Findings

    mutating func found(_ statementClass: StatementClass, _ facts: SessionFacts = []) {
        result.classes.insert(statementClass)
        result.facts.formUnion(facts)
    }

    /// The rest of a statement with nothing more to be seen by grammar.
    mutating func rest(_ statementClass: StatementClass, _ facts: SessionFacts = []) throws(Unsorted.Reason) {
        found(statementClass, facts)
        try scan()
    }
}

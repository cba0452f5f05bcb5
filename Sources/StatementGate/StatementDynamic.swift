/// PREPARE, EXECUTE and DEALLOCATE: the text inside is read as a text of its own.
extension StatementParser {
    /// PREPARE name FROM text
    mutating func prepare() throws(Unsorted.Reason) {
        try advance()
        let name = try asciiName()
        try expect(.from)
        var statement = try dynamicStatement()
        found(.session, .prepares)
        result.classes.formUnion(statement.classes)
        // In a body it isn't known whether it runs: afterwards the name may still be what it was.
        if isInBody, let before = preparedHere.statement(named: name) ?? prepared.statement(named: name) {
            statement.classes.formUnion(before.classes)
            statement.facts.formUnion(before.facts)
        }
        try found(.init(name: name, statement: statement))
    }

    /// EXECUTE name [USING values], EXECUTE IMMEDIATE text [USING values]
    mutating func execute() throws(Unsorted.Reason) {
        try advance()
        if at(.immediate), try !following().isEndOrUsing {
            try advance()
            join(try dynamicStatement())
        } else {
            let name = try asciiName()
            found(.session, .executesPrepared)
            let statement = prepared.statement(named: name)
            let here = preparedHere.statement(named: name)
            if let statement { join(statement) }
            if let here { join(here) }
            if statement == nil, here == nil { join(Self.opaque) }
        }
        if try accept(.using) { try scan() }
        try expectEnd()
    }

    /// DEALLOCATE PREPARE name, DROP PREPARE name
    mutating func deallocate() throws(Unsorted.Reason) {
        try expect(.prepare)
        let name = try asciiName()
        try expectEnd()
        found(.session, .deallocates)
        if !isInBody { try found(.init(name: name, statement: nil)) }
    }

    private mutating func found(_ preparation: Classification.Prepared) throws(Unsorted.Reason) {
        guard result.preparations.count < PreparedStatements.countMax else { throw .tooManyPreparations }
        result.preparations.append(preparation)
        preparedHere.apply(preparation)
    }

    private mutating func join(_ inner: Classification) {
        result.classes.formUnion(inner.classes)
        result.facts.formUnion(inner.facts)
        joinRepetition(inner.repetition)
        if let transaction = inner.transaction { foundTransaction(transaction) }
        if let database = inner.database { result.database = database }
    }

    private static let opaque: Classification = {
        var classification = Classification()
        classification.classes = StatementClasses(.opaque)
        classification.repetition.kinds = .hidden
        classification.statementCount = 1
        return classification
    }()

    /// What the expression's text would do; opaque where the text isn't written out.
    private mutating func dynamicStatement() throws(Unsorted.Reason) -> Classification {
        var ahead = self
        if let text = try ahead.literalText(), ahead.token.isEndOrUsing {
            self = ahead
            return try statement(in: text)
        }
        try scan(to: .using, orEnd: true)
        return Self.opaque
    }

    private func statement(in text: [UInt8]) throws(Unsorted.Reason) -> Classification {
        let inner: Classification
        do throws(Unsorted.Reason) {
            inner = try classifyDynamic(text, mode: lexer.mode, prepared: prepared, reading: reading, depth: depth + 1)
        } catch {
            throw error == .empty ? .dynamicText : error
        }
        guard inner.statementCount == 1, inner.preparations.isEmpty else { throw .dynamicText }
        return inner
    }

    /// Moves over literals that make a text: strings side by side, hexadecimal ones, CONCAT of them. Nil for anything else.
    private mutating func literalText() throws(Unsorted.Reason) -> [UInt8]? {
        if at(.concat), try following().isPunctuation("(") { return try concatenation() }
        return try literal()
    }

    private mutating func literal() throws(Unsorted.Reason) -> [UInt8]? {
        if let hexadecimal = try hexadecimalText() { return hexadecimal }
        if token.kind == .word {
            guard Self.introducers.contains(String(decoding: lexer.text[token.range].map(lowercased), as: UTF8.self)) else { return nil }
            try advance()
            if let hexadecimal = try hexadecimalText() { return hexadecimal }
        }
        guard token.kind == .string else { return nil }
        var text: [UInt8] = []
        while token.kind == .string {
            text += lexer.decoded(token)
            try advance()
        }
        return text
    }

    /// Other introducers convert the text: `_ucs2 x'0044…'` says DROP.
    private static let introducers: Set<String> = ["n", "_utf8mb4", "_utf8mb3", "_utf8", "_latin1", "_ascii", "_binary"]

    private mutating func concatenation() throws(Unsorted.Reason) -> [UInt8]? {
        try advance()
        var text: [UInt8] = []
        repeat {
            try advance()
            guard let part = try literal() else { return nil }
            text += part
        } while token.isPunctuation(",")
        return try accept(")") ? text : nil
    }

    /// 0x…, x'…'
    private mutating func hexadecimalText() throws(Unsorted.Reason) -> [UInt8]? {
        var digits = token.range
        if token.kind == .number {
            guard lexer.text[digits].starts(with: [0x30, 0x78]) else { return nil }
            digits = digits.lowerBound + 2..<digits.upperBound
        } else {
            guard token.kind == .word, digits.count == 1, lowercased(lexer.text[digits.lowerBound]) == 0x78 else { return nil }
            let quoted = try following()
            guard quoted.kind == .string, !quoted.spaced else { return nil }
            digits = quoted.range
            try advance()
        }
        try advance()
        return Self.bytes(ofHexadecimal: lexer.text[digits])
    }

    private static func bytes(ofHexadecimal digits: Slice<UnsafeRawBufferPointer>) -> [UInt8]? {
        guard digits.allSatisfy(isHexDigit) else { return nil }
        let values = (digits.count % 2 == 1 ? [0] : []) + digits.map { isDigit($0) ? $0 - 0x30 : ($0 | 0x20) - 0x57 }
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}

extension Token {
    fileprivate var isEndOrUsing: Bool { kind == .end || isPunctuation(";") || keyword == .using }
}

/// The tokens of one definition, read as a whole: what they mean together depends on more than the next one.
struct DefinitionTokens {
    struct Piece {
        let kind: Token.Kind
        /// In lower case; empty for anything but an unquoted word.
        let word: String
        /// A name's or string's content, without quotes.
        let content: [UInt8]
        /// The character of a `.punctuation`, else 0.
        let byte: UInt8
        /// Where the text goes on behind it.
        let end: Int

        var isName: Bool { kind == .word || kind == .quotedName }

        func isCharacter(_ character: Unicode.Scalar) -> Bool { kind == .punctuation && byte == UInt8(truncatingIfNeeded: character.value) }
    }

    private(set) var pieces: [Piece] = []

    var all: Range<Int> { 0..<pieces.count }

    mutating func append(_ token: Token, _ lexer: Lexer) {
        let hasContent = token.isName || token.kind == .string
        let content = token.kind == .word ? Array(lexer.text[token.range]) : hasContent ? lexer.decoded(token) : []
        let word = token.kind == .word ? String(decoding: content.map(lowercased), as: UTF8.self) : ""
        let end = token.range.upperBound + (token.kind == .quotedName || token.kind == .string ? 1 : 0)
        pieces.append(
            Piece(kind: token.kind, word: word, content: content, byte: token.kind == .punctuation ? token.byte : 0, end: end))
    }

    /// Empty where there is none.
    func word(_ index: Int) -> String { index < pieces.count && index >= 0 ? pieces[index].word : "" }

    func isCharacter(_ index: Int, _ character: Unicode.Scalar) -> Bool { index < pieces.count && pieces[index].isCharacter(character) }

    /// Whether the words stand there one after another.
    func words(_ wanted: String..., at index: Int) -> Bool { wanted.indices.allSatisfy { word(index + $0) == wanted[$0] } }

    /// Behind the parenthesis that closes the one at `index`, or the end.
    func closing(_ index: Int, in range: Range<Int>) -> Int {
        var open = 0
        for place in index..<range.upperBound {
            if pieces[place].isCharacter("(") { open += 1 }
            if pieces[place].isCharacter(")") { open -= 1 }
            if open == 0 { return place + 1 }
        }
        return range.upperBound
    }

    /// Parts between commas outside parentheses.
    func items(in range: Range<Int>) -> [Range<Int>] {
        var items: [Range<Int>] = []
        var start = range.lowerBound
        for place in outside(range) where pieces[place].isCharacter(",") {
            items.append(start..<place)
            start = place + 1
        }
        items.append(start..<range.upperBound)
        return items.filter { !$0.isEmpty }
    }

    /// Places outside parentheses.
    func outside(_ range: Range<Int>) -> [Int] {
        var places: [Int] = []
        var place = range.lowerBound
        while place < range.upperBound {
            if pieces[place].isCharacter("(") {
                place = closing(place, in: range)
            } else {
                places.append(place)
                place += 1
            }
        }
        return places
    }

    /// Whether one of the words is there, outside parentheses.
    func has(_ wanted: Set<String>, in range: Range<Int>) -> Bool { outside(range).contains { wanted.contains(pieces[$0].word) } }

    /// `name` or `database.name` at the index, and the index behind it; nil where there is no name.
    func table(at index: Int) -> (database: [UInt8]?, table: [UInt8], next: Int)? {
        guard index < pieces.count, pieces[index].isName else { return nil }
        guard isCharacter(index + 1, "."), index + 2 < pieces.count, pieces[index + 2].isName else { return (nil, pieces[index].content, index + 1) }
        return (pieces[index].content, pieces[index + 2].content, index + 3)
    }

    // MARK: What matters wherever it stands

    /// DATA DIRECTORY [=] '…', INDEX DIRECTORY [=] '…'
    var namesDirectory: Bool {
        all.contains { index in
            guard word(index) == "data" || word(index) == "index", word(index + 1) == "directory" else { return false }
            return isCharacter(index + 2, "=") || index + 2 < pieces.count && pieces[index + 2].kind == .string
        }
    }

    /// [STORAGE] ENGINE [=] name; in lower case.
    func engines(in range: Range<Int>) -> [String] {
        range.compactMap { index in
            guard word(index) == "engine" else { return nil }
            let place = isCharacter(index + 1, "=") ? index + 2 : index + 1
            guard place < range.upperBound, pieces[place].isName || pieces[place].kind == .string else { return nil }
            return String(decoding: pieces[place].content.map(lowercased), as: UTF8.self)
        }
    }

    /// WITH SYSTEM VERSIONING
    var isVersioned: Bool { all.contains { words("with", "system", "versioning", at: $0) } }

    /// REFERENCES … ON … CASCADE, SET NULL, SET DEFAULT
    var hasCascade: Bool {
        all.contains { index in
            guard word(index) == "on", word(index + 1) == "delete" || word(index + 1) == "update" else { return false }
            return word(index + 2) == "cascade" || words("set", "null", at: index + 2) || words("set", "default", at: index + 2)
        }
    }

    /// Whether the expression there may have another value on another node, or at another time.
    func isChance(in range: Range<Int>) -> Bool {
        range.contains { index in
            let piece = pieces[index]
            switch piece.kind {
            case .userVariable, .systemVariable: return true
            case .word where Self.chances.contains(piece.word): return true
            case .word, .quotedName:
                if piece.word == "next" || piece.word == "previous" { return words("value", "for", at: index + 1) }
                guard isCharacter(index + 1, "(") else { return false }
                return !RepeatableFunction.isNamed(String(decoding: piece.content.map(lowercased), as: UTF8.self))
            case .string, .number, .assign, .punctuation, .end: return false
            }
        }
    }

    /// Called without parentheses, some of them in Oracle's mode.
    private static let chances: Set<String> = ["current_user", "current_role", "nextval", "currval", "sysdate"]

    /// … AS ( expression ), of a generated column.
    func isGeneratedByChance(in column: Range<Int>) -> Bool {
        outside(column).contains { word($0) == "as" && isCharacter($0 + 1, "(") && isChance(in: $0 + 1..<closing($0 + 1, in: column)) }
    }

    /// DEFAULT expression, of a column.
    func isDefaultChance(in column: Range<Int>) -> Bool {
        outside(column).contains { place in
            guard word(place) == "default" else { return false }
            let end = outside(place + 1..<column.upperBound).first { Self.behindDefault.contains(word($0)) && $0 > place + 1 } ?? column.upperBound
            return isChance(in: place + 1..<end)
        }
    }

    /// What ends a DEFAULT's expression.
    private static let behindDefault: Set<String> = [
        "comment", "references", "after", "first", "check", "not", "null", "on", "collate", "auto_increment", "primary", "unique", "key", "invisible",
        "compressed", "with", "without", "column_format", "storage", "as", "generated", "constraint",
    ]
}

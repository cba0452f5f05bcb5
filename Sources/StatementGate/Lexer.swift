/// Cuts a text into tokens as MariaDB 10.11's own scanner does (`Lex_input_stream::lex_one_token` is the reference for every oddity below).
///
/// A value of a few words: copying it is how the parser looks ahead.
struct Lexer {
    let text: UnsafeRawBufferPointer
    let mode: LexicalMode
    /// The server version to read version comments for; nil executes them all.
    let assumedVersion: Int?
    var position = 0
    /// Inside an executable comment, whose `*/` is still to come.
    var insideExecutableComment = false
    /// A dot was just read: what follows directly is a name, whatever it spells.
    private var nameFollows = false
    /// The last token was a word that a dot follows directly, so that `t.5` is a name.
    private var wordBeforeDot = false

    init(_ text: UnsafeRawBufferPointer, mode: LexicalMode, assumedVersion: Int?) {
        self.text = text
        self.mode = mode
        self.assumedVersion = assumedVersion
    }

    /// The byte at an offset from the position; nil past the end.
    @inline(__always)
    func peek(_ offset: Int = 0) -> UInt8? {
        let index = position + offset
        return index < text.count ? text[index] : nil
    }

    @inline(__always)
    func peeks(_ wanted: Unicode.Scalar, at offset: Int = 0) -> Bool {
        peek(offset) == UInt8(truncatingIfNeeded: wanted.value)
    }

    mutating func next() throws(Unsorted.Reason) -> Token {
        let start = position
        if !nameFollows { try skipBlanks() }
        var token = Token()
        token.spaced = position > start
        guard let byte = peek() else {
            if insideExecutableComment { throw .unterminatedComment }
            token.range = position..<position
            return token
        }
        if isWordByte(byte) {
            try readWordOrNumber(byte, into: &token)
        } else {
            try readOther(byte, into: &token)
        }
        return token
    }

    private mutating func readWordOrNumber(_ byte: UInt8, into token: inout Token) throws(Unsorted.Reason) {
        if isDigit(byte), !nameFollows, readNumber(into: &token) { return }
        token.kind = .word
        token.range = try wordRange(from: position)
        let isMember = nameFollows
        nameFollows = false
        // `drop.a` is a name: the dot makes it one.
        if peeks("."), let following = peek(1), isWordByte(following) {
            wordBeforeDot = true
        } else if !isMember {
            token.keyword = KeywordTable.shared.keyword(UnsafeRawBufferPointer(rebasing: text[token.range]))
        }
    }

    /// Moves over a word, checking what it has of UTF-8.
    private mutating func wordRange(from start: Int) throws(Unsorted.Reason) -> Range<Int> {
        while let byte = peek(), isWordByte(byte) {
            if byte < 0x80 {
                position += 1
            } else {
                let scalar = try readScalar()
                if !canStandInName(scalar) { throw .strayCharacter }
            }
        }
        return start..<position
    }

    /// Reads a number; false where the digits begin a name such as `1a`.
    private mutating func readNumber(into token: inout Token) -> Bool {
        let start = position
        if peeks("0"), peeks("x", at: 1) || peeks("b", at: 1) {
            let isHex = peeks("x", at: 1)
            var end = start + 2
            while end < text.count, isHex ? isHexDigit(text[end]) : text[end] & 0xFE == 0x30 { end += 1 }
            guard end > start + 2, end == text.count || !isWordByte(text[end]) else { return false }
            position = end
        } else {
            while let byte = peek(), isDigit(byte) { position += 1 }
            let following = peek() ?? 0
            if following == 0x2E {
                position += 1
                readFraction()
            } else if isWordByte(following), !readExponent() {
                position = start
                return false
            }
        }
        token.kind = .number
        token.range = start..<position
        return true
    }

    private mutating func readFraction() {
        while let byte = peek(), isDigit(byte) { position += 1 }
        _ = readExponent()
    }

    /// Reads `e5`, `E-5`. The digits end it: in `1e5INTO` a word follows.
    private mutating func readExponent() -> Bool {
        guard let letter = peek(), letter | 0x20 == 0x65 else { return false }
        let signed = peeks("+", at: 1) || peeks("-", at: 1)
        let digits = signed ? 2 : 1
        guard let digit = peek(digits), isDigit(digit) else { return false }
        position += digits
        while let byte = peek(), isDigit(byte) { position += 1 }
        return true
    }

    private mutating func readOther(_ byte: UInt8, into token: inout Token) throws(Unsorted.Reason) {
        let followsWord = wordBeforeDot
        wordBeforeDot = false
        switch Unicode.Scalar(byte) {
        case "'":
            try readString(byte, into: &token)
        case "\"":
            if mode.ansiQuotes { try readQuotedName(byte, into: &token) } else { try readString(byte, into: &token) }
        case "`":
            try readQuotedName(byte, into: &token)
        case "@":
            try readVariable(into: &token)
        case ".":
            if !followsWord, let digit = peek(1), isDigit(digit) {
                position += 1
                readFraction()
                token.kind = .number
            } else {
                readPunctuation(byte, into: &token)
                nameFollows = peek().map(isWordByte) ?? false
            }
        case ":":
            if peeks("=", at: 1) {
                position += 2
                token.kind = .assign
            } else {
                readPunctuation(byte, into: &token)
            }
        case "\\":
            // `\N` is NULL.
            guard peeks("N", at: 1) else { throw .strayCharacter }
            position += 2
            token.kind = .number
        case "!", "%", "&", "(", ")", "*", "+", ",", "-", "/", ";", "<", "=", ">", "?", "^", "|", "~", "{", "}":
            readPunctuation(byte, into: &token)
        default:
            throw byte == 0 ? .nulByte : .strayCharacter
        }
    }

    private mutating func readPunctuation(_ byte: UInt8, into token: inout Token) {
        token.kind = .punctuation
        token.byte = byte
        token.range = position..<position + 1
        position += 1
    }

    /// `@@`, or `@` with the name or host that directly follows.
    private mutating func readVariable(into token: inout Token) throws(Unsorted.Reason) {
        position += 1
        switch peek() {
        case 0x40:
            position += 1
            token.kind = .systemVariable
            guard let following = peek(), isWordByte(following) || following == 0x60 else { throw .strayCharacter }
            return
        case 0x27:
            try readString(0x27, into: &token)
        case 0x22:
            if mode.ansiQuotes { try readQuotedName(0x22, into: &token) } else { try readString(0x22, into: &token) }
        case 0x60:
            try readQuotedName(0x60, into: &token)
        default:
            let start = position
            while let byte = peek(), byte < 0x80, isWordByte(byte) || byte == 0x2E { position += 1 }
            token.range = start..<position
        }
        token.kind = .userVariable
    }
}

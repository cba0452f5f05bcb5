/// A position in the bytes of a JSON file, and the reading of what has no parts: blanks, strings, numbers, literals.
struct JSONCursor {
    private let bytes: [UInt8]
    private var index = 0
    private(set) var place = Place(line: 1, column: 1)
    /// What was refused and stepped over.
    private(set) var problems: [JSONProblem] = []

    /// The bytes must be valid UTF-8.
    init(bytes: [UInt8]) { self.bytes = bytes }

    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// What stands here, for "expected …, found …".
    var found: String {
        guard index < bytes.count else { return "the end of the file" }
        let end = bytes[index...].firstIndex { Self.isBlank($0) || Self.isPunctuation($0) } ?? bytes.count
        return quoted(String(decoding: bytes[index..<max(end, index + 1)], as: UTF8.self))
    }

    func problem(_ message: String) -> JSONProblem { JSONProblem(place: place, message: message) }

    mutating func note(_ message: String, at place: Place) { problems.append(JSONProblem(place: place, message: message)) }

    func starts(with prefix: [UInt8]) -> Bool { bytes[index...].starts(with: prefix) }

    /// Steps over the byte that stands here, if there is one.
    mutating func advance() {
        guard let byte = peek else { return }
        index += 1
        if byte == UInt8(ascii: "\n") {
            place = Place(line: place.line + 1, column: 1)
        } else if peek.map({ $0 & 0xC0 != 0x80 }) ?? true {
            // The bytes after a character's first are no column of their own.
            place.column += 1
        }
    }

    private mutating func advance(by count: Int) {
        for _ in 0..<count { advance() }
    }

    /// Steps over `scalar`, when it stands here.
    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: scalar) else { return false }
        advance()
        return true
    }

    /// Steps over blanks and line breaks, and notes comments.
    mutating func skipBlank() throws(JSONProblem) {
        while let byte = peek {
            switch byte {
            case _ where Self.isBlank(byte): advance()
            case UInt8(ascii: "#"), UInt8(ascii: "/"): try skipComment()
            default: return
            }
        }
    }

    private mutating func skipComment() throws(JSONProblem) {
        let start = place
        if starts(with: Array("/*".utf8)) {
            while !starts(with: Array("*/".utf8)) {
                guard peek != nil else { throw JSONProblem(place: start, message: "a comment without an end; JSON has no comments") }
                advance()
            }
            advance()
            advance()
        } else if starts(with: Array("//".utf8)) || peek == UInt8(ascii: "#") {
            while let byte = peek, byte != UInt8(ascii: "\n") { advance() }
        } else {
            throw problem("expected a value, found \(found)")
        }
        note("JSON has no comments: take this one out (a key that is null counts as not given)", at: start)
    }

    mutating func literal() throws(JSONProblem) -> JSONValue.Content {
        for (word, content) in [("true", JSONValue.Content.bool(true)), ("false", .bool(false)), ("null", .null)]
        where found == quoted(word) {
            advance(by: word.utf8.count)
            return content
        }
        throw problem("expected a value, found \(found) (text stands in double quotes)")
    }

    /// The number as written.
    mutating func number() throws(JSONProblem) -> String {
        let start = index
        let end = bytes[index...].firstIndex { Self.isBlank($0) || Self.isPunctuation($0) } ?? bytes.count
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        guard Self.isNumber(bytes[start..<end]) else { throw problem("\(quoted(text)) is no JSON number (text stands in double quotes)") }
        advance(by: end - start)
        return text
    }

    /// The string that opens here, its escapes resolved.
    mutating func string() throws(JSONProblem) -> String {
        let start = place
        var out: [UInt8] = []
        advance()
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                advance()
                return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"):
                out.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20:
                let what = byte == UInt8(ascii: "\n") ? "a string must end on its line" : "a control character in a string"
                throw JSONProblem(place: byte == UInt8(ascii: "\n") ? start : place, message: "\(what): write line breaks as \\n, tabs as \\t")
            default:
                out.append(byte)
                advance()
            }
        }
        throw JSONProblem(place: start, message: "a string without an end: the closing double quote is missing")
    }

    private mutating func escape() throws(JSONProblem) -> Unicode.Scalar {
        let start = place
        advance()
        let letter = peek
        if letter != nil { advance() }
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            if let scalar = unicodeEscape() { return scalar }
            throw JSONProblem(place: start, message: "\\u takes four hexadecimal digits that name a character")
        default:
            throw JSONProblem(place: start, message: "unknown escape in a string: a backslash itself is written \\\\")
        }
    }

    /// What follows `\u`: one UTF-16 unit, or two that make a pair.
    private mutating func unicodeEscape() -> Unicode.Scalar? {
        guard let first = hexDigits() else { return nil }
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard skip("\\"), skip("u"), let second = hexDigits(), UTF16.isTrailSurrogate(second) else { return nil }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    private mutating func hexDigits() -> UInt16? {
        let digits = bytes[index...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return nil }
        advance(by: 4)
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n")
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool { ",:{}[]\"#/".utf8.contains(byte) }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
    private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func digits() -> Int {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        func skip(_ choices: String) -> Bool {
            guard let byte = rest.first, choices.utf8.contains(byte) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = skip("-")
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || (whole > 1 && !startsWithZero) else { return false }
        if skip("."), digits() == 0 { return false }
        if skip("eE") {
            _ = skip("+-")
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }
}

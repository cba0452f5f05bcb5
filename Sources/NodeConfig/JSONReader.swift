/// What is wrong with the text of a JSON file, and where.
struct JSONProblem: Error, Equatable {
    let place: Place
    let message: String
}

/// A strict JSON reader (RFC 8259) that keeps the place of every key and value.
///
/// What people write out of habit (comments, a comma after the last member, a key twice) is refused and stepped over, so that
/// all of it is reported at once; any other mistake ends the reading, as nothing after it can be trusted.
struct JSONReader {
    /// The most bytes of a file.
    static let bytesMax = 1 << 20
    /// The most objects and lists within each other.
    static let depthMax = 32

    var cursor: JSONCursor

    /// The value, unless a mistake ended the reading, and all that is wrong.
    static func read(_ bytes: [UInt8]) -> (value: JSONValue?, problems: [JSONProblem]) {
        let misencoded = invalidUTF8(in: bytes)
        guard misencoded.isEmpty else { return (nil, misencoded) }
        guard bytes.count <= bytesMax else {
            return (nil, [JSONProblem(place: Place(line: 1, column: 1), message: "is longer than \(bytesMax) bytes")])
        }
        var reader = JSONReader(cursor: JSONCursor(bytes: bytes))
        do throws(JSONProblem) {
            return (try reader.document(), reader.cursor.problems)
        } catch {
            return (nil, reader.cursor.problems + [error])
        }
    }

    /// Every line that is not UTF-8.
    private static func invalidUTF8(in bytes: [UInt8]) -> [JSONProblem] {
        guard String(validating: bytes, as: UTF8.self) == nil else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().compactMap { offset, line in
            guard String(validating: line, as: UTF8.self) == nil else { return nil }
            return JSONProblem(place: Place(line: offset + 1, column: 1), message: "this line is not valid UTF-8: save the file as UTF-8")
        }
    }

    private mutating func document() throws(JSONProblem) -> JSONValue {
        if cursor.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw cursor.problem("the file begins with a byte order mark: save it as UTF-8 without one")
        }
        try cursor.skipBlank()
        let value = try value(depth: 1)
        try cursor.skipBlank()
        guard cursor.peek == nil else { throw cursor.problem("expected the end of the file, found \(cursor.found)") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONProblem) -> JSONValue {
        let place = cursor.place
        let content: JSONValue.Content
        switch cursor.peek {
        case UInt8(ascii: "{"): content = .object(try members(depth: depth))
        case UInt8(ascii: "["): content = .array(try elements(depth: depth))
        case UInt8(ascii: "\""): content = .string(try cursor.string())
        case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): content = .number(try cursor.number())
        default: content = try cursor.literal()
        }
        return JSONValue(content: content, place: place)
    }

    private mutating func members(depth: Int) throws(JSONProblem) -> [JSONMember] {
        var members: [JSONMember] = []
        var firstLine: [String: Int] = [:]
        try list(closedBy: "}", depth: depth) { (reader) throws(JSONProblem) in
            let place = reader.cursor.place
            guard reader.cursor.peek == UInt8(ascii: "\"") else {
                throw reader.cursor.problem("expected a key in double quotes, found \(reader.cursor.found)")
            }
            let name = try reader.cursor.string()
            try reader.cursor.skipBlank()
            guard reader.cursor.skip(":") else {
                throw reader.cursor.problem("expected \":\" after the key \(quoted(name)), found \(reader.cursor.found)")
            }
            try reader.cursor.skipBlank()
            let value = try reader.value(depth: depth + 1)
            if let line = firstLine[name] {
                reader.cursor.note("the key \(quoted(name)) is already on line \(line): keep one of the two", at: place)
            } else {
                firstLine[name] = place.line
                members.append(JSONMember(name: name, place: place, value: value))
            }
        }
        return members
    }

    private mutating func elements(depth: Int) throws(JSONProblem) -> [JSONValue] {
        var elements: [JSONValue] = []
        try list(closedBy: "]", depth: depth) { (reader) throws(JSONProblem) in
            elements.append(try reader.value(depth: depth + 1))
        }
        return elements
    }

    /// Reads from the opening bracket to the closing one, `item` for each item between the commas.
    private mutating func list(
        closedBy close: Unicode.Scalar, depth: Int, item: (inout JSONReader) throws(JSONProblem) -> Void
    ) throws(JSONProblem) {
        guard depth <= Self.depthMax else { throw cursor.problem("more than \(Self.depthMax) objects and lists within each other") }
        cursor.advance()
        try cursor.skipBlank()
        if cursor.skip(close) { return }
        while true {
            try item(&self)
            try cursor.skipBlank()
            if cursor.skip(close) { return }
            let comma = cursor.place
            guard cursor.skip(",") else { throw cursor.problem("expected \",\" or \"\(close)\", found \(cursor.found)") }
            try cursor.skipBlank()
            if cursor.skip(close) { return cursor.note("a comma before \"\(close)\": take it out", at: comma) }
        }
    }
}

/// A spot in a text file, as editors count: the first line and the first character are 1.
struct Place: Hashable, Sendable {
    var line: Int
    /// In characters (Unicode scalars), not bytes.
    var column: Int
}

/// A JSON value that knows where it was written.
struct JSONValue: Sendable {
    enum Content: Sendable {
        case null
        case bool(Bool)
        /// As written: what it is read as (whole, decimal) is for the reader of the setting to say.
        case number(String)
        case string(String)
        case array([JSONValue])
        case object([JSONMember])
    }

    let content: Content
    let place: Place
}

/// A key of a JSON object and its value.
struct JSONMember: Sendable {
    let name: String
    let place: Place
    let value: JSONValue
}

extension JSONValue.Content {
    /// The value for a sentence such as `must be a number, is "many"`: on one line, and never long.
    var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): String(value)
        case .number(let text): text.count > quotedCharactersMax ? text.prefix(quotedCharactersMax) + "…" : text
        case .string(let text): quoted(text)
        case .array: "a list"
        case .object: "an object"
        }
    }
}

private let quotedCharactersMax = 60

/// `text` in double quotes, cut after 60 characters, with what a terminal would obey written as `\u{…}`.
func quoted(_ text: some StringProtocol) -> String {
    var out = "\""
    for scalar in text.unicodeScalars.prefix(quotedCharactersMax) {
        out += scalar == "\"" ? "\\\"" : isPrintable(scalar) ? String(scalar) : scalar.escaped(asASCII: true)
    }
    return out + (text.unicodeScalars.count > quotedCharactersMax ? "…\"" : "\"")
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
    default: true
    }
}

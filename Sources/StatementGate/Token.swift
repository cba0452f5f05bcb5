/// One token of a statement. It points into the text; nothing is copied.
struct Token {
    enum Kind: Equatable {
        /// Unquoted; `keyword` is set where it is one the gate knows and stands where a keyword can.
        case word
        case quotedName
        case string
        case number
        /// `@name`, `` @`name` ``, `@'name'`, and the `@host` of an account.
        case userVariable
        /// `@@`: the name follows as the next token.
        case systemVariable
        /// `:=`
        case assign
        /// One character, in `byte`.
        case punctuation
        case end
    }

    var kind = Kind.end
    var keyword: Keyword?
    /// The character of a `.punctuation`, the quote of a string or quoted name; 0 otherwise.
    var byte: UInt8 = 0
    /// Where the token's content is in the text, without its quotes.
    var range: Range<Int> = 0..<0
    /// A blank or comment stands before it.
    var spaced = false

    @inline(__always)
    func isPunctuation(_ wanted: Unicode.Scalar) -> Bool {
        kind == .punctuation && byte == UInt8(truncatingIfNeeded: wanted.value)
    }

    /// Can be the name of something.
    @inline(__always)
    var isName: Bool { kind == .word || kind == .quotedName }
}

extension Lexer {
    /// Reads a string with its escapes and doubled quotes; `range` is what is between the outer quotes.
    mutating func readString(_ quote: UInt8, into token: inout Token) throws(Unsorted.Reason) {
        try readQuoted(quote, as: .string, into: &token)
    }

    /// Reads a quoted name, in which only the quote itself can be doubled.
    mutating func readQuotedName(_ quote: UInt8, into token: inout Token) throws(Unsorted.Reason) {
        try readQuoted(quote, as: .quotedName, into: &token)
    }

    private mutating func readQuoted(_ quote: UInt8, as kind: Token.Kind, into token: inout Token) throws(Unsorted.Reason) {
        let escapes = kind == .string && !mode.noBackslashEscapes
        position += 1
        let start = position
        while let byte = peek() {
            // MariaDB gives up a name's quote at a NUL byte and reads on after it.
            if byte == 0, kind == .quotedName { throw .nulByte }
            if byte == quote, peek(1) != quote {
                token.kind = kind
                token.byte = quote
                token.range = start..<position
                position += 1
                return
            }
            position += byte == quote || (escapes && byte == 0x5C) ? 2 : 1
        }
        position = min(position, text.count)
        throw .unterminatedQuote
    }

    /// What a string says once its escapes are taken out.
    func decoded(_ token: Token) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(token.range.count)
        var index = token.range.lowerBound
        while index < token.range.upperBound {
            let byte = text[index]
            let following = index + 1 < token.range.upperBound ? text[index + 1] : 0
            if byte == 0x5C, token.kind == .string, !mode.noBackslashEscapes {
                result += Self.unescaped(following)
                index += 2
            } else {
                result.append(byte)
                index += byte == token.byte ? 2 : 1
            }
        }
        return result
    }

    private static func unescaped(_ byte: UInt8) -> [UInt8] {
        switch Unicode.Scalar(byte) {
        case "n": [0x0A]
        case "t": [0x09]
        case "r": [0x0D]
        case "b": [0x08]
        case "0": [0x00]
        case "Z": [0x1A]
        case "_", "%": [0x5C, byte]
        default: [byte]
        }
    }
}

/// JSON's strings and numbers, from bytes that may be neither. Source: RFC 8259.
enum JSONText {
    /// A string in its quotes. What is no UTF-8 becomes U+FFFD.
    static func append(string bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var special: UInt8 = 0
        for byte in bytes { special |= byte < 0x20 || byte == .quote || byte == .backslash || byte >= 0x80 ? 1 : 0 }
        out.append(.quote)
        if special == 0 { out.append(contentsOf: bytes) } else { appendEscaped(bytes, to: &out) }
        out.append(.quote)
    }

    private static func appendEscaped(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte >= 0x80 else {
                appendEscaped(byte, to: &out)
                offset += 1
                continue
            }
            let length = utf8Length(bytes, at: offset)
            if length > 0 {
                out.append(contentsOf: bytes[offset..<offset + length])
            } else {
                out.append(ascii: "\u{FFFD}")
            }
            offset += max(length, 1)
        }
    }

    /// `byte` is ASCII.
    private static func appendEscaped(_ byte: UInt8, to out: inout [UInt8]) {
        switch byte {
        case .quote: out.append(ascii: #"\""#)
        case .backslash: out.append(ascii: #"\\"#)
        case .lineFeed: out.append(ascii: #"\n"#)
        case .carriageReturn: out.append(ascii: #"\r"#)
        case .tab: out.append(ascii: #"\t"#)
        case 0..<0x20:
            out.append(ascii: byte < 0x10 ? #"\u000"# : #"\u001"#)
            let digit = byte & 0x0F
            out.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        default: out.append(byte)
        }
    }

    /// The length of the character at `offset`, which is not ASCII; 0 when it is no UTF-8. Source: Unicode 16, table 3-7.
    private static func utf8Length(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        let second: ClosedRange<UInt8>
        let length: Int
        switch bytes[offset] {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xE1...0xEC, 0xEE...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: return 0
        }
        guard bytes.count - offset >= length, second.contains(bytes[offset + 1]) else { return 0 }
        return bytes[(offset + 2)..<(offset + length)].allSatisfy { 0x80...0xBF ~= $0 } ? length : 0
    }

    /// A number with every digit it has, but for leading zeros, which JSON doesn't have; a string where it is no number of JSON.
    static func append(number bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        guard let start = significantStart(ofNumber: bytes) else { return append(string: bytes, to: &out) }
        if bytes[0] == 0x2D { out.append(0x2D) }
        out.append(contentsOf: bytes[start...])
    }

    /// Where the number begins behind its sign and leading zeros; nil when `bytes` are no number.
    private static func significantStart(ofNumber bytes: UnsafeRawBufferPointer) -> Int? {
        func digits(from offset: Int) -> Int {
            var end = offset
            while end < bytes.count, bytes[end].isDigit { end += 1 }
            return end
        }
        var start = bytes.first == 0x2D ? 1 : 0
        var end = digits(from: start)
        guard end > start else { return nil }
        while bytes[start] == 0x30, start + 1 < end { start += 1 }
        if end < bytes.count, bytes[end] == .dot {
            let fraction = end + 1
            end = digits(from: fraction)
            guard end > fraction else { return nil }
        }
        if end < bytes.count, bytes[end] | 0x20 == 0x65 {
            var exponent = end + 1
            if exponent < bytes.count, bytes[exponent] == 0x2B || bytes[exponent] == 0x2D { exponent += 1 }
            end = digits(from: exponent)
            guard end > exponent else { return nil }
        }
        return end == bytes.count ? start : nil
    }
}

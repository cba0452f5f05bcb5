/// Letters, digits, `_`, `$`, and all that is not ASCII: what an unquoted name is made of.
@inline(__always)
func isWordByte(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F || byte == 0x24 || byte >= 0x80
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

@inline(__always)
func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }

/// Space, tab, line feed, vertical tab, form feed, carriage return.
@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 0x09 < 5 }

@inline(__always)
func isBlankOrControl(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == 0x7F }

extension Lexer {
    /// Reads one UTF-8 sequence at the position, which is at a byte above 127.
    mutating func readScalar() throws(Unsorted.Reason) -> UInt32 {
        let first = peek() ?? 0
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard (0xC2...0xF4).contains(first), position + length <= text.count else { throw .invalidUTF8 }
        var scalar = UInt32(first) & (0x7F >> UInt32(length))
        for offset in 1..<length {
            let byte = text[position + offset]
            guard byte & 0xC0 == 0x80 else { throw .invalidUTF8 }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        let least: UInt32 = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80
        guard scalar >= least, Unicode.Scalar(scalar) != nil else { throw .invalidUTF8 }
        position += length
        return scalar
    }
}

/// False for what looks like a blank, a sign or an ASCII letter to a reader (C1 controls, Unicode's blanks and punctuation, the full-width forms)
/// and for what MariaDB has no unquoted names of (beyond the Basic Multilingual Plane).
func canStandInName(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x80...0xA0, 0xAD, 0x1680, 0x180E, 0x2000...0x206F, 0x2E00...0x2E7F, 0x3000...0x3004, 0x3008...0x3020: false
    case 0xE000...0xF8FF, 0xFE00...0xFE6F, 0xFEFF, 0xFF00...0xFFFF: false
    default: scalar <= 0xFFFF
    }
}

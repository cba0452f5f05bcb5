extension [UInt8] {
    /// With padding, on one line. Source: RFC 4648, section 4.
    mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while bytes.count - offset >= 3 {
            appendDigits(UInt32(bytes[offset]) << 16 | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]), count: 4)
            offset += 3
        }
        switch bytes.count - offset {
        case 1:
            appendDigits(UInt32(bytes[offset]) << 16, count: 2)
            append(ascii: "==")
        case 2:
            appendDigits(UInt32(bytes[offset]) << 16 | UInt32(bytes[offset + 1]) << 8, count: 3)
            append(ascii: "=")
        default: break
        }
    }

    /// The first `count` of the four digits of a group of 24 bits.
    private mutating func appendDigits(_ group: UInt32, count: UInt32) {
        for index in 0..<count {
            let digit = UInt8(truncatingIfNeeded: group >> (18 - 6 * index)) & 0x3F
            append(Self.digit(digit))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: 0x41 + value
        case 26..<52: 0x61 + value - 26
        case 52..<62: 0x30 + value - 52
        case 62: 0x2B
        default: 0x2F
        }
    }
}

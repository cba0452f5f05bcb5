/// The payload ends before the field does.
struct ShortPayload: Error {}

/// Reads a payload's fields from front to back.
///
/// Source: https://mariadb.com/kb/en/protocol-data-types/
struct PayloadReader {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ payload: UnsafeRawBufferPointer) { rest = payload }

    mutating func bytes(_ count: Int) throws(ShortPayload) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= rest.count else { throw ShortPayload() }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(ShortPayload) -> Value {
        Value(littleEndian: try bytes(MemoryLayout<Value>.size).loadUnaligned(as: type))
    }

    /// The bytes up to the next zero byte, which is skipped.
    mutating func nulTerminated() throws(ShortPayload) -> UnsafeRawBufferPointer {
        guard let end = rest.firstIndex(of: 0) else { throw ShortPayload() }
        let text = try bytes(end)
        _ = try bytes(1)
        return text
    }

    /// Bytes after their length in one byte.
    mutating func shortString() throws(ShortPayload) -> UnsafeRawBufferPointer {
        try bytes(Int(integer(UInt8.self)))
    }

    /// An integer of 1, 3, 4 or 9 bytes; the markers of NULL and of an error are none.
    mutating func lengthEncodedInteger() throws(ShortPayload) -> UInt64 {
        switch try integer(UInt8.self) {
        case 0xfc: return UInt64(try integer(UInt16.self))
        case 0xfd: return UInt64(try integer(UInt16.self)) | UInt64(try integer(UInt8.self)) << 16
        case 0xfe: return try integer(UInt64.self)
        case 0xfb, 0xff: throw ShortPayload()
        case let small: return UInt64(small)
        }
    }

    /// Bytes after their length as `lengthEncodedInteger` reads it.
    mutating func lengthEncodedString() throws(ShortPayload) -> UnsafeRawBufferPointer {
        guard let count = Int(exactly: try lengthEncodedInteger()) else { throw ShortPayload() }
        return try bytes(count)
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func append(nulTerminated text: some Sequence<UInt8>) {
        append(contentsOf: text)
        append(0)
    }

    /// Cuts `text` at 255 bytes, the most that a length of one byte can say.
    mutating func append(shortString text: some Sequence<UInt8>) {
        let bytes = [UInt8](text.prefix(255))
        append(UInt8(bytes.count))
        append(contentsOf: bytes)
    }

    mutating func append(lengthEncoded value: UInt64) {
        switch value {
        case 0..<0xfb:
            append(UInt8(value))
        case 0xfb...0xffff:
            append(0xfc)
            append(littleEndian: UInt16(value))
        case 0x1_0000...0xff_ffff:
            append(0xfd)
            append(littleEndian: UInt16(truncatingIfNeeded: value))
            append(UInt8(value >> 16))
        default:
            append(0xfe)
            append(littleEndian: value)
        }
    }

    mutating func append(lengthEncoded text: [UInt8]) {
        append(lengthEncoded: UInt64(text.count))
        append(contentsOf: text)
    }
}

import ClusterModel

/// Writes the fields of a frame: little-endian numbers, byte strings with a 32-bit count before them.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func number<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ value: [UInt8]) {
        number(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func string(_ value: String) { string(Array(value.utf8)) }

    mutating func position(_ value: Position) { string(value.gtid?.description ?? "") }

    /// Texts, some of which may be missing.
    mutating func fields(_ values: [String?]) {
        number(UInt32(values.count))
        for value in values {
            number(UInt8(value == nil ? 0 : 1))
            if let value { string(value) }
        }
    }
}

/// Reads the fields of a frame; nil where they run out or make no sense.
struct ByteReader {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
        guard rest.count >= MemoryLayout<T>.size else { return nil }
        let value = T(littleEndian: rest.loadUnaligned(as: T.self))
        rest = UnsafeRawBufferPointer(rebasing: rest[MemoryLayout<T>.size...])
        return value
    }

    mutating func bytes(max: Int) -> [UInt8]? {
        guard let count = number(UInt32.self), count <= max, Int(count) <= rest.count else { return nil }
        let value = Array(rest[..<Int(count)])
        rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
        return value
    }

    mutating func string(max: Int = 1024) -> String? {
        guard let value = bytes(max: max) else { return nil }
        return String(validating: value, as: UTF8.self)
    }

    mutating func position() -> Position? {
        guard let text = string(max: 64) else { return nil }
        if text.isEmpty { return .start }
        return GTID(text).map { Position($0) }
    }

    mutating func fields() -> [String?]? {
        guard let count = number(UInt32.self), count <= 4096 else { return nil }
        var fields: [String?] = []
        for _ in 0..<count {
            switch number(UInt8.self) {
            case 0: fields.append(nil)
            case 1:
                guard let text = string(max: Frame.smallBytesMax) else { return nil }
                fields.append(text)
            default: return nil
            }
        }
        return fields
    }

    mutating func rows() -> [[String?]]? {
        guard let count = number(UInt32.self), count <= 4096 else { return nil }
        var rows: [[String?]] = []
        for _ in 0..<count {
            guard let row = fields() else { return nil }
            rows.append(row)
        }
        return rows
    }
}

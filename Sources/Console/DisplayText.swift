/// A value as a terminal can show it on one line, and the columns it takes there.
struct DisplayText: Equatable {
    private(set) var bytes: [UInt8] = []
    private(set) var width = 0
    /// It was wider than allowed; the last column is an ellipsis.
    private(set) var isCut = false

    /// Control characters are shown escaped, what is no UTF-8 as U+FFFD.
    init(_ value: some Collection<UInt8>, widthMax: Int = .max) {
        if value.count <= widthMax, value.allSatisfy({ (0x20..<0x7F).contains($0) }) {
            bytes = Array(value)
            width = bytes.count
            return
        }
        var iterator = value.makeIterator()
        var decoder = UTF8()
        while !isCut {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): append(scalar, widthMax)
            case .error: append("\u{FFFD}", widthMax)
            case .emptyInput: return
            }
        }
    }

    private mutating func append(_ scalar: Unicode.Scalar, _ widthMax: Int) {
        let escape = Self.escape(of: scalar)
        let columns = escape?.utf8.count ?? Self.width(of: scalar)
        guard width + columns <= widthMax else {
            cut(widthMax)
            return
        }
        bytes.append(contentsOf: escape.map { Array($0.utf8) } ?? Array(String(scalar).utf8))
        width += columns
    }

    private mutating func cut(_ widthMax: Int) {
        isCut = true
        // Characters go until there is a column for the ellipsis.
        while width >= widthMax, let last = String(decoding: bytes, as: UTF8.self).unicodeScalars.last {
            bytes.removeLast(String(last).utf8.count)
            width -= Self.width(of: last)
        }
        bytes.append(contentsOf: "…".utf8)
        width += 1
    }

    /// Of characters that would move the cursor or turn the text around.
    private static func escape(of scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0: "\\0"
        case 0x09: "\\t"
        case 0x0A: "\\n"
        case 0x0D: "\\r"
        case 0x01..<0x20, 0x7F..<0xA0: "\\x" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
        case 0x2028...0x202E, 0x2066...0x2069: "\\u" + String(scalar.value, radix: 16)
        default: nil
        }
    }

    /// The columns of a terminal that a character takes. Source: Unicode's EastAsianWidth.txt, wide and full-width, in rough blocks.
    static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0..<0x300: return 1
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: break
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return 1
        }
    }
}

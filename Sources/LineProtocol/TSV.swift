import ClusterModel

/// The text form of replies: words, and rows with tabs between the columns.
package enum TSV {
    static func appendOK(_ fields: [ReplyField], to out: inout [UInt8]) {
        out.append(ascii: "OK")
        for field in fields {
            out.append(.space)
            switch field {
            case .word(let word): append(value: word, to: &out)
            case .text(let name, let value):
                out.append(text: name)
                out.append(ascii: "=")
                append(value: value, to: &out)
            case .number(let name, let value):
                out.append(text: name)
                out.append(ascii: "=")
                out.append(decimal: value)
            }
        }
        out.append(.lineFeed)
    }

    /// ` warnings=… gtid=…` and the line's end.
    static func appendEnd(of fields: StatementFields, to out: inout [UInt8]) {
        out.append(ascii: " warnings=")
        out.append(decimal: fields.warnings)
        if let gtid = fields.gtid {
            out.append(ascii: " gtid=")
            out.append(gtid)
        }
        if fields.more { out.append(ascii: " more=1") }
        out.append(.lineFeed)
    }

    static func append(_ error: ReplyError, to out: inout [UInt8]) {
        out.append(ascii: "ERR ")
        switch error.code {
        case .database(let number): out.append(decimal: UInt64(number))
        case .node(let code): out.append(text: code.rawValue)
        }
        out.append(.space)
        append(value: error.state, to: &out)
        out.append(.space)
        out.append(oneLine: error.message)
        out.append(.lineFeed)
    }

    static func appendHead(_ columns: [Column], to out: inout [UInt8]) {
        out.append(ascii: "ROWS ")
        for (index, column) in columns.enumerated() {
            if index > 0 { out.append(.tab) }
            column.name.withUnsafeBytes { append($0, to: &out) }
        }
        out.append(.lineFeed)
    }

    /// A value of a row, escaped; nil is NULL.
    package static func append(_ bytes: UnsafeRawBufferPointer?, to out: inout [UInt8]) {
        guard let bytes else { return out.append(ascii: "\\N") }
        var special: UInt8 = 0
        for byte in bytes { special |= isSpecial(byte) ? 1 : 0 }
        guard special != 0 else { return out.append(contentsOf: bytes) }
        appendEscaped(bytes, to: &out)
    }

    @inline(__always)
    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == .tab || byte == .lineFeed || byte == .carriageReturn || byte == 0 || byte == .backslash
    }

    private static func appendEscaped(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var clean = 0
        for (offset, byte) in bytes.enumerated() where isSpecial(byte) {
            out.append(contentsOf: bytes[clean..<offset])
            clean = offset + 1
            switch byte {
            case .tab: out.append(ascii: "\\t")
            case .lineFeed: out.append(ascii: "\\n")
            case .carriageReturn: out.append(ascii: "\\r")
            case 0: out.append(ascii: "\\0")
            default: out.append(ascii: "\\\\")
            }
        }
        out.append(contentsOf: bytes[clean...])
    }

    /// A value never holds a blank or a control character, and is never empty.
    private static func append(value: String, to out: inout [UInt8]) {
        guard !value.isEmpty else { return out.append(ascii: "-") }
        out.append(contentsOf: value.utf8.lazy.map { $0 == .space || $0.isControl ? 0x5F : $0 })
    }

    /// The bytes that `text`, a value of a row, stands for; nil for NULL. A backslash before anything else is left out, as MariaDB reads it.
    static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.contains(.backslash) else { return Array(text) }
        if text.elementsEqual([.backslash, 0x4E]) { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var escaped = false
        for byte in text {
            if !escaped, byte == .backslash {
                escaped = true
                continue
            }
            bytes.append(escaped ? meaning(ofEscaped: byte) : byte)
            escaped = false
        }
        return bytes
    }

    private static func meaning(ofEscaped byte: UInt8) -> UInt8 {
        switch byte {
        case 0x74: .tab
        case 0x6E: .lineFeed
        case 0x72: .carriageReturn
        case 0x30: 0
        default: byte
        }
    }
}

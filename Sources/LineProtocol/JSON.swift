import ClusterModel

/// The JSON form of replies: one line each.
enum JSON {
    static func appendOK(_ fields: [ReplyField], to out: inout [UInt8]) {
        out.append(ascii: #"{"ok":{"#)
        for (index, field) in fields.enumerated() {
            if index > 0 { out.append(.comma) }
            switch field {
            case .word(let word):
                append(name: word, to: &out)
                out.append(ascii: "true")
            case .text(let name, let value):
                append(name: name, to: &out)
                append(string: value, to: &out)
            case .number(let name, let value):
                append(name: name, to: &out)
                out.append(decimal: value)
            }
        }
        out.append(ascii: "}}\n")
    }

    /// `,"warnings":…,"gtid":…}`
    static func appendEnd(of fields: StatementFields, to out: inout [UInt8]) {
        out.append(ascii: #","warnings":"#)
        out.append(decimal: fields.warnings)
        if let gtid = fields.gtid {
            out.append(ascii: #","gtid":"#)
            append(string: gtid.description, to: &out)
        }
        if fields.more { out.append(ascii: #","more":1"#) }
        out.append(ascii: "}")
    }

    /// `"error":{…}`
    static func append(_ error: ReplyError, to out: inout [UInt8]) {
        out.append(ascii: #""error":{"code":"#)
        switch error.code {
        case .database(let number): out.append(decimal: UInt64(number))
        case .node(let code): append(string: code.rawValue, to: &out)
        }
        out.append(ascii: #","state":"#)
        append(string: error.state, to: &out)
        out.append(ascii: #","message":"#)
        var message: [UInt8] = []
        message.append(oneLine: error.message)
        message.withUnsafeBytes { JSONText.append(string: $0, to: &out) }
        out.append(ascii: "}")
    }

    static func appendHead(_ columns: [Column], to out: inout [UInt8]) {
        out.append(ascii: #"{"columns":["#)
        for (index, column) in columns.enumerated() {
            out.append(ascii: index == 0 ? #"{"name":"# : #",{"name":"#)
            column.name.withUnsafeBytes { JSONText.append(string: $0, to: &out) }
            out.append(ascii: #","type":"#)
            append(string: column.type.rawValue, to: &out)
            if column.type.jsonForm == .base64 { out.append(ascii: #","encoding":"base64""#) }
            out.append(ascii: "}")
        }
        out.append(ascii: #"],"rows":["#)
    }

    /// A value of a row; nil is NULL.
    static func append(_ bytes: UnsafeRawBufferPointer?, as form: ColumnType.JSONForm, to out: inout [UInt8]) {
        guard let bytes else { return out.append(ascii: "null") }
        switch form {
        case .number: JSONText.append(number: bytes, to: &out)
        case .bits: append(bits: bytes, to: &out)
        case .string: JSONText.append(string: bytes, to: &out)
        case .base64:
            out.append(.quote)
            out.append(base64: bytes)
            out.append(.quote)
        }
    }

    /// A BIT is at most 64 bits long.
    private static func append(bits bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        out.append(decimal: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    private static func append(name: String, to out: inout [UInt8]) {
        append(string: name, to: &out)
        out.append(ascii: ":")
    }

    private static func append(string: String, to out: inout [UInt8]) {
        var string = string
        string.withUTF8 { JSONText.append(string: UnsafeRawBufferPointer($0), to: &out) }
    }
}

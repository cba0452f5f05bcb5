/// A column, as far as its values are compared.
package struct ColumnShape: Hashable, Sendable {
    package let name: String
    /// MariaDB's `data_type`, in lower case: `int`, `varchar`, …
    package let type: String
    /// Of a text column.
    package let characterSet: String?
    package let collation: String?

    package init(name: String, type: String, characterSet: String? = nil, collation: String? = nil) {
        self.name = name
        self.type = type
        self.characterSet = characterSet
        self.collation = collation
    }

    /// How a value is written so that equal texts are equal values.
    private enum Form {
        case plain
        case number
        /// A `FLOAT` prints six digits; as a DOUBLE it prints all that tell it from any other.
        case floating
        /// By number: the text of a wrong value and that of an empty one are alike.
        case member
        case text
        case binary
        /// Any length: its digest stands for it.
        case large
        case other
    }

    private var form: Form {
        switch type {
        case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year": .number
        case "date", "time", "datetime", "timestamp", "uuid", "inet6",
            "inet4":
            .plain
        case "float", "double": .floating
        case "enum", "set", "bit": .member
        case "char", "varchar": .text
        case "binary", "varbinary": .binary
        case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob", "json": .large
        default: .other
        }
    }

    /// The value, its length before it, so that no two rows are written alike; `N` for NULL.
    var checksumPart: String {
        let name = TableName.quoted(name)
        let value =
            switch form {
            case .plain, .number: name
            case .floating: "\(name)+0e0"
            case .member: "\(name)+0"
            case .text, .binary: "CAST(\(name) AS BINARY)"
            case .large: "MD5(\(name))"
            case .other: "HEX(\(name))"
            }
        return "COALESCE(CONCAT(LENGTH(\(value)),':',\(value)),'N')"
    }

    /// Whether a table can be cut by this column's order: its values can be written so that MariaDB finds the very same place again.
    package var orders: Bool {
        switch form {
        case .plain, .number, .binary: true
        case .text: characterSet != nil && collation != nil
        case .floating, .member, .large, .other: false
        }
    }

    /// The value as a part of a `Key`.
    var keyExpression: String {
        let name = TableName.quoted(name)
        return form == .text || form == .binary ? "HEX(\(name))" : name
    }

    /// A part of a `Key` as SQL; nil when it is none: whoever sent it can't be trusted with more.
    func literal(_ part: String) -> String? {
        switch form {
        case .text:
            guard let characterSet, let collation, part.isHexadecimal, part.utf8.count % 2 == 0 else { return nil }
            return "_\(characterSet) X'\(part)' COLLATE \(collation)"
        case .binary: return part.isHexadecimal && part.utf8.count % 2 == 0 ? "X'\(part)'" : nil
        // In quotes it would be compared as a floating-point number.
        case .number: return !part.isEmpty && part.utf8.allSatisfy(Self.isOfNumber) ? part : nil
        case .plain: return !part.isEmpty && part.utf8.allSatisfy(Self.isPlain) ? "'\(part)'" : nil
        case .floating, .member, .large, .other: return nil
        }
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    /// Digits, and what stands between those of numbers, times, UUIDs and addresses.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: " "): true
        default: false
        }
    }

    /// A part of a `Key` for people.
    func shown(_ part: String) -> String {
        guard form == .text || form == .binary else { return part }
        let bytes = part.hexadecimalBytes
        guard form == .text, let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return "0x\(part)" }
        return "'\(text)'"
    }
}

extension String {
    fileprivate var isHexadecimal: Bool { utf8.allSatisfy { Self.digit($0) != nil } }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    fileprivate var hexadecimalBytes: [UInt8] {
        let digits = utf8.compactMap(Self.digit)
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

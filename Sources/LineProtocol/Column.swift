/// A column of a result set.
package struct Column: Equatable, Sendable {
    /// As the database gives it: any bytes, UTF-8 as a rule.
    package let name: [UInt8]
    package let type: ColumnType

    package init(name: [UInt8], type: ColumnType) {
        self.name = name
        self.type = type
    }

    /// A column of text that the node itself makes up.
    package init(_ name: String) { self.init(name: Array(name.utf8), type: .varchar) }
}

/// The type of a column; the raw value is its SQL name, as JSON replies tell it.
package enum ColumnType: String, CaseIterable, Sendable {
    case tinyint, smallint, mediumint, int, bigint, year
    case decimal, float, double
    case bit
    case date, time, datetime, timestamp
    case char, varchar, text, json
    case `enum`, set
    case binary, varbinary, blob, geometry
    /// Of an expression that is always NULL.
    case null

    /// How a value of the type is written in JSON.
    enum JSONForm {
        /// The digits as the database prints them.
        case number
        /// The bytes are a big-endian number.
        case bits
        case string
        case base64
    }

    var jsonForm: JSONForm {
        switch self {
        case .tinyint, .smallint, .mediumint, .int, .bigint, .year, .decimal, .float, .double: .number
        case .bit: .bits
        case .date, .time, .datetime, .timestamp, .char, .varchar, .text, .json, .enum, .set, .null: .string
        case .binary, .varbinary, .blob, .geometry: .base64
        }
    }
}

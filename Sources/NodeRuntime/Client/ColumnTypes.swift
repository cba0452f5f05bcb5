import LineProtocol
import MySQLProtocol

extension ColumnDefinition {
    private static let binaryCharset: UInt16 = 63
    private static let enumFlag: UInt16 = 256
    private static let setFlag: UInt16 = 2048

    /// The type as replies tell it.
    ///
    /// Source of the numbers: https://mariadb.com/kb/en/result-set-packets/#field-types
    var replyType: ColumnType {
        switch type {
        case 0, 246: .decimal
        case 1: .tinyint
        case 2: .smallint
        case 3: .int
        case 4: .float
        case 5: .double
        case 6: .null
        case 7, 17: .timestamp
        case 8: .bigint
        case 9: .mediumint
        case 10, 14: .date
        case 11, 19: .time
        case 12, 18: .datetime
        case 13: .year
        case 16: .bit
        case 245: .json
        case 247: .enum
        case 248: .set
        case 255: .geometry
        case 249, 250, 251, 252: charset == Self.binaryCharset ? .blob : .text
        case 254: fixedString
        default: charset == Self.binaryCharset ? .varbinary : .varchar
        }
    }

    private var fixedString: ColumnType {
        if flags & Self.enumFlag != 0 { return .enum }
        if flags & Self.setFlag != 0 { return .set }
        return charset == Self.binaryCharset ? .binary : .char
    }
}

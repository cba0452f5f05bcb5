/// Rows of text as a server sends them to a client that knows EOF packets.
///
/// Source: https://mariadb.com/kb/en/result-set-packets/
package struct TextResultSet: Sendable, Equatable {
    package var columns: [String]
    /// As many values a row as there are columns; nil is NULL.
    package var rows: [[[UInt8]?]]

    private static let varString: UInt8 = 0xfd
    private static let utf8: UInt16 = 33

    package init(columns: [String], rows: [[[UInt8]?]]) {
        self.columns = columns
        self.rows = rows
    }

    /// The packets, framed; `sequence` counts on.
    package func framed(sequence: inout UInt8) -> [UInt8] {
        var output: [UInt8] = []
        var count: [UInt8] = []
        count.append(lengthEncoded: UInt64(columns.count))
        for payload in [count] + columns.map(Self.definition) + [EOFPacket.payload] + rows.map(Self.row) + [EOFPacket.payload] {
            payload.withUnsafeBytes { PacketWriter.frame($0, sequence: &sequence, into: &output) }
        }
        return output
    }

    private static func definition(_ name: String) -> [UInt8] {
        var bytes: [UInt8] = []
        // Catalog, schema, table, its real name; the column's name, and its real name, which an expression has none of.
        for text in ["def", "", "", "", name, ""] { bytes.append(lengthEncoded: Array(text.utf8)) }
        bytes.append(0x0c)
        bytes.append(littleEndian: utf8)
        bytes.append(littleEndian: UInt32(1024))
        bytes.append(varString)
        bytes.append(contentsOf: [0, 0, 0, 0, 0])
        return bytes
    }

    private static func row(_ values: [[UInt8]?]) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in values {
            if let value { bytes.append(lengthEncoded: value) } else { bytes.append(0xfb) }
        }
        return bytes
    }
}

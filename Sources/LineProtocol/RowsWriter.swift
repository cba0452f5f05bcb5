package import ClusterModel

/// Writes one result set: for each row `beginRow`, a `field` for each column, `endRow`; then `end` or `failed`, once.
///
/// Nothing is kept but the columns' types, so a result of any size can be streamed.
package struct RowsWriter: Sendable {
    /// Rows written so far.
    package private(set) var rows: UInt64 = 0

    private let format: ReplyFormat
    private let forms: [ColumnType.JSONForm]
    private var field = 0

    init(format: ReplyFormat, columns: [Column], into out: inout [UInt8]) {
        self.format = format
        self.forms = columns.map(\.type.jsonForm)
        switch format {
        case .tsv: TSV.appendHead(columns, to: &out)
        case .json: JSON.appendHead(columns, to: &out)
        }
    }

    package mutating func beginRow(into out: inout [UInt8]) {
        field = 0
        if format == .json { out.append(ascii: rows == 0 ? "[" : ",[") }
    }

    /// The next column's value as MariaDB's text protocol gives it; nil is NULL.
    package mutating func field(_ bytes: UnsafeRawBufferPointer?, into out: inout [UInt8]) {
        precondition(field < forms.count, "a row has a field for each column")
        switch format {
        case .tsv:
            if field > 0 { out.append(.tab) }
            TSV.append(bytes, to: &out)
        case .json:
            if field > 0 { out.append(.comma) }
            JSON.append(bytes, as: forms[field], to: &out)
        }
        field += 1
    }

    package mutating func endRow(into out: inout [UInt8]) {
        precondition(field == forms.count, "a row has a field for each column")
        rows += 1
        switch format {
        case .tsv: out.append(.lineFeed)
        case .json: out.append(ascii: "]")
        }
    }

    package func end(warnings: UInt64, gtid: Position?, more: Bool = false, into out: inout [UInt8]) {
        let fields = StatementFields(warnings: warnings, gtid: gtid, more: more)
        switch format {
        case .tsv:
            out.append(ascii: "\\. rows=")
            out.append(decimal: rows)
            TSV.appendEnd(of: fields, to: &out)
        case .json:
            out.append(ascii: #"],"end":{"rows":"#)
            out.append(decimal: rows)
            JSON.appendEnd(of: fields, to: &out)
            out.append(ascii: "}\n")
        }
    }

    /// The rows end here because of an error; the last row is whole.
    package func failed(_ error: ReplyError, into out: inout [UInt8]) { ReplyWriter(format: format).rowsFailed(error, into: &out) }
}

package import ClusterModel

/// Writes replies to a connection's output, in the form the connection asked for.
package struct ReplyWriter: Sendable {
    package var format: ReplyFormat

    package init(format: ReplyFormat = .tsv) { self.format = format }

    /// A statement without a result set is done.
    package func ok(_ fields: StatementFields, into out: inout [UInt8]) {
        switch format {
        case .tsv:
            out.append(ascii: "OK affected=")
            out.append(decimal: fields.affected)
            out.append(ascii: " insert_id=")
            out.append(decimal: fields.insertID)
            TSV.appendEnd(of: fields, to: &out)
        case .json:
            out.append(ascii: #"{"ok":{"affected":"#)
            out.append(decimal: fields.affected)
            out.append(ascii: #","insert_id":"#)
            out.append(decimal: fields.insertID)
            JSON.appendEnd(of: fields, to: &out)
            out.append(ascii: "}\n")
        }
    }

    /// A command is done. With no fields it is a bare `OK`.
    package func ok(_ fields: [ReplyField], into out: inout [UInt8]) {
        switch format {
        case .tsv: TSV.appendOK(fields, to: &out)
        case .json: JSON.appendOK(fields, to: &out)
        }
    }

    package func error(_ error: ReplyError, into out: inout [UInt8]) {
        switch format {
        case .tsv: TSV.append(error, to: &out)
        case .json:
            out.append(ascii: "{")
            JSON.append(error, to: &out)
            out.append(ascii: "}\n")
        }
    }

    /// Ends a result set, after a whole row or none, because of an error.
    package func rowsFailed(_ error: ReplyError, into out: inout [UInt8]) {
        switch format {
        case .tsv:
            out.append(ascii: "\\. ")
            TSV.append(error, to: &out)
        case .json:
            out.append(ascii: "],")
            JSON.append(error, to: &out)
            out.append(ascii: "}\n")
        }
    }

    /// Begins a result set: writes its head. The rows and the end are written with what is returned, before any other reply.
    package func rows(_ columns: [Column], into out: inout [UInt8]) -> RowsWriter {
        RowsWriter(format: format, columns: columns, into: &out)
    }

    /// A whole result set that the node itself makes up; nil is NULL.
    package func table(_ columns: [String], _ rows: [[String?]], gtid: Position? = nil, into out: inout [UInt8]) {
        var writer = self.rows(columns.map { Column($0) }, into: &out)
        for row in rows {
            writer.beginRow(into: &out)
            for value in row {
                guard var value else {
                    writer.field(nil, into: &out)
                    continue
                }
                value.withUTF8 { writer.field(UnsafeRawBufferPointer($0), into: &out) }
            }
            writer.endRow(into: &out)
        }
        writer.end(warnings: 0, gtid: gtid, into: &out)
    }

    /// The reply to `.help`.
    package func help(into out: inout [UInt8]) {
        table(["command", "what"], CommandHelp.all.map { [$0.usage, $0.what] }, into: &out)
    }
}

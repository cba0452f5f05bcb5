import LineProtocol

/// Shows one reply, read in the `tsv` form, event by event.
struct ReplyPrinter {
    private let format: OutputFormat
    private let out: Output
    private let errors: Output
    private var table: TableRenderer?
    private var names: [DisplayText] = []
    private var rows = 0

    /// `format` is one of those the console writes itself: JSON is passed on as the node sends it.
    init(_ format: OutputFormat, out: Output, errors: Output) {
        self.format = format
        self.out = out
        self.errors = errors
    }

    /// Shows `event`; true when it ends the reply.
    mutating func show(_ event: ReplyEvent, after elapsed: Duration) -> Bool {
        switch event {
        case .ok(let pairs): showOK(pairs, elapsed)
        case .error(let failure): showError(failure)
        case .columns(let columns):
            begin(columns)
            return false
        case .row(let row):
            show(row)
            return false
        case .end(let pairs):
            finishTable()
            showEnd(pairs, elapsed)
        case .endError(let failure):
            finishTable()
            showError(failure)
        }
        out.flush()
        return true
    }

    private var isForPeople: Bool { format == .table || format == .vertical }

    private func showOK(_ pairs: ReplyPairs, _ elapsed: Duration) {
        guard isForPeople, let affected = pairs["affected"] else {
            let words = pairs.all.map { $0.value.isEmpty ? $0.key : "\($0.key)=\($0.value)" }
            return out.write((["OK"] + words).joined(separator: " ") + "\n")
        }
        var parts = ["\(Words.count(affected, "row", "rows")) affected (\(Words.seconds(elapsed)))"]
        if let id = pairs["insert_id"], id != "0" { parts.append("insert id \(id)") }
        parts += warnings(pairs)
        if let gtid = pairs["gtid"] { parts.append("gtid \(gtid)") }
        out.write(parts.joined(separator: ", ") + "\n\n")
    }

    private mutating func begin(_ columns: [[UInt8]]) {
        switch format {
        case .table: table = TableRenderer(columns: columns)
        case .vertical:
            let texts = columns.map { DisplayText($0) }
            let width = texts.reduce(0) { max($0, $1.width) }
            names = texts.map { DisplayText([UInt8](repeating: 0x20, count: width - $0.width) + $0.bytes) }
        case .tsv, .json: writeLine(columns)
        }
    }

    private mutating func show(_ row: [[UInt8]?]) {
        rows += 1
        switch format {
        case .table: table?.add(row, to: out)
        case .vertical:
            let stars = String(repeating: "*", count: 27)
            out.write("\(stars) \(rows). row \(stars)\n")
            for (name, value) in zip(names, row) {
                out.write(name.bytes)
                out.write(": ")
                out.write(value.map { DisplayText($0).bytes } ?? Array("NULL".utf8))
                out.write("\n")
            }
        case .tsv, .json: writeLine(row)
        }
    }

    /// An empty result has no frame.
    private mutating func finishTable() {
        if rows > 0 { table?.finish(to: out) }
    }

    private func writeLine(_ values: [[UInt8]?]) {
        var line: [UInt8] = []
        for (index, value) in values.enumerated() {
            if index > 0 { line.append(0x09) }
            if let value { value.withUnsafeBytes { TSV.append($0, to: &line) } } else { TSV.append(nil, to: &line) }
        }
        line.append(0x0A)
        out.write(line)
    }

    private func showEnd(_ pairs: ReplyPairs, _ elapsed: Duration) {
        guard isForPeople else { return }
        let count = rows == 0 ? "empty set" : "\(Words.count(String(rows), "row", "rows")) in set"
        out.write((["\(count) (\(Words.seconds(elapsed)))"] + warnings(pairs)).joined(separator: ", ") + "\n")
        if table?.hasCut == true { out.write("values wider than \(TableRenderer.valueWidthMax) columns are cut; \\G shows them whole\n") }
        out.write("\n")
    }

    private func warnings(_ pairs: ReplyPairs) -> [String] {
        guard let count = pairs["warnings"], count != "0" else { return [] }
        return [Words.count(count, "warning", "warnings")]
    }

    private func showError(_ failure: ReplyFailure) {
        out.flush()
        errors.write("ERROR \(failure.code) (\(failure.state)): ")
        errors.write(DisplayText(failure.message).bytes)
        errors.write("\n")
        errors.flush()
    }
}

enum Words {
    static func count(_ number: String, _ one: String, _ many: String) -> String { "\(number) \(number == "1" ? one : many)" }

    /// In thousandths of a second.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let thousandths = String(attoseconds / 1_000_000_000_000_000)
        return "\(seconds).\(String(repeating: "0", count: 3 - thousandths.count))\(thousandths) s"
    }
}

/// The tables of a benchmark, for people and for programs.
package struct ResultTable: Sendable {
    private let measurements: Measurements
    private let comparisons: [Comparison]

    package init(_ measurements: Measurements) {
        self.measurements = measurements
        comparisons = measurements.rows.compactMap { Comparison($0, in: measurements) }
    }

    // MARK: Markdown

    package var markdown: String {
        [facts, comparisonTable, costTable, limitTable].filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private var facts: String {
        measurements.facts.map { "- \($0.what): \($0.words)" }.joined(separator: "\n")
    }

    private var comparisonTable: String {
        table(
            head: ["name", "what", "unit", "ddbnode", "other side", "against", "ratio", "wanted", ""],
            rows: comparisons.map { comparison in
                let row = comparison.row
                return [
                    "`\(row.name)`", row.what, row.unit, shown(comparison.ddbnode), comparison.against.map(shown) ?? "", row.against ?? "",
                    comparison.ratio.map(shown) ?? "", wanted(row), comparison.verdict.rawValue,
                ]
            })
    }

    private var costTable: String {
        var lines: [(key: [String], numbers: [Double])] = []
        for cost in measurements.costs {
            let key = [cost.name, cost.side, cost.process]
            if let index = lines.firstIndex(where: { $0.key == key }) {
                lines[index].numbers.append(cost.number)
            } else {
                lines.append((key, [cost.number]))
            }
        }
        return table(
            head: ["name", "side", "process", "CPU a request, µs"],
            rows: lines.map { line in
                ["`\(line.key[0])`", line.key[1], line.key[2], Spread(line.numbers).map(shown) ?? ""]
            })
    }

    private var limitTable: String {
        table(
            head: ["limit", "what", "", "seen"],
            rows: measurements.limits.map { ["`\($0.name)`", $0.what, $0.passed ? "pass" : "FAIL", $0.words] })
    }

    private func table(head: [String], rows: [[String]]) -> String {
        guard !rows.isEmpty else { return "" }
        let lines = [head, head.map { _ in "---" }] + rows
        return lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }

    private func wanted(_ row: Measurements.Row) -> String {
        guard let target = row.target else { return "" }
        return "\(row.better == .higher ? "≥" : "≤") \(short(target))"
    }

    /// The median, and the range it comes from.
    private func shown(_ spread: Spread) -> String {
        spread.low == spread.high ? short(spread.median) : "\(short(spread.median)) [\(short(spread.low))–\(short(spread.high))]"
    }

    // MARK: JSON

    package var json: String {
        let facts = measurements.facts.map { "{\"what\":\(quoted($0.what)),\"words\":\(quoted($0.words))}" }
        let costs = measurements.costs.map {
            "{\"name\":\(quoted($0.name)),\"side\":\(quoted($0.side)),\"process\":\(quoted($0.process)),\"cpu_us\":\(decimal($0.number, places: 3))}"
        }
        let limits = measurements.limits.map {
            "{\"name\":\(quoted($0.name)),\"what\":\(quoted($0.what)),\"passed\":\($0.passed),\"seen\":\(quoted($0.words))}"
        }
        return """
            {"facts":[\(facts.joined(separator: ",\n"))],
            "comparisons":[\(comparisons.map(object).joined(separator: ",\n"))],
            "costs":[\(costs.joined(separator: ",\n"))],
            "limits":[\(limits.joined(separator: ",\n"))]}

            """
    }

    private func object(_ comparison: Comparison) -> String {
        let row = comparison.row
        let members = [
            ("name", quoted(row.name)), ("what", quoted(row.what)), ("unit", quoted(row.unit)), ("better", quoted(row.better.rawValue)),
            ("against", row.against.map(quoted) ?? "null"), ("target", row.target.map { decimal($0, places: 3) } ?? "null"),
            ("ddbnode", object(comparison.ddbnode)), ("other", object(comparison.against)), ("ratio", object(comparison.ratio)),
            ("verdict", quoted(comparison.verdict.rawValue)),
        ]
        return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private func object(_ spread: Spread?) -> String {
        guard let spread else { return "null" }
        func text(_ number: Double) -> String { decimal(number, places: 6) }
        return "{\"median\":\(text(spread.median)),\"low\":\(text(spread.low)),\"high\":\(text(spread.high))}"
    }
}

/// Three digits or so, which is as much as a benchmark knows.
private func short(_ number: Double) -> String {
    let places = abs(number) >= 100 ? 0 : abs(number) >= 10 ? 1 : abs(number) >= 0.1 ? 2 : 3
    return decimal(number, places: places)
}

import Testing

@testable import LoadGeneratorCore

@Suite struct ResultTests {
    private let text = """
        fact\tmachine\ttwo cores
        row\tfast\tselects\tdirect\t1/s\thigher\t0.9
        row\tslow\tlag\tnative\tms\tlower\t2
        row\tstart\tfirst start\t-\ts\tlower\t4
        row\tgone\tnever ran\tnative\ts\tlower\t4
        value\tfast\tddbnode\t1\t90
        value\tfast\tagainst\t1\t100
        value\tfast\tddbnode\t2\t120
        value\tfast\tagainst\t2\t100
        value\tfast\tddbnode\t3\t40
        value\tfast\tagainst\t3\t50
        value\tslow\tddbnode\t1\t5
        value\tslow\tagainst\t1\t2
        value\tstart\tddbnode\t1\t3.5
        value\tgone\tddbnode\t1\t3.5
        cost\tfast\tddbnode\tnode\t20.5
        cost\tfast\tddbnode\tnode\t22.5
        limit\tlimits-idle\tmany\tpass\trss 80 MB

        """

    private func comparisons() throws -> [Comparison] {
        let measurements = try Measurements(text)
        return measurements.rows.compactMap { Comparison($0, in: measurements) }
    }

    @Test func `a ratio is the median of the pairs' ratios`() throws {
        let fast = try #require(try comparisons().first)
        #expect(fast.ddbnode == Spread([90, 120, 40]))
        #expect(fast.ratio?.median == 0.9 && fast.ratio?.low == 0.8 && fast.ratio?.high == 1.2)
        #expect(fast.verdict == .ok)
    }

    @Test func `less is better where the row says so`() throws {
        let all = try comparisons()
        #expect(all.map(\.row.name) == ["fast", "slow", "start"])
        #expect(all.map(\.verdict) == [.ok, .short, .ok])
    }

    @Test func `the table shows medians, ranges and what was wanted`() throws {
        let markdown = ResultTable(try Measurements(text)).markdown
        #expect(markdown.contains("| `fast` | selects | 1/s | 90.0 [40.0–120] | 100 [50.0–100] | direct | 0.90 [0.80–1.20] | ≥ 0.90 | ok |"))
        #expect(markdown.contains("| `start` | first start | s | 3.50 |  |  |  | ≤ 4.00 | ok |"))
        #expect(markdown.contains("| `fast` | ddbnode | node | 21.5 [20.5–22.5] |"))
        #expect(markdown.contains("| `limits-idle` | many | pass | rss 80 MB |"))
    }

    @Test func `the JSON has the same`() throws {
        let json = ResultTable(try Measurements(text)).json
        #expect(json.contains(#""name":"fast""#) && json.contains(#""ratio":{"median":0.900000,"low":0.800000,"high":1.200000}"#))
        #expect(json.contains(#""other":null,"ratio":null,"verdict":"ok"}"#))
    }

    @Test func `a line of another form is refused`() {
        #expect(throws: Measurements.Unreadable(line: "value\tx\tddbnode\tone\t2")) { try Measurements("value\tx\tddbnode\tone\t2") }
        #expect(throws: Measurements.Unreadable(line: "what")) { try Measurements("what") }
    }

    @Test func `a report is a line of JSON, or a line a figure`() {
        var report = Report()
        report.add("answered", .count(12))
        report.add("p50_us", .measure(1.5))
        report.add("first_failure", .text("a \"b\"\n"))
        #expect(report.json == #"{"answered":12,"p50_us":1.500,"first_failure":"a \"b\"\u000a"}"#)
        #expect(report.text == "answered       12\np50_us         1.500\nfirst_failure  a \"b\"\n")
    }

    @Test(arguments: [(0.0, 2, "0.00"), (1.005, 0, "1"), (12.345, 1, "12.3"), (-0.26, 1, "-0.3"), (0.996, 2, "1.00"), (.infinity, 2, "0")])
    func `decimals are rounded`(number: Double, places: Int, text: String) {
        #expect(decimal(number, places: places) == text)
    }
}

/// Named figures of one run, in the order in which they are to be read.
package struct Report: Sendable {
    package enum Figure: Sendable, Equatable {
        case count(UInt64)
        case measure(Double)
        case text(String)
    }

    private var figures: [(name: String, figure: Figure)] = []

    package init() {}

    package subscript(_ name: String) -> Figure? { figures.first { $0.name == name }?.figure }

    /// The unit is the end of the name: `p99_us`, `seconds`, `per_s`.
    package mutating func add(_ name: String, _ figure: Figure) { figures.append((name, figure)) }

    /// A histogram of nanoseconds, told in microseconds: the percentiles one looks at, and the whole distribution in nothing longer than a line.
    package mutating func add(latency histogram: Histogram, prefix: String = "") {
        let points: [(name: String, fraction: Double)] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)]
        for point in points { add("\(prefix)\(point.name)_us", .measure(Double(histogram.value(at: point.fraction)) / 1000)) }
        add("\(prefix)max_us", .measure(Double(histogram.max) / 1000))
    }

    /// One line of JSON.
    package var json: String {
        "{" + figures.map { "\(quoted($0.name)):\(jsonValue($0.figure))" }.joined(separator: ",") + "}"
    }

    /// A line a figure.
    package var text: String {
        let width = figures.map(\.name.count).max() ?? 0
        return figures.map { $0.name + String(repeating: " ", count: width - $0.name.count + 2) + plain($0.figure) }.joined(separator: "\n")
    }

    private func jsonValue(_ figure: Figure) -> String {
        if case .text(let text) = figure { return quoted(text) }
        return plain(figure)
    }

    private func plain(_ figure: Figure) -> String {
        switch figure {
        case .count(let number): String(number)
        case .measure(let number): decimal(number, places: 3)
        case .text(let text): text
        }
    }
}

/// A number with that many places after the point, of up to nine.
package func decimal(_ number: Double, places: Int) -> String {
    guard number.isFinite, abs(number) < 1e9 else { return number.isFinite ? "\(number)" : "0" }
    let scale = (0..<places).reduce(1) { scale, _ in scale * 10 }
    let scaled = Int((abs(number) * Double(scale)).rounded())
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
}

/// A JSON string.
package func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case _ where scalar.value < 0x20: result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

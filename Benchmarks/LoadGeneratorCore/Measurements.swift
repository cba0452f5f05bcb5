/// What the runs of a benchmark came to, as its script wrote it down: a line an item, tabs between its fields.
///
/// ```
/// fact   what           words
/// row    name  what  against  unit  higher|lower  target
/// value  name  ddbnode|against  pair  number
/// cost   name  side  process  number            microseconds of CPU a request
/// limit  name  what  pass|FAIL  words
/// ```
/// `against` is `-` where a figure is held to the target itself, `target` is `-` where there is none.
package struct Measurements: Sendable {
    package enum Better: String, Sendable {
        case higher
        case lower
    }

    package enum Side: String, Sendable {
        case ddbnode
        case against
    }

    package struct Row: Sendable {
        package let name: String
        package let what: String
        /// What it is compared with; nil where it stands for itself.
        package let against: String?
        package let unit: String
        package let better: Better
        /// Of the ratio, or of the figure where there is no other side.
        package let target: Double?
    }

    package struct Value: Sendable {
        package let name: String
        package let side: Side
        /// Which two runs belong together.
        package let pair: Int
        package let number: Double
    }

    package struct Cost: Sendable {
        package let name: String
        package let side: String
        package let process: String
        package let number: Double
    }

    package struct Limit: Sendable {
        package let name: String
        package let what: String
        package let passed: Bool
        package let words: String
    }

    /// The line that could not be read.
    package struct Unreadable: Error, Equatable {
        package let line: String
    }

    package private(set) var facts: [(what: String, words: String)] = []
    package private(set) var rows: [Row] = []
    package private(set) var values: [Value] = []
    package private(set) var costs: [Cost] = []
    package private(set) var limits: [Limit] = []

    package init(_ text: String) throws(Unreadable) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
            guard let kind = fields.first, take(kind, Array(fields.dropFirst())) else { throw Unreadable(line: String(line)) }
        }
    }

    private mutating func take(_ kind: String, _ fields: [String]) -> Bool {
        switch (kind, fields.count) {
        case ("fact", 2): facts.append((fields[0], fields[1]))
        case ("row", 6): return takeRow(fields)
        case ("value", 4): return takeValue(fields)
        case ("cost", 4): return takeCost(fields)
        case ("limit", 4): limits.append(Limit(name: fields[0], what: fields[1], passed: fields[2] == "pass", words: fields[3]))
        default: return false
        }
        return true
    }

    private mutating func takeRow(_ fields: [String]) -> Bool {
        guard let better = Better(rawValue: fields[4]) else { return false }
        let target = Double(fields[5])
        guard target != nil || fields[5] == "-" else { return false }
        rows.append(
            Row(
                name: fields[0], what: fields[1], against: fields[2] == "-" ? nil : fields[2], unit: fields[3], better: better, target: target))
        return true
    }

    private mutating func takeValue(_ fields: [String]) -> Bool {
        guard let side = Side(rawValue: fields[1]), let pair = Int(fields[2]), let number = Double(fields[3]) else { return false }
        values.append(Value(name: fields[0], side: side, pair: pair, number: number))
        return true
    }

    private mutating func takeCost(_ fields: [String]) -> Bool {
        guard let number = Double(fields[3]) else { return false }
        costs.append(Cost(name: fields[0], side: fields[1], process: fields[2], number: number))
        return true
    }
}

/// What came out, counted.
package struct Tally: Sendable {
    package private(set) var files = 0
    package private(set) var statements = 0
    package private(set) var alike = 0
    /// By the node's code; with the first statement of each.
    package private(set) var refused: [String: (count: Int, example: String)] = [:]
    /// By reason.
    package private(set) var known: [String: Int] = [:]
    package private(set) var differences = 0
    package private(set) var stopped: [String] = []

    package init() {}

    package enum Judgement: Equatable, Sendable {
        case alike
        case refused(String)
        case known(String)
        case different
    }

    package mutating func judged(_ judgement: Judgement, _ statement: String) {
        statements += 1
        switch judgement {
        case .alike: alike += 1
        case .refused(let code): refused[code] = ((refused[code]?.count ?? 0) + 1, refused[code]?.example ?? String(statement.prefix(80)))
        case .known(let reason): known[reason, default: 0] += 1
        case .different: differences += 1
        }
    }

    package mutating func ended(file: String, slavesAreWell: Bool) {
        files += 1
        if !slavesAreWell { stopped.append(file) }
    }

    /// No slave stopped or differed, and nothing was answered otherwise without a reason.
    package var isClean: Bool { differences == 0 && stopped.isEmpty && statements > 0 }

    package var lines: [String] {
        var lines = ["\(files) files, \(statements) statements: \(alike) alike, \(differences) different without a reason"]
        for (code, entry) in refused.sorted(by: { $0.value.count > $1.value.count }) {
            lines.append("refused \(code): \(entry.count), such as \(entry.example.map { $0.isNewline ? " " : String($0) }.joined())")
        }
        for (reason, count) in known.sorted(by: { $0.value > $1.value }) { lines.append("known: \(count), \(reason)") }
        for file in stopped { lines.append("SLAVES STOPPED OR DIFFER after \(file)") }
        return lines
    }
}

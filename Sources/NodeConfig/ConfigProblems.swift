/// One thing that is wrong with a configuration.
package struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// The file, as it was named; nil for flags and for what was given nowhere.
    package let source: String?
    /// Where in the file, from 1; nil where no one line is to blame.
    package let line: Int?
    /// Where in the line, in characters from 1.
    package let column: Int?
    /// The path of the key (`limits.lineBytes`) or the flag (`--listen`); nil where the file as a whole is wrong.
    package let key: String?
    /// What is wrong, and what to do.
    package let message: String

    init(source: String? = nil, place: Place? = nil, key: String? = nil, message: String) {
        self.source = source
        self.line = place?.line
        self.column = place?.column
        self.key = key
        self.message = message
    }

    /// `node.json:12: limits.lineBytes: must be 1024 to 1073741824, is "many"`; without a key, the column follows the line.
    package var description: String {
        let place = [source, line.map(String.init), key == nil ? column.map(String.init) : nil].compactMap(\.self).joined(separator: ":")
        return [place.isEmpty ? nil : place, key, message].compactMap(\.self).joined(separator: ": ")
    }
}

/// All that is wrong with a configuration, in the order of the file; never empty.
package struct ConfigProblems: Error, Sendable, Equatable, CustomStringConvertible {
    /// The most that are listed; a count stands for the others.
    package static let listedMax = 100

    package let problems: [Problem]

    init(_ problems: [Problem]) {
        self.problems = problems.enumerated().sorted {
            ($0.element.line ?? .max, $0.element.column ?? .max, $0.offset) < ($1.element.line ?? .max, $1.element.column ?? .max, $1.offset)
        }.map(\.element)
    }

    /// A problem a line, without a line break at the end.
    package var description: String {
        let listed = problems.prefix(Self.listedMax).map(\.description)
        let others = problems.count - listed.count
        return (listed + (others > 0 ? ["and \(others) more problems"] : [])).joined(separator: "\n")
    }
}

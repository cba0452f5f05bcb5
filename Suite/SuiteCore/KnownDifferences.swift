/// Differences that are meant, or of no account: a list in a file, each with its reason.
///
/// A line is `file | text | reason`: the file's path ends so (`*`: any), and the statement holds the text, whatever the case (`*`: any statement of the file). Lines that
/// begin with `#` are comments.
package struct KnownDifferences: Sendable {
    private struct Entry: Sendable {
        let file: String
        let text: String
        let reason: String
    }

    /// A line that can't be read.
    package struct Problem: Error, Equatable {
        package let line: Int

        package init(line: Int) { self.line = line }
    }

    private let entries: [Entry]

    package init(_ text: String) throws(Problem) {
        var entries: [Entry] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            let fields = line.split(separator: "|", maxSplits: 2).map { String($0.trimmingBlanks) }
            guard fields.count == 3, fields.allSatisfy({ !$0.isEmpty }) else { throw Problem(line: number + 1) }
            entries.append(Entry(file: fields[0], text: fields[1].lowercased(), reason: fields[2]))
        }
        self.entries = entries
    }

    /// Why the statement may be answered differently; nil: it may not.
    package func reason(file: String, statement: String) -> String? {
        let statement = statement.lowercased()
        return entries.first { ($0.file == "*" || file.hasSuffix($0.file)) && ($0.text == "*" || statement.contains($0.text)) }?.reason
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}

import Foundation
import StatementGate
import Testing

struct StatementRulesTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Docs/StatementRules.md").standardized

    @Test func `the documentation says what the rules do`() throws {
        let markdown = statementRulesMarkdown()
        if ProcessInfo.processInfo.environment["DDBNODE_WRITE_DOCS"] == "1" {
            try FileManager.default.createDirectory(at: Self.file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(markdown.utf8).write(to: Self.file)
        }
        let written = try String(decoding: Data(contentsOf: Self.file), as: UTF8.self)
        #expect(written == markdown, "run the tests once with DDBNODE_WRITE_DOCS=1 to write \(Self.file.path())")
    }

    @Test func `the documentation has a row for every class and every code`() {
        let markdown = statementRulesMarkdown()
        for rule in RuleTable.rules { #expect(markdown.contains("| \(rule.title) |")) }
        for code in RefusalCode.allCases { #expect(markdown.contains("| `\(code.rawValue)` |")) }
    }
}

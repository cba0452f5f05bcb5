import Foundation
import LineProtocol
import Testing

/// `Docs/ClientProtocol.md` says what the code does: its tables are the code's.
@Suite struct DocumentationTests {
    @Test func `every error code is in the documentation, and no other`() throws {
        #expect(
            try table(headed: "| code | SQLSTATE | meaning |")
                == ProtocolErrorCode.allCases.map { "| `\($0.rawValue)` | `\($0.state)` | \($0.meaning) |" })
    }

    @Test func `every command is in the documentation, as help tells it`() throws {
        let rows = try table(headed: "| command | what | reply |")
        #expect(rows.count == CommandHelp.all.count)
        for (row, command) in zip(rows, CommandHelp.all) {
            #expect(row.hasPrefix("| `\(command.usage.replacing("|", with: "\\|"))` | \(command.what) | "))
        }
    }

    @Test func `every column type is in the documentation`() throws {
        let document = try document()
        #expect(ColumnType.allCases.allSatisfy { document.contains("`\($0.rawValue)`") })
    }

    @Test func `a SQLSTATE has five characters`() {
        #expect(ProtocolErrorCode.allCases.allSatisfy { $0.state.utf8.count == 5 })
    }
}

/// The rows below the header and its rule.
private func table(headed header: String) throws -> [String] {
    let lines = try document().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex(of: header))
    return Array(lines[(start + 2)...].prefix { $0.hasPrefix("|") })
}

private func document() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent("Docs/ClientProtocol.md"), encoding: .utf8)
}

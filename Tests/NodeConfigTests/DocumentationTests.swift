import ClusterModel
import Testing

@testable import NodeConfig

/// Holds `Docs/Configuration.md` and `node.json.example` to the list of the keys.
@Suite struct DocumentationTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    private func text(_ name: String) throws -> String {
        String(decoding: try FileContent.read("\(Self.root)/\(name)", bytesMax: 1 << 20).bytes, as: UTF8.self)
    }

    private func row(_ key: SettingKey) -> String {
        let name = "`\(key.path)`" + (key.flag.map { ", `\($0.name)`" } ?? "")
        let fallback = key.fallback.replacing("<", with: "\\<")
        return "| \(name) | \(key.values) | \(fallback) | \(key.isReloadable ? "yes" : "no") | \(key.meaning) |"
    }

    @Test func `the table of the documentation is the list of the keys`() throws {
        let expected = SettingKey.all.map(row)
        let written = try text("Docs/Configuration.md").split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        #expect(written == expected, "the table should be:\n\(expected.joined(separator: "\n"))")
    }

    @Test func `the commented example of the documentation names every key`() throws {
        let document = try text("Docs/Configuration.md")
        let block = try #require(document.split(separator: "```jsonc\n").last?.split(separator: "```").first)
        let (value, problems) = JSONReader.read(Array(block.utf8))
        #expect(Set(paths(of: try #require(value))) == Set(SettingKey.all.map(\.path)))
        #expect(problems.allSatisfy { $0.message.hasPrefix("JSON has no comments") })
    }

    @Test func `the example has every key in the order of the list`() throws {
        let value = try #require(JSONReader.read(Array(try text("node.json.example").utf8)).value)
        #expect(paths(of: value) == SettingKey.all.map(\.path))
    }

    @Test func `the example is valid, silent, and all defaults but for one option`() throws {
        var settings = try NodeSettings.load(file: "\(Self.root)/node.json.example", flags: Flags()).get()
        #expect(settings.warnings == [])
        #expect(settings.database.options == [DatabaseOption(name: "innodb_buffer_pool_size", value: "256M")])
        settings.database.options = []
        #expect(settings == NodeSettings(role: .master))
    }

    private func paths(of value: JSONValue) -> [String] {
        guard case .object(let members) = value.content else { return [] }
        return members.flatMap { member in
            if case .object(let inner) = member.value.content { inner.map { "\(member.name).\($0.name)" } } else { [member.name] }
        }
    }
}

import Testing

@testable import NodeConfig

@Suite struct JSONReaderTests {
    private func problems(_ text: String) -> [String] {
        JSONReader.read(Array(text.utf8)).problems.map { "\($0.place.line):\($0.place.column): \($0.message)" }
    }

    private func content(_ text: String) -> String {
        let (value, problems) = JSONReader.read(Array(text.utf8))
        guard let value, problems.isEmpty else { return "problems" }
        return render(value.content)
    }

    private func render(_ content: JSONValue.Content) -> String {
        switch content {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let text): text
        case .string(let text): "'\(text)'"
        case .array(let items): "[" + items.map { render($0.content) }.joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { "\($0.name)=\(render($0.value.content))" }.joined(separator: ",") + "}"
        }
    }

    @Test func `every kind of value is read`() {
        #expect(content(" {\"a\": [1, -0.5e+3, true, false, null, {}], \"ü\": \"x\"}\r\n") == "{a=[1,-0.5e+3,true,false,null,{}],ü='x'}")
    }

    @Test func `escapes are resolved, pairs of units to one character`() {
        #expect(content(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00""#) == "'\"\\/\u{8}\u{C}\n\r\té😀'")
    }

    @Test(arguments: ["01", "1.", ".5", "+1", "1e", "- 1", "1a", "0x10", "NaN", "-", "tru", "True", "truex"])
    func `what is no number or literal is refused`(text: String) {
        #expect(!problems(text).isEmpty)
    }

    @Test(arguments: [#""\ud800""#, #""\ude00""#, #""\ud800\u0041""#, #""\u12""#, #""\u+123""#, #""\x""#, "\"a\tb\"", "\"a", "\"a\nb\"", "\"\\"])
    func `a bad string is refused`(text: String) {
        #expect(problems(text).count == 1)
    }

    @Test(arguments: ["", "{", "[", "[1", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "{} {}", "{,}", "[,1]", "/", "{\"a\":1"])
    func `a broken text is refused`(text: String) {
        #expect(!problems(text).isEmpty)
    }

    @Test func `a place is a line and a character`() {
        #expect(problems("{\n  \"ü\": x}") == ["2:8: expected a value, found \"x\" (text stands in double quotes)"])
    }

    @Test func `columns are right after every kind of value`() {
        let text = #"["é\u00e9\n", -1.5, true, null, {"日本": "😀"}, x]"#
        #expect(problems(text).first?.hasPrefix("1:46: ") == true, "\(problems(text))")
    }

    @Test func `habits are refused together and stepped over`() {
        let text = """
            { // one
              "a": 1, /* two
              */ "a": 2, # three
              "b": [1,],
            }
            """
        #expect(JSONReader.read(Array(text.utf8)).value != nil)
        let comment = "JSON has no comments: take this one out (a key that is null counts as not given)"
        #expect(
            problems(text) == [
                "1:3: \(comment)", "2:11: \(comment)",
                "3:6: the key \"a\" is already on line 2: keep one of the two", "3:14: \(comment)",
                "4:10: a comma before \"]\": take it out", "4:12: a comma before \"}\": take it out",
            ])
    }

    @Test func `every line that is not UTF-8 is named`() {
        let problems = JSONReader.read(Array("{\n\"".utf8) + [0xFF] + Array("\"\n\n".utf8) + [0xC0, 0x80]).problems
        #expect(problems.map(\.place.line) == [2, 4])
    }

    @Test func `a byte order mark is refused`() {
        #expect(problems("\u{FEFF}{}").count == 1)
    }

    @Test func `nesting ends at the limit`() {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(problems(nested(32)) == [])
        #expect(problems(nested(33)) == ["1:33: more than 32 objects and lists within each other"])
        #expect(problems(String(repeating: "[", count: 1 << 19)).count == 1)
    }

    @Test func `size ends at the limit`() {
        #expect(problems("1" + String(repeating: " ", count: JSONReader.bytesMax - 1)) == [])
        #expect(problems("1" + String(repeating: " ", count: JSONReader.bytesMax)) == ["1:1: is longer than 1048576 bytes"])
    }

    @Test func `any beginning of a text is read without a trap`() {
        let text = Array(#"{"a": [1, "\ud83d\ude00", true], // x"#.utf8)
        for count in text.indices { #expect(!JSONReader.read(Array(text.prefix(count))).problems.isEmpty) }
    }

    @Test func `what is shown of a value is short and can't command a terminal`() {
        #expect(!JSONValue.Content.string("\u{1B}[2J\u{202E}").shown.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
        #expect(JSONValue.Content.string(String(repeating: "x", count: 1000)).shown.count < 70)
    }
}

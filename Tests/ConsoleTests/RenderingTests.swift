import LineProtocol
import Testing

@testable import Console

@Suite struct RenderingTests {
    @Test func `a result is a frame of aligned columns, numbers to the right`() {
        let reply = "ROWS id\tname\n1\tJessy\n22\t\\N\n-3.5\t漢字\n\\. rows=3 warnings=1 gtid=0-1-42\n"
        #expect(
            shown(reply, .table) == """
                +------+-------+
                | id   | name  |
                +------+-------+
                |    1 | Jessy |
                |   22 | NULL  |
                | -3.5 | 漢字  |
                +------+-------+
                3 rows in set (0.012 s), 1 warning


                """)
    }

    @Test func `the vertical form has a line a value`() {
        #expect(
            shown("ROWS id\tname\n1\tJes\\nsy\n\\. rows=1\n", .vertical) == """
                *************************** 1. row ***************************
                  id: 1
                name: Jes\\nsy
                1 row in set (0.012 s)


                """)
    }

    @Test func `the tsv form is names and rows, as they came`() {
        #expect(shown("ROWS a\tb\\t\n1\\n\t\\N\n\\\\.\t\n\\. rows=2\n", .tsv) == "a\tb\\t\n1\\n\t\\N\n\\\\.\t\n")
    }

    @Test func `an empty result is said, not framed`() {
        #expect(shown("ROWS a\n\\. rows=0 warnings=0\n", .table) == "empty set (0.012 s)\n\n")
    }

    @Test func `a write tells what it did and where it stands`() {
        #expect(shown("OK affected=1 insert_id=7 warnings=0 gtid=0-1-42\n", .table) == "1 row affected (0.012 s), insert id 7, gtid 0-1-42\n\n")
        #expect(shown("OK affected=2 insert_id=0 warnings=3\n", .table) == "2 rows affected (0.012 s), 3 warnings\n\n")
        #expect(shown("OK affected=1 insert_id=7 warnings=0 gtid=0-1-42\n", .tsv) == "OK affected=1 insert_id=7 warnings=0 gtid=0-1-42\n")
        #expect(shown("OK pong node=1 role=master\n", .table) == "OK pong node=1 role=master\n")
    }

    @Test func `errors are told in MariaDB's manner, after the rows that came before`() {
        #expect(shown("ERR 1146 42S02 Table 'a.b' doesn't exist\n", .table) == "ERROR 1146 (42S02): Table 'a.b' doesn't exist\n")
        #expect(shown("ROWS a\nx\n\\. ERR CONNECTION-LOST 08007 gone\n", .tsv) == "a\nx\nERROR CONNECTION-LOST (08007): gone\n")
    }

    @Test(arguments: [
        ("abc", "abc", 3), ("é", "é", 1), ("漢字", "漢字", 4), ("e\u{301}", "e\u{301}", 1), ("a\tb\n", "a\\tb\\n", 6), ("\u{1B}[2J", "\\x1b[2J", 7),
        ("\u{9B}x", "\\x9bx", 5), ("\u{202E}", "\\u202e", 6), ("😀", "😀", 2), ("", "", 0), ("\0", "\\0", 2),
    ])
    func `a value takes the columns it takes on a terminal, and moves no cursor`(value: String, bytes: String, width: Int) {
        let text = DisplayText(value.utf8)
        #expect(String(decoding: text.bytes, as: UTF8.self) == bytes)
        #expect(text.width == width)
    }

    @Test func `what is no UTF-8 is shown as such`() {
        #expect(String(decoding: DisplayText([0x61, 0xFF, 0x62]).bytes, as: UTF8.self) == "a\u{FFFD}b")
    }

    @Test(arguments: [("abcdef", "abc…"), ("漢字漢字", "漢…"), ("abcd", "abcd"), ("ab漢", "ab漢"), ("abc漢", "abc…")])
    func `a value that is too wide is cut to just fit`(value: String, cut: String) {
        let text = DisplayText(value.utf8, widthMax: 4)
        #expect(String(decoding: text.bytes, as: UTF8.self) == cut)
        #expect(text.width <= 4)
        #expect(text.isCut == (value != cut))
    }

    @Test func `widths come from the first thousand rows, and later rows are printed as they come`() {
        let lines = captured { out in
            var table = TableRenderer(columns: [Array("a".utf8)])
            for _ in 0..<TableRenderer.rowsMax { table.add([Array("xx".utf8)], to: out) }
            table.add([Array("wider".utf8)], to: out)
            table.add([Array("y".utf8)], to: out)
            table.finish(to: out)
        }.split(separator: "\n")
        #expect(lines.count == TableRenderer.rowsMax + 6)
        #expect(lines.suffix(3) == ["| wider |", "| y  |", "+----+"])
    }

    @Test func `a cut value is told of`() {
        let wide = String(repeating: "x", count: 600)
        #expect(shown("ROWS a\n\(wide)\n\\. rows=1\n", .table).contains("values wider than 512 columns are cut; \\G shows them whole"))
        #expect(shown("ROWS a\n\(wide)\n\\. rows=1\n", .vertical).contains(wide))
    }

    @Test(arguments: [
        ("SELECT 1;", false), ("create user a identified by 'x'", true), ("SET PASSWORD = 'x'", true), (".auth a b", true), (".ping", false),
    ])
    func `what may hold a password stays out of the history`(statement: String, mayHoldSecret: Bool) {
        #expect(HistoryRule.mayHoldSecret(statement) == mayHoldSecret)
    }

    @Test func `completion keeps to the case of what is typed`() {
        #expect(Completion.candidates(for: "sel", atLineStart: true) == ["select"])
        #expect(Completion.candidates(for: "SEL", atLineStart: false) == ["SELECT"])
        #expect(Completion.candidates(for: ".res", atLineStart: true) == [".reset"])
        #expect(Completion.candidates(for: ".re", atLineStart: false) == [])
    }
}

private func shown(_ reply: String, _ format: OutputFormat) -> String {
    captured { out in
        var printer = ReplyPrinter(format, out: out, errors: out)
        var reader = ReplyReader(lineBytesMax: 10_000)
        Array(reply.utf8).withUnsafeBytes { reader.append($0) }
        while let event = try? reader.next() { _ = printer.show(event, after: .milliseconds(12)) }
    }
}

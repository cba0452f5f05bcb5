import ClusterModel
import LineProtocol
import Testing

private let position = Position(GTID(domain: 0, server: 1, sequence: 42))

@Suite struct ReplyWriterTests {
    @Test func `a statement's reply is one line of fields`() {
        let fields = StatementFields(affected: 1, insertID: .max, warnings: 12, gtid: position)
        #expect(written { $0.ok(fields, into: &$1) } == "OK affected=1 insert_id=18446744073709551615 warnings=12 gtid=0-1-42\n")
        #expect(
            written(.json) { $0.ok(fields, into: &$1) }
                == #"{"ok":{"affected":1,"insert_id":18446744073709551615,"warnings":12,"gtid":"0-1-42"}}"# + "\n")
    }

    @Test func `a position that is not known is left out`() {
        #expect(written { $0.ok(StatementFields(), into: &$1) } == "OK affected=0 insert_id=0 warnings=0\n")
        #expect(written(.json) { $0.ok(StatementFields(), into: &$1) } == #"{"ok":{"affected":0,"insert_id":0,"warnings":0}}"# + "\n")
    }

    @Test func `commands are answered as the protocol says`() throws {
        let node = try #require(NodeID(rawValue: 2))
        let master = NodeAddress(host: "127.0.0.1", port: 7001)
        #expect(written { $0.ok(.pong(node: node, role: "slave"), into: &$1) } == "OK pong node=2 role=slave\n")
        #expect(
            written { $0.ok(.role("slave", node: node, epoch: .first, master: master), into: &$1) }
                == "OK node=2 role=slave epoch=1 master=127.0.0.1:7001\n")
        #expect(written { $0.ok(.role("slave", node: node, epoch: .first, master: nil), into: &$1) } == "OK node=2 role=slave epoch=1 master=-\n")
        #expect(written(.json) { $0.ok(.pong(node: node, role: "slave"), into: &$1) } == #"{"ok":{"pong":true,"node":2,"role":"slave"}}"# + "\n")
        #expect(written { $0.ok(.format(.json), into: &$1) } == "OK format=json\n")
        #expect(written { $0.ok([ReplyField](), into: &$1) } == "OK\n")
        #expect(written(.json) { $0.ok([ReplyField](), into: &$1) } == #"{"ok":{}}"# + "\n")
    }

    @Test func `a value never holds a blank and is never empty`() {
        #expect(written { $0.ok([.text("a", "x y\nz"), .text("b", "")], into: &$1) } == "OK a=x_y_z b=-\n")
    }

    @Test func `an error is one line whatever its message holds`() {
        let own = ReplyError(number: 1146, state: "42S02", message: bytes("Table 'a\r\nb\u{7F}\"' doesn't exist"))
        #expect(written { $0.error(own, into: &$1) } == "ERR 1146 42S02 Table 'a  b \"' doesn't exist\n")
        #expect(
            written(.json) { $0.error(own, into: &$1) }
                == #"{"error":{"code":1146,"state":"42S02","message":"Table 'a  b \"' doesn't exist"}}"# + "\n")
        let node = ReplyError(.dropRefused, "a slave may not run DROP; send it to the master at 127.0.0.1:7001")
        #expect(
            written { $0.error(node, into: &$1) } == "ERR DROP-REFUSED 42000 a slave may not run DROP; send it to the master at 127.0.0.1:7001\n")
        #expect(written(.json) { $0.error(node, into: &$1) }.hasPrefix(#"{"error":{"code":"DROP-REFUSED","state":"42000","message":"a slave"#))
    }

    @Test func `a result set is its head, its rows and its end`() {
        let columns = [Column(name: bytes("id"), type: .int), Column("na\tme")]
        let rows: [[[UInt8]?]] = [[bytes("1"), bytes("Jessy")], [bytes("2"), nil]]
        #expect(result(columns, rows) == "ROWS id\tna\\tme\n1\tJessy\n2\t\\N\n\\. rows=2 warnings=3 gtid=0-1-42\n")
        #expect(
            result(columns, rows, .json)
                == #"{"columns":[{"name":"id","type":"int"},{"name":"na\tme","type":"varchar"}],"rows":[[1,"Jessy"],[2,null]],"#
                + #""end":{"rows":2,"warnings":3,"gtid":"0-1-42"}}"# + "\n")
        #expect(result(columns, []) == "ROWS id\tna\\tme\n\\. rows=0 warnings=3 gtid=0-1-42\n")
    }

    @Test func `what would break a row is escaped`() {
        let value: [UInt8] = [0x61, 0x09, 0x0A, 0x0D, 0, 0x5C, 0x62, 0xFF]
        var out: [UInt8] = []
        var rows = ReplyWriter().rows([Column("a")], into: &out)
        out = []
        rows.write([value], into: &out)
        #expect(out == bytes(#"a\t\n\r\0\\b"#) + [0xFF, 0x0A])
        #expect(
            result([Column("a")], [[bytes("\\.")], [bytes("\\N")], [nil], [[]]]) == "ROWS a\n\\\\.\n\\\\N\n\\N\n\n\\. rows=4 warnings=3 gtid=0-1-42\n"
        )
    }

    @Test func `an error in the middle of a result set ends it`() {
        var out: [UInt8] = []
        for format in ReplyFormat.allCases {
            var rows = ReplyWriter(format: format).rows([Column("a")], into: &out)
            rows.write([bytes("x")], into: &out)
            rows.failed(ReplyError(.connectionLost, "gone"), into: &out)
        }
        #expect(
            text(out) == "ROWS a\nx\n\\. ERR CONNECTION-LOST 08007 gone\n" + #"{"columns":[{"name":"a","type":"varchar"}],"rows":[["x"]],"#
                + #""error":{"code":"CONNECTION-LOST","state":"08007","message":"gone"}}"# + "\n")
    }

    @Test(arguments: [
        ("0", "0"), ("-7", "-7"), ("18446744073709551615", "18446744073709551615"), ("00042", "42"), ("000", "0"), ("-0012.50", "-12.50"),
        ("12345678901234567890123456789012345.123456789012345678901234567890", "12345678901234567890123456789012345.123456789012345678901234567890"),
        ("0.10", "0.10"), ("1e20", "1e20"), ("1.5e-7", "1.5e-7"), ("1E+3", "1E+3"), ("", #""""#), (".5", #"".5""#), ("1.", #""1.""#),
        ("nan", #""nan""#),
        ("1e", #""1e""#), ("-", #""-""#), ("1 ", #""1 ""#),
    ])
    func `a number keeps every digit, and what is none becomes a string`(value: String, json: String) {
        #expect(jsonValue(bytes(value), .decimal) == json)
    }

    @Test func `types tell how a value is written in JSON`() {
        #expect(jsonValue([1, 0], .bit) == "256")
        #expect(jsonValue([UInt8](repeating: 0xFF, count: 8), .bit) == "18446744073709551615")
        #expect(jsonValue([0, 0xFF, 0x10], .blob) == #""AP8Q""#)
        #expect(jsonValue([0, 0xFF], .binary) == #""AP8=""#)
        #expect(jsonValue([0], .varbinary) == #""AA==""#)
        #expect(jsonValue([], .blob) == #""""#)
        #expect(jsonValue(bytes("2024-02-29"), .date) == #""2024-02-29""#)
        #expect(result([Column(name: bytes("b"), type: .blob)], [], .json).contains(#"{"name":"b","type":"blob","encoding":"base64"}"#))
    }

    @Test func `a string of JSON is valid whatever the bytes`() {
        #expect(jsonValue(bytes("\"\\/\n\r\t\u{0}\u{1F}\u{7F}"), .text) == #""\"\\/\n\r\t\u0000\u001f"# + "\u{7F}\"")
        #expect(jsonValue(bytes("é漢😀"), .text) == "\"é漢😀\"")
        // An overlong form, a surrogate, beyond the last character, cut short.
        #expect(jsonValue([0xC0, 0x80, 0x61], .text) == "\"\u{FFFD}\u{FFFD}a\"")
        #expect(jsonValue([0xED, 0xA0, 0x80], .text) == "\"\u{FFFD}\u{FFFD}\u{FFFD}\"")
        #expect(jsonValue([0xF4, 0x90, 0x80, 0x80], .text) == "\"\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\"")
        #expect(jsonValue([0xE6, 0xBC], .text) == "\"\u{FFFD}\u{FFFD}\"")
    }

    @Test func `help lists every command`() {
        let help = written { $0.help(into: &$1) }
        #expect(help.hasPrefix("ROWS command\twhat\n.ping\t"))
        #expect(help.hasSuffix("\\. rows=\(CommandHelp.all.count) warnings=0\n"))
        #expect(!help.contains(".link"))
    }
}

extension RowsWriter {
    mutating func write(_ row: [[UInt8]?], into out: inout [UInt8]) {
        beginRow(into: &out)
        for value in row {
            if let value { value.withUnsafeBytes { field($0, into: &out) } } else { field(nil, into: &out) }
        }
        endRow(into: &out)
    }
}

private func written(_ format: ReplyFormat = .tsv, _ write: (ReplyWriter, inout [UInt8]) -> Void) -> String {
    var out: [UInt8] = []
    write(ReplyWriter(format: format), &out)
    return text(out)
}

private func result(_ columns: [Column], _ rows: [[[UInt8]?]], _ format: ReplyFormat = .tsv) -> String {
    written(format) { writer, out in
        var set = writer.rows(columns, into: &out)
        for row in rows { set.write(row, into: &out) }
        set.end(warnings: 3, gtid: position, into: &out)
    }
}

private func jsonValue(_ value: [UInt8], _ type: ColumnType) -> String {
    var out: [UInt8] = []
    var rows = ReplyWriter(format: .json).rows([Column(name: [], type: type)], into: &out)
    out = []
    rows.write([value], into: &out)
    return text(Array(out.dropFirst().dropLast()))
}

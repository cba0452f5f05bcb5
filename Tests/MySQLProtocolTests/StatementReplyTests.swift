import ClusterModel
import Testing

@testable import MySQLProtocol

/// What MariaDB 10.11 answered on a connection without EOF packets, byte for byte.
@Suite struct StatementReplyTests {
    private func step(_ reply: inout StatementReply, _ payload: [UInt8]) -> StatementReply.Step { payload.withUnsafeBytes { reply.received($0) } }

    private func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

    private func column(_ name: String, extended: [UInt8] = []) -> [UInt8] {
        text("def") + text("t") + text("a") + text("a") + text(name) + text("v") + extended + [12, 45, 0, 44, 1, 0, 0, 253, 1, 16, 0, 0, 0]
    }

    private func row(_ reply: inout StatementReply, _ payload: [UInt8]) -> [[UInt8]?]? {
        guard step(&reply, payload) == .row else { return nil }
        var fields: [[UInt8]?] = []
        payload.withUnsafeBytes { bytes in RowFields.forEach(bytes) { fields.append($0.map { Array($0) }) } }
        return fields
    }

    @Test func `a write tells its rows, its id and its GTID`() {
        var reply = StatementReply()
        var end = StatementEnd(affected: 1, insertID: 7, status: [.autocommit, .sessionChanged])
        end.session.gtid = GTID("0-1-24")
        end.session.isAny = true
        #expect(
            step(&reply, [0, 1, 7, 2, 0x40, 0, 0, 0, 0x16, 0, 0x11, 9] + Array("last_gtid".utf8) + text("0-1-24") + [2, 1, 0x31]) == .ended(end))
    }

    @Test func `a result set comes out column by column, row by row, and its end tells what a write's tells`() throws {
        var reply = StatementReply()
        #expect(step(&reply, [2]) == .partial)
        #expect(step(&reply, column("first")) == .partial)
        guard case .columns(let columns) = step(&reply, column("second", extended: text("\u{0}\u{4}json"))) else {
            Issue.record("no columns")
            return
        }
        #expect(columns.map { String(decoding: $0.name, as: UTF8.self) } == ["first", "second"])
        #expect(columns[1] == ColumnDefinition(name: Array("second".utf8), type: 253, flags: 4097, charset: 45, length: 300, decimals: 0))
        #expect(row(&reply, text("a") + [0xfb]) == [Array("a".utf8), nil])
        #expect(row(&reply, [0, 0xfc, 3, 0, 1, 2, 3]) == [[], [1, 2, 3]])
        var end = StatementEnd(warnings: 1, status: [.autocommit, .sessionChanged])
        end.session.gtid = GTID("0-1-4")
        #expect(step(&reply, [0xfe, 0, 0, 2, 0x40, 1, 0, 0, 0x12, 0, 0x10, 9] + Array("last_gtid".utf8) + text("0-1-4")) == .ended(end))
        #expect(step(&reply, [0, 0, 0, 2, 0, 0, 0]) == .ended(StatementEnd(status: .autocommit)))
    }

    @Test func `a row that begins as an end does is a row where it is longer than a packet`() {
        var reply = StatementReply()
        _ = step(&reply, [1])
        _ = step(&reply, column("blob"))
        let bytes = [UInt8](repeating: 7, count: 1 << 24)
        #expect(step(&reply, [0xfe, 0, 0, 0, 1, 0, 0, 0, 0] + bytes) == .row)
    }

    @Test func `several results follow one another until one says that it is the last`() {
        var reply = StatementReply()
        for more in [true, true, false] {
            // With and without the byte that says that the columns follow.
            _ = step(&reply, more ? [1, 1] : [1])
            _ = step(&reply, column("a"))
            #expect(row(&reply, text("x")) != nil)
            #expect(
                step(&reply, [0xfe, 0, 0, more ? 10 : 2, 0, 0, 0])
                    == .ended(StatementEnd(status: more ? [.autocommit, .moreResults] : .autocommit)))
        }
    }

    @Test func `an error ends a reply wherever it comes, and the next one begins`() {
        let error: [UInt8] = [0xff, 0x7a, 0x04] + Array("#42S02gone".utf8)
        let failed = StatementReply.Step.failed(ERRPacket(code: 1146, state: "42S02", message: "gone"))
        for before in [[], [[1]], [[1], column("a")], [[1], column("a"), text("x")]] as [[[UInt8]]] {
            var reply = StatementReply()
            for payload in before { _ = step(&reply, payload) }
            #expect(step(&reply, error) == failed)
            #expect(step(&reply, [0, 0, 0, 2, 0, 0, 0]) == .ended(StatementEnd(status: .autocommit)))
        }
    }

    @Test func `a report of progress is no end`() {
        var reply = StatementReply()
        #expect(step(&reply, [0xff, 0xff, 0xff, 1, 2, 2, 0, 0, 0, 4, 0x63, 0x6f, 0x70, 0x79]) == .partial)
        #expect(step(&reply, [0, 0, 0, 2, 0, 0, 0]) == .ended(StatementEnd(status: .autocommit)))
    }

    @Test(arguments: [
        [], [0xfb], [0xfb, 0x2f], [0xfe, 0, 0], [0, 1], [0xfd, 1, 0, 2], [0, 0, 0, 2, 0x40, 0, 0, 0, 9, 0], [0, 0, 0, 2, 0x40, 0, 0, 0, 3, 0, 9, 1],
        [2, 2],
    ])
    func `what is no head of a reply is refused`(payload: [UInt8]) {
        var reply = StatementReply()
        #expect(step(&reply, payload) == .unintelligible)
    }

    @Test func `a row with a field too many, too few or cut off is refused`() {
        for payload in [text("a"), text("a") + text("b") + text("c"), text("a") + [5, 1], text("a") + [0xfc, 9], text("a") + [0xff]] as [[UInt8]] {
            var reply = StatementReply()
            _ = step(&reply, [2])
            _ = step(&reply, column("a"))
            _ = step(&reply, column("b"))
            #expect(step(&reply, payload) == .unintelligible, "\(payload)")
        }
    }

    @Test func `a column that is cut off is refused`() {
        var reply = StatementReply()
        _ = step(&reply, [1])
        #expect(step(&reply, Array(column("a").prefix(12))) == .unintelligible)
    }

    @Test func `mode and schema are told with the statement that changed them`() {
        var reply = StatementReply()
        let variables = text("autocommit") + text("ON") + text("sql_mode") + text("ANSI_QUOTES")
        let payload: [UInt8] = [0, UInt8(variables.count)] + variables + [1, 5] + text("shop")
        var end = StatementEnd(status: .sessionChanged)
        end.session.sqlMode = "ANSI_QUOTES"
        end.session.variables = ["autocommit": "ON"]
        end.session.schema = Array("shop".utf8)
        #expect(step(&reply, [0, 0, 0, 0, 0x40, 0, 0, 0, UInt8(payload.count)] + payload) == .ended(end))
    }
}

import ClusterModel
import Foundation
import LineProtocol
import Testing

@Suite struct RoundTripTests {
    @Test func `whatever a node writes a client reads back, however it is cut`() throws {
        var dice = Dice(seed: 11)
        for _ in 0..<300 {
            let script = (0..<Int.random(in: 1...6, using: &dice)).map { _ in Reply.any(&dice) }
            var out: [UInt8] = []
            for reply in script { reply.write(.tsv, into: &out) }
            var reader = ReplyReader(lineBytesMax: 10_000)
            var events: [ReplyEvent] = []
            for piece in dice.pieces(of: out, longest: 40) {
                piece.withUnsafeBytes { reader.append($0) }
                while let event = try reader.next() { events.append(event) }
            }
            #expect(reader.isAtBoundary)
            #expect(events.map(Seen.init) == script.flatMap(\.expected))
        }
    }

    @Test(arguments: ReplyFormat.allCases)
    func `the framer cuts replies just where they end`(format: ReplyFormat) {
        var dice = Dice(seed: 12)
        for _ in 0..<300 {
            let script = (0..<Int.random(in: 1...6, using: &dice)).map { _ in Reply.any(&dice) }
            let replies = script.map { reply in
                var out: [UInt8] = []
                reply.write(format, into: &out)
                return out
            }
            var framer = ReplyFramer(format: format)
            var found: [(bytes: [UInt8], reply: FramedReply)] = []
            var current: [UInt8] = []
            for piece in dice.pieces(of: Array(replies.joined()), longest: 900) {
                var rest = piece[...]
                while !rest.isEmpty {
                    let (count, reply) = rest.withUnsafeBytes { framer.take($0) }
                    current += rest.prefix(count)
                    rest = rest.dropFirst(count)
                    guard let reply else { continue }
                    found.append((current, reply))
                    current = []
                }
            }
            #expect(framer.isAtBoundary)
            #expect(found.map(\.bytes) == replies)
            #expect(found.map(\.reply) == script.map(\.framed))
        }
    }

    @Test func `every JSON reply is one line and valid`() throws {
        var dice = Dice(seed: 13)
        for _ in 0..<500 {
            var out: [UInt8] = []
            let reply = Reply.any(&dice)
            reply.write(.json, into: &out)
            #expect(out.last == 0x0A && out.filter { $0 == 0x0A }.count == 1)
            let object = try #require(JSONSerialization.jsonObject(with: Data(out)) as? [String: Any])
            if case .rows(_, let rows, _) = reply { #expect((object["rows"] as? [[Any]])?.count == rows.count) }
        }
    }

    @Test func `a client takes no endless line and no other protocol`() throws {
        var reader = ReplyReader(lineBytesMax: 10)
        bytes("OK abcdefgh").withUnsafeBytes { reader.append($0) }
        #expect(throws: ReplyReadError.lineTooLong) { try reader.next() }
        reader = ReplyReader(lineBytesMax: 100)
        bytes("HTTP/1.1 400 Bad Request\n").withUnsafeBytes { reader.append($0) }
        #expect(throws: ReplyReadError.unintelligible(bytes("HTTP/1.1 400 Bad Request"))) { try reader.next() }
        for format in ReplyFormat.allCases {
            var framer = ReplyFramer(format: format)
            let (_, reply) = bytes("HTTP/1.1 400 Bad Request\n").withUnsafeBytes { framer.take($0) }
            #expect(reply?.kind == .unintelligible)
        }
    }
}

/// A reply to write, and what is to be read of it.
private enum Reply {
    case ok(StatementFields)
    case error(ReplyError)
    case rows([Column], [[[UInt8]?]], failed: ReplyError?)

    static let gtid = Position(GTID(domain: 0, server: 3, sequence: 99))

    static func any(_ dice: inout Dice) -> Reply {
        let error = ReplyError(number: 1205, state: "HY000", message: bytes(#"no "end":{ or ],"end":{ here"#))
        switch Int.random(in: 0..<4, using: &dice) {
        case 0: return .ok(StatementFields(affected: dice.next(), insertID: 0, warnings: 1, gtid: Bool.random(using: &dice) ? gtid : nil))
        case 1: return .error(Bool.random(using: &dice) ? error : ReplyError(.notReady, "ask again"))
        default:
            let width = Int.random(in: 1...4, using: &dice)
            let types: [ColumnType] = [.int, .text, .blob, .bit]
            let columns = (0..<width).map { Column(name: bytes("c\t\($0)"), type: types[$0]) }
            let rows = (0..<Int.random(in: 0...8, using: &dice)).map { _ in (0..<width).map { _ in value(&dice) } }
            return .rows(columns, rows, failed: Bool.random(using: &dice) ? error : nil)
        }
    }

    private static func value(_ dice: inout Dice) -> [UInt8]? {
        let choices: [[UInt8]?] = [
            nil, [], bytes("\\N"), bytes("\\."), bytes("\\. rows=1"), bytes(#"],"end":{"rows":1}}"#), [0x0A, 0x0D, 0x09, 0, 0x5C],
        ]
        if Bool.random(using: &dice) { return choices.randomElement(using: &dice) ?? nil }
        return (0..<Int.random(in: 0...700, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
    }

    func write(_ format: ReplyFormat, into out: inout [UInt8]) {
        let writer = ReplyWriter(format: format)
        switch self {
        case .ok(let fields): writer.ok(fields, into: &out)
        case .error(let error): writer.error(error, into: &out)
        case .rows(let columns, let rows, let failed):
            var set = writer.rows(columns, into: &out)
            for row in rows { set.write(row, into: &out) }
            if let failed { set.failed(failed, into: &out) } else { set.end(warnings: 0, gtid: Self.gtid, into: &out) }
        }
    }

    var expected: [Seen] {
        switch self {
        case .ok(let fields): [.ok(affected: String(fields.affected), gtid: fields.gtid?.description)]
        case .error(let error): [.error(code: error.word, message: text(error.message))]
        case .rows(let columns, let rows, let failed):
            [.columns(columns.map { text($0.name) })] + rows.map { .row($0) }
                + [failed.map { .error(code: $0.word, message: text($0.message)) } ?? .end(rows: String(rows.count), gtid: Self.gtid.description)]
        }
    }

    var framed: FramedReply {
        switch self {
        case .ok(let fields): FramedReply(kind: .ok, gtid: fields.gtid)
        case .error(let error): FramedReply(kind: .error, code: error.word)
        case .rows(_, _, let failed): failed.map { FramedReply(kind: .rowsFailed, code: $0.word) } ?? FramedReply(kind: .rows, gtid: Self.gtid)
        }
    }
}

/// An event, cut down to what the script tells.
private enum Seen: Equatable {
    case ok(affected: String?, gtid: String?)
    case error(code: String, message: String)
    case columns([String])
    case row([[UInt8]?])
    case end(rows: String?, gtid: String?)

    init(_ event: ReplyEvent) {
        switch event {
        case .ok(let pairs): self = .ok(affected: pairs["affected"], gtid: pairs["gtid"])
        case .error(let failure), .endError(let failure): self = .error(code: failure.code, message: text(failure.message))
        case .columns(let names): self = .columns(names.map(text))
        case .row(let values): self = .row(values)
        case .end(let pairs): self = .end(rows: pairs["rows"], gtid: pairs["gtid"])
        }
    }

}

extension ReplyError {
    fileprivate var word: String {
        switch code {
        case .database(let number): String(number)
        case .node(let code): code.rawValue
        }
    }
}

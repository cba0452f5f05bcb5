import ClusterModel
import LineProtocol
import Testing

@Suite struct RequestReaderTests {
    @Test func `a line is a statement, without its line end`() {
        #expect(requests("SELECT 1;\nSELECT 2\r\n") == [.sql(bytes("SELECT 1;")), .sql(bytes("SELECT 2"))])
    }

    @Test func `a last line without its line end is a request too`() {
        #expect(requests("SELECT 1\n.ping") == [.sql(bytes("SELECT 1")), .command(.ping)])
        #expect(requests(".quit\r") == [.command(.quit)])
    }

    @Test func `lines with nothing in them are no requests`() {
        #expect(requests("\n\r\n  \t\n \r\n.ping\n\n \t") == [.command(.ping)])
    }

    @Test func `a statement may hold any bytes but a line break`() {
        #expect(requests([0x53, 0, 0xFF, 0x0D, 0x80, 0x0A]) == [.sql([0x53, 0, 0xFF, 0x0D, 0x80])])
    }

    @Test(arguments: [
        (".ping", Command.ping), (".role", .role), (".status", .status), (".nodes ", .nodes), (".reset", .reset), (".help", .help),
        (".quit", .quit), (".format tsv", .format(.tsv)), (".format\t json ", .format(.json)), (".link 3", .link(version: 3)),
        (".wait 0-1-42", .wait(Position(GTID(domain: 0, server: 1, sequence: 42)), milliseconds: nil)),
        (".wait 0-1-42 500", .wait(Position(GTID(domain: 0, server: 1, sequence: 42)), milliseconds: 500)),
        (".wait -", .wait(.start, milliseconds: nil)),
        (".auth app s3cret", .auth(user: Array("app".utf8), password: Array("s3cret".utf8))),
        (".auth app two words ", .auth(user: Array("app".utf8), password: Array("two words ".utf8))),
        (".verify ", .verify(.all)), (".peer 1", .peer(version: 1)),
        (".auth app ", .auth(user: Array("app".utf8), password: [])),
    ])
    func `a command reads as it is written`(line: String, command: Command) {
        #expect(requests(line + "\n") == [.command(command)])
    }

    @Test func `a transaction's id is one word`() throws {
        let id = try #require(TransactionID("order:47-11"))
        #expect(requests(".id order:47-11\n.outcome order:47-11 \n") == [.command(.id(id)), .command(.outcome(id))])
    }

    @Test(
        arguments: [
            ("shop", "shop", nil), (" shop.users ", "shop", "users"), ("`a.b`.`c ``d`", "a.b", "c `d"), ("`a b`", "a b", nil), ("ä.`x`", "ä", "x"),
        ] as [(String, String, String?)])
    func `what to verify is named as in SQL`(text: String, database: String, table: String?) throws {
        guard case .command(.verify(let scope)) = try #require(requests(".verify \(text)\n").first) else {
            Issue.record("no command")
            return
        }
        #expect(scope.database == database && scope.table == table)
    }

    @Test(arguments: [
        ".ping now", ".format", ".format xml", ".format tsv json", ".wait", ".wait 0-1", ".wait 0-1-2 soon", ".wait 0-1-2 -1", ".wait 0-1-2 3 4",
        ".verify a.b.c", ".verify a b", ".verify .a", ".verify a.", ".verify `a", ".verify `a`b", ".verify ``", ".peer", ".auth", ".auth app", ".sql",
        ".id", ".id a/b", ".id a b", ".outcome", ".outcome 'x'", ".sql x", ".sql -1", ".sql 1 2", ".link", ".link x",
    ])
    func `wrong arguments are answered in their place and the connection goes on`(line: String) throws {
        let all = requests(line + "\n.ping\n")
        guard case .malformed(.badRequest, let message) = try #require(all.first) else {
            Issue.record("\(all)")
            return
        }
        #expect(message.contains("it is written: \(line.prefix { $0 != " " })"))
        #expect(all.dropFirst() == [.command(.ping)])
    }

    @Test(arguments: [".", ".Ping", ".pin", ".pings", "..", ".\u{1B}[2J", "." + String(repeating: "x", count: 500)])
    func `an unknown command is told so`(line: String) throws {
        guard case .malformed(.unknownCommand, let message) = try #require(requests(line + "\n").first) else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains(".help") && message.utf8.count < 200)
    }

    @Test func `a body of so many bytes is one statement, line breaks and all`() {
        #expect(requests(".sql 11\nSELECT\n1\r\n;\n.ping\n") == [.sql(bytes("SELECT\n1\r\n;")), .command(.ping)])
        #expect(requests(".sql 8\r\n.ping\n\n\n\r\n.role\r\n") == [.sql(bytes(".ping\n\n\n")), .command(.role)])
        #expect(requests(".sql 0\n\n.role\n") == [.sql([]), .command(.role)])
    }

    @Test func `the line break after a last body may lack`() {
        #expect(requests(".sql 3\na\nb") == [.sql(bytes("a\nb"))])
        #expect(requests(".sql 3\na\nb\r") == [.sql(bytes("a\nb"))])
    }

    @Test func `a body cut off by the end of input is not run`() throws {
        for input in [".sql 5\na\nb", ".sql 5\n", ".sql 5"] {
            guard case .malformed(.badRequest, _) = try #require(requests(input).first) else {
                Issue.record("\(input) was run")
                return
            }
        }
    }

    @Test func `a body not followed by a line break ends the connection`() throws {
        let all = requests(".sql 3\nabcd\nDROP TABLE t\n")
        #expect(all.count == 1)
        guard case .fatal(.badRequest, _) = try #require(all.first) else {
            Issue.record("\(all)")
            return
        }
    }

    @Test(arguments: ["\n", "\r\n"])
    func `a line of just the limit is read, one byte more is answered once and skipped`(lineEnd: String) {
        let most = String(repeating: "x", count: 20)
        #expect(requests(most + lineEnd + ".ping" + lineEnd, limit: 20) == [.sql(bytes(most)), .command(.ping)])
        for extra in ["x", "x\r", String(repeating: "y", count: 1000)] {
            let all = requests(most + extra + lineEnd + ".ping" + lineEnd, limit: 20)
            #expect(all == [tooLong(20), .command(.ping)])
        }
        #expect(requests(most + "xy", limit: 20) == [tooLong(20)])
    }

    @Test func `a body over the limit is answered once and skipped`() {
        #expect(requests(".sql 21\n" + String(repeating: "\n", count: 21) + "\n.ping\n", limit: 20) == [tooLong(20), .command(.ping)])
        #expect(requests(".sql 99999999999999999999999\n.ping\n", limit: 30) == [tooLong(30)])
        let most = String(repeating: "\n", count: 20)
        #expect(requests(".sql 20\n" + most + "\n", limit: 20) == [.sql(bytes(most))])
    }

    @Test func `what is skipped is not kept`() {
        var reader = RequestReader(lineBytesMax: 100)
        for _ in 0..<50 {
            reader.append([UInt8](repeating: 0x78, count: 1000))
            while reader.next() != nil {}
            #expect(reader.unreadBytes == 0)
        }
        reader.append(bytes("\n.sql 100000\n"))
        #expect(reader.next() == tooLong(100))
        for _ in 0..<100 {
            reader.append([UInt8](repeating: 0x0A, count: 1000))
            #expect(reader.next() == nil)
            #expect(reader.unreadBytes == 0)
        }
        reader.append(bytes("\n.ping\n"))
        #expect(reader.next() == .command(.ping))
    }

    @Test func `after a link nothing more is read as text`() {
        var reader = RequestReader(lineBytesMax: 100)
        reader.append(bytes(".link 1\n.ping\n"))
        #expect(reader.next() == .command(.link(version: 1)))
        #expect(reader.next() == nil)
        reader.append([1, 0x0A])
        #expect(reader.next() == nil)
        #expect(reader.takeRest() == bytes(".ping\n") + [1, 0x0A])
        #expect(reader.takeRest() == [])
        #expect(reader.ended() == nil)
    }

    @Test func `however the bytes are cut, the requests are the same`() {
        var dice = Dice(seed: 42)
        let parts = [
            "SELECT 1\n", ".ping\r\n", "\n", "\r", "\r\n", ".sql 4\na\nb\n\n", ".sql 40\n" + String(repeating: "\nx", count: 20) + "\r\n", ".nope\n",
            String(repeating: "y", count: 33), String(repeating: "z", count: 32) + "\r\n", ".sql x\n", " \t\n", "\u{0}", "é\n", ".wait 0-1-2 3\n",
            ".sql 2\nabc\n", ".sql 5",
        ]
        for _ in 0..<2000 {
            let input = (0..<Int.random(in: 1...12, using: &dice)).flatMap { _ in bytes(parts.randomElement(using: &dice) ?? "") }
            let whole = requests(input, limit: 32)
            #expect(requests(pieces: dice.pieces(of: input, longest: 7), limit: 32) == whole)
            #expect(requests(pieces: input.map { [$0] }, limit: 32) == whole)
        }
    }

    @Test func `any bytes at all are read to the end`() {
        var dice = Dice(seed: 7)
        let alphabet = bytes(".sqlping 0123\n\r\t\\;x") + [0, 0xFF]
        for _ in 0..<2000 {
            let input = (0..<Int.random(in: 0...80, using: &dice)).map { _ in alphabet.randomElement(using: &dice) ?? 0 }
            let all = requests(input, limit: 16)
            #expect(all.count <= input.count)
            #expect(all.allSatisfy { if case .sql(let sql) = $0 { sql.count <= 16 } else { true } })
        }
    }
}

private func tooLong(_ limit: Int) -> Request {
    .malformed(code: .lineTooLong, message: "a request is at most \(limit) bytes long here; this one was skipped, send it in parts")
}

private func requests(_ input: String, limit: Int = 1000) -> [Request] { requests(bytes(input), limit: limit) }

private func requests(_ input: [UInt8], limit: Int = 1000) -> [Request] { requests(pieces: [input], limit: limit) }

private func requests(pieces: [[UInt8]], limit: Int) -> [Request] {
    var reader = RequestReader(lineBytesMax: limit)
    var all: [Request] = []
    for piece in pieces {
        reader.append(piece)
        while let request = reader.next() { all.append(request) }
    }
    if let last = reader.ended() { all.append(last) }
    return all
}

extension RequestReader {
    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }
}

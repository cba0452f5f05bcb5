import ClusterModel
import Glibc
import Testing

@testable import Console

@Suite struct ConsoleTests {
    @Test func `statements on the command line are run in order, and all is well`() throws {
        let node = try CannedNode { $0 == "SELECT 1" ? "ROWS 1\n1\n\\. rows=1 warnings=0\n" : "OK affected=1 insert_id=0 warnings=0\n" }
        defer { node.stop() }
        let result = run(ConsoleOptions(address: node.address, statements: ["INSERT 1; SELECT 1", "UPDATE 2;"]))
        #expect(result == Result(code: 0, out: "OK affected=1 insert_id=0 warnings=0\n1\n1\nOK affected=1 insert_id=0 warnings=0\n", errors: ""))
        #expect(node.requests == ["INSERT 1", "SELECT 1", "UPDATE 2"])
    }

    @Test(arguments: ["bad;\n-- a comment\nDO 1", "bad; DO 1"])
    func `a script ends at its first error, with 1`(script: String) throws {
        let node = try CannedNode(replies: refusingBad)
        defer { node.stop() }
        let stopped = Result(code: 1, out: "", errors: "ERROR 1064 (42000): no SQL\n")
        #expect(run(ConsoleOptions(address: node.address), input: script) == stopped)
        #expect(run(ConsoleOptions(address: node.address, statements: [script, "DO 2"])) == stopped)
        #expect(node.requests == ["bad", "bad"])
        #expect(run(ConsoleOptions(address: node.address), input: ".format xml\nDO 1").code == 1)
        #expect(node.requests == ["bad", "bad"])
    }

    @Test func `a script that is to go on after errors does so, and still ends with 1`() throws {
        let node = try CannedNode(replies: refusingBad)
        defer { node.stop() }
        let done = Result(code: 1, out: "OK affected=0 insert_id=0 warnings=0\n", errors: "ERROR 1064 (42000): no SQL\n")
        #expect(run(ConsoleOptions(address: node.address, goesOn: true), input: "bad;\n-- a comment\nDO 1") == done)
        #expect(run(ConsoleOptions(address: node.address, statements: ["bad", "DO 1"], goesOn: true)) == done)
    }

    @Test func `a statement with line breaks goes with its length`() throws {
        let node = try CannedNode { $0 == ".sql 8" || $0 == "SELECT" ? "" : "ROWS 1\n1\n\\. rows=1\n" }
        defer { node.stop() }
        #expect(run(ConsoleOptions(address: node.address), input: "SELECT\n1\n;\n").code == 0)
        #expect(node.requests == [".sql 8", "SELECT", "1"])
    }

    @Test func `JSON is passed on as the node sends it`() throws {
        let node = try CannedNode { $0 == "bad" ? "{\"error\":{\"code\":1}}\n" : "{\"ok\":{\"affected\":1}}\n" }
        defer { node.stop() }
        let result = run(ConsoleOptions(address: node.address, statements: ["good; bad"], format: .json))
        #expect(result == Result(code: 1, out: "{\"ok\":{\"affected\":1}}\n{\"error\":{\"code\":1}}\n", errors: ""))
        #expect(node.requests == [".format json", "good", "bad"])
    }

    @Test func `the format can change on the way`() throws {
        let node = try CannedNode { _ in "ROWS a\n1\n\\. rows=1\n" }
        defer { node.stop() }
        let result = run(ConsoleOptions(address: node.address, format: .vertical), input: ".format tsv\nSELECT 1;\n.format xml\n")
        #expect(result.out == "a\n1\n")
        #expect(result.errors == "the console's formats are table, tsv, json, vertical; write: .format table\n")
        #expect(node.requests == ["SELECT 1"])
    }

    @Test func `who we are is said first, and a refusal ends it`() throws {
        let node = try CannedNode { $0 == ".auth app two words" ? "OK\n" : "ERR AUTH 28000 wrong user or password\n" }
        defer { node.stop() }
        #expect(run(ConsoleOptions(address: node.address, statements: [""], user: "app", password: "two words")).code == 0)
        let refused = run(ConsoleOptions(address: node.address, statements: ["SELECT 1"], user: "app", password: "x"))
        #expect(refused.code == 1)
        #expect(refused.errors == "the connection to \(node.address) is lost: AUTH wrong user or password\n")
        #expect(!node.requests.contains("SELECT 1"))
    }

    @Test func `a lost connection ends a script, for the rest may rest on it`() throws {
        let node = try CannedNode { $0 == "BEGIN" ? "OK affected=0 insert_id=0 warnings=0\n" : nil }
        defer { node.stop() }
        let result = run(ConsoleOptions(address: node.address, statements: ["BEGIN; DELETE FROM t; COMMIT"]))
        #expect(result.code == 1)
        #expect(result.errors.contains("is lost: the node closed it\nwhether the statement took effect is not known\n"))
        #expect(node.requests == ["BEGIN", "DELETE FROM t"])
    }

    @Test func `no node is told with what to do`() throws {
        let node = try CannedNode { _ in nil }
        node.stop()
        let result = run(ConsoleOptions(address: node.address, statements: ["SELECT 1"]))
        let words =
            "cannot connect to \(node.address): connection refused; is a node running there? start one with: ddbnode --role master\n"
        #expect(result == Result(code: 1, out: "", errors: words))
    }

    @Test func `another server is told from a node`() throws {
        let node = try CannedNode { _ in "HTTP/1.1 400 Bad Request\n" }
        defer { node.stop() }
        let result = run(ConsoleOptions(address: node.address, statements: ["SELECT 1"]))
        #expect(result.code == 1 && result.errors.contains("no node: it says 'HTTP/1.1 400 Bad Request'"))
    }

    @Test func `leaving ends a script`() throws {
        let node = try CannedNode { _ in "OK pong node=1 role=master\n" }
        defer { node.stop() }
        #expect(
            run(ConsoleOptions(address: node.address), input: ".ping\nquit\nSELECT 1;\n")
                == Result(code: 0, out: "OK pong node=1 role=master\n", errors: ""))
        #expect(node.requests == [".ping"])
    }
}

@Sendable private func refusingBad(_ request: String) -> String? {
    request == "bad" ? "ERR 1064 42000 no SQL\n" : "OK affected=0 insert_id=0 warnings=0\n"
}

private struct Result: Equatable {
    var code: Int32
    var out: String
    var errors: String
}

private func run(_ options: ConsoleOptions, input: String = "") -> Result {
    let files = (0..<3).map { _ in temporaryFile() }
    defer { files.forEach { close($0) } }
    _ = Array(input.utf8).withUnsafeBytes { write(files[0], $0.baseAddress, $0.count) }
    lseek(files[0], 0, SEEK_SET)
    var console = Console(options, input: files[0], out: Output(files[1]), errors: Output(files[2]))
    let code = console.run()
    return Result(code: code, out: contents(of: files[1]), errors: contents(of: files[2]))
}

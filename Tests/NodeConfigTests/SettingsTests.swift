import ClusterModel
import Testing

@testable import NodeConfig

@Suite struct SettingsTests {
    @Test func `a role is all that must be given`() throws {
        let settings = try load { $0.role = "master" }.get()
        #expect(settings == NodeSettings(role: .master))
        #expect(settings.id?.rawValue == 1)
        #expect(settings.listen?.description == "127.0.0.1:7001")
    }

    @Test func `a slave's number and port are left open`() throws {
        let settings = try load("{\"role\": \"slave\", \"master\": \"127.0.0.1:7001\"}").get()
        #expect(settings.id == nil)
        #expect(settings.listen == nil)
        #expect(settings.master?.port == 7001)
    }

    @Test func `flags win over the file and the file over the defaults`() throws {
        let text = "{\"role\": \"slave\", \"listen\": \"127.0.0.1:1\", \"log\": {\"level\": \"debug\", \"format\": \"json\"}, \"id\": 4}"
        let settings = try load(text) {
            $0.role = "master"
            $0.logLevel = "error"
            $0.id = "7"
            $0.data = "5"
        }.get()
        #expect(settings.role == .master)
        #expect(settings.listen?.port == 1)
        #expect(settings.log == LogSettings(level: .error, format: .json))
        #expect(settings.id?.rawValue == 7)
        #expect(settings.data == "5")
    }

    @Test func `null is as if the key were not there`() throws {
        #expect(
            try load("{\"role\": \"master\", \"limits\": null, \"pool\": {\"idleMs\": null}, \"master\": null}").get() == NodeSettings(role: .master))
    }

    @Test func `all problems come at once, with file, line and key`() {
        let text = """
            {
              "listen": "nowhere",
              "limits": {
                "lineBytes": "many",
                "idelMs": 3,
                "connectionsMax": 0
              },
              "sesion": {},
              "log": {"level": "loud"}, // comment
              "limits.idleMs": 3,
              "pool": {"connectionsMax": 1.5, "connectionsMax": 2}
            }
            """
        let found = problems(text) { $0.role = "boss" }
        #expect(
            found
                == [
                    "node.json:2: listen: must be host:port (port 0: any free one), is \"nowhere\"",
                    "node.json:4: limits.lineBytes: must be 1024 to 1073741824, is \"many\"",
                    "node.json:5: limits.idelMs: unknown key; did you mean \"limits.idleMs\"?",
                    "node.json:6: limits.connectionsMax: must be 1 to 1000000, is 0",
                    "node.json:8: sesion: unknown key; did you mean \"session\"?",
                    "node.json:9: log.level: must be \"trace\", \"debug\", \"info\", \"notice\", \"warning\", \"error\" or \"critical\", is \"loud\"",
                    "node.json:9:29: JSON has no comments: take this one out (a key that is null counts as not given)",
                    "node.json:10: limits.idleMs: unknown key; a dot stands for a section: {\"limits\": {\"idleMs\": 0}}",
                    "node.json:11: pool.connectionsMax: must be 1 to 10000, is 1.5",
                    "node.json:11:35: the key \"connectionsMax\" is already on line 11: keep one of the two",
                    "--role: must be \"master\", \"slave\" or \"witness\", is \"boss\"",
                ])
    }

    @Test(arguments: ["[]", "3", "\"x\"", "null"])
    func `a file that is no object is refused`(text: String) {
        #expect(problems(text).count == 1)
    }

    @Test func `a broken file says nothing of what it lacks, but flags are still checked`() {
        let found = problems("{\"role\" \"master\"}") { $0.listen = "x" }
        #expect(found.count == 2)
        #expect(found.first?.hasPrefix("node.json:1:9: expected \":\"") == true)
    }

    @Test func `a flag mends what is wrong in the role of the file only in its place`() {
        #expect(problems("{\"role\": 3}") { $0.role = "master" } == ["node.json:1: role: must be \"master\", \"slave\" or \"witness\", is 3"])
    }

    @Test func `a section must be an object`() {
        #expect(masterProblems("\"limits\": 3") == ["node.json:1: limits: must be an object, is 3"])
    }

    @Test func `a key in the wrong section is found again`() {
        #expect(masterProblems("\"lineBytes\": 3") == ["node.json:1: lineBytes: unknown key; did you mean \"limits.lineBytes\"?"])
        #expect(masterProblems("\"xyzzy\": 3") == ["node.json:1: xyzzy: unknown key; Docs/Configuration.md lists them all"])
    }

    @Test(arguments: [
        ("limits", "x", nil), ("limits", "limits", nil), ("limits", "limit", nil), ("pool", "connectionMax", "pool.connectionsMax"),
        ("cluster", "nme", "cluster.name"), ("session", "drainMs", "shutdown.drainMs"),
    ])
    func `only a key that is spelt nearly so, in the same section, is thought to be meant`(section: String, name: String, meant: String?) {
        let words = meant.map { "did you mean \"\($0)\"?" } ?? "Docs/Configuration.md lists them all"
        #expect(masterProblems("\"\(section)\": {\"\(name)\": 1}") == ["node.json:1: \(section).\(name): unknown key; \(words)"])
    }

    @Test func `a missing file is a problem, and no file is read unless it is named`() {
        var flags = Flags()
        flags.id = "0"
        guard case .failure(let problems) = NodeSettings.load(file: "/nowhere/node.json", flags: flags) else {
            Issue.record("loaded")
            return
        }
        #expect(problems.description == "/nowhere/node.json: cannot be read: No such file or directory\n--id: must be 1 to 254, is 0")
    }

    @Test func `a folder is no file`() {
        guard case .failure(let problems) = NodeSettings.load(file: "/tmp", flags: Flags()) else {
            Issue.record("loaded")
            return
        }
        #expect(problems.description == "/tmp: cannot be read: Is a directory")
    }

    @Test func `a file is read from the disk, up to its limit`() throws {
        let file = try TemporaryFile("{\"role\": \"master\"}")
        #expect(try NodeSettings.load(file: file.path, flags: Flags()).get().role == .master)
        let large = try TemporaryFile(String(repeating: " ", count: 1 << 20) + "{}")
        guard case .failure(let problems) = NodeSettings.load(file: large.path, flags: Flags()) else {
            Issue.record("loaded")
            return
        }
        #expect(problems.description == "\(large.path): is longer than 1048576 bytes")
    }

    @Test func `what is listed of very many problems has an end`() {
        let text = "{" + (0..<1000).map { "\"k\($0)\": 1" }.joined(separator: ",") + "}"
        guard case .failure(let problems) = load(text) else {
            Issue.record("loaded")
            return
        }
        #expect(problems.problems.count == 1001)
        #expect(problems.description.split(separator: "\n").count == 101)
        #expect(problems.description.hasSuffix("and 901 more problems"))
    }

    @Test func `a reload tells what it can change from what needs a restart`() {
        let old = NodeSettings(role: .master)
        var new = old
        new.limits.idleMs = 5
        new.replication.heartbeatMs = 200
        new.log.format = .json
        new.cluster.secret = Secret(bytes: [1])
        let (changed, fixed) = NodeSettings.reloadable(from: old, to: new)
        #expect(changed == ["limits.idleMs", "replication.heartbeatMs"])
        #expect(fixed == ["cluster.secret", "log.format"])
        var now = old
        now.reload(from: new)
        #expect(NodeSettings.reloadable(from: now, to: new) == ([], fixed))
    }

    @Test func `what a reload can change is what can change without harm`() {
        let wholeSections = ["limits", "session", "outcomes", "verify", "shutdown", "pool"]
        let single = [
            "log.level", "replication.ackTimeoutMs", "replication.heartbeatMs", "replication.peerTimeoutMs", "replication.journalBytesMax",
            "replication.sendBufferBytes",
            "replication.compression", "replication.snapshotAfterTransactions",
            "replication.binlogBytesMax", "replication.binlogKeepMs", "failover.mode", "failover.clientWaitMs", "failover.mayLoseWrites",
            "failover.databaseTimeoutMs",
        ]
        for key in SettingKey.all {
            let section = String(key.path.prefix { $0 != "." })
            #expect(key.isReloadable == (wholeSections.contains(section) || single.contains(key.path)), "\(key.path)")
        }
    }

    @Test func `a secret is never printed`() {
        var settings = NodeSettings(role: .master)
        settings.cluster.secret = Secret(bytes: Array("do not tell anybody".utf8))
        var dumped = ""
        dump(settings, to: &dumped)
        for text in [settings.summary, "\(settings)", String(reflecting: settings), dumped] {
            #expect(!text.contains("anybody") && !text.contains("\(UInt8(ascii: "d")), \(UInt8(ascii: "o"))"))
        }
    }
}

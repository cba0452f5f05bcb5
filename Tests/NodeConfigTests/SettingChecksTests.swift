import ClusterModel
import Testing

@testable import NodeConfig

@Suite struct SettingChecksTests {
    private let secret = "\"cluster\": {\"secret\": \"0123456789abcdef\"}"

    @Test func `a slave needs a master, a master has none`() {
        #expect(problems { $0.role = "slave" } == ["master: must be given for a slave: --master host:port, or \"master\" in the file"])
        let refused = "--master: a master follows nobody: take this out, or make the node a slave"
        #expect(
            problems {
                $0.role = "master"
                $0.master = "127.0.0.1:7001"
            } == [refused])
    }

    @Test func `a slave can't follow itself`() {
        #expect(problems("{\"role\": \"slave\", \"master\": \"127.0.0.1:7\", \"listen\": \"127.0.0.1:7\"}").count == 1)
    }

    @Test func `a witness needs a master, and nothing of a database`() throws {
        #expect(problems { $0.role = "witness" } == ["master: must be given for a witness: --master host:port, or \"master\" in the file"])
        let own = "\"role\": \"witness\", \"master\": \"h:1\""
        let refused = problems("{\(own), \"authentication\": \"accounts\", \"database\": {\"mode\": \"private\", \"options\": {\"sql_mode\": \"\"}}}")
        #expect(refused.count == 3 && refused.allSatisfy { $0.contains("a witness has no database") }, "\(refused)")
        let settings = try load("{\(own), \"listen\": \"10.0.0.1:7001\", \(secret)}").get()
        #expect(settings.warnings == [], "there is no SQL to warn of")
        #expect(settings.id == nil && settings.role == .witness)
    }

    @Test func `beyond this machine a secret is needed`() throws {
        let found = masterProblems("\"listen\": \"10.0.0.1:7001\"")
        #expect(found.count == 1)
        #expect(found.first?.contains("cluster.secretFile") == true)
        let settings = try load("{\"role\": \"master\", \"listen\": \"10.0.0.1:7001\", \(secret)}").get()
        #expect(settings.warnings.count == 1)
        #expect(settings.warnings.first?.contains("authentication") == true)
        #expect(try load("{\"role\": \"master\", \"listen\": \"10.0.0.1:7001\", \(secret), \"authentication\": \"accounts\"}").get().warnings == [])
    }

    @Test(arguments: ["0.0.0.0:7001", "[::]:7001"])
    func `who listens everywhere says where to be found`(listen: String) {
        #expect(masterProblems("\"listen\": \"\(listen)\", \(secret)").count == 1)
        #expect(masterProblems("\"listen\": \"\(listen)\", \"advertise\": \"db1:7001\", \(secret)") == [])
        #expect(masterProblems("\"advertise\": \"\(listen)\"").count == 1)
    }

    @Test(arguments: [(15, false), (16, true), (1024, true), (1025, false)])
    func `a secret has 16 to 1024 bytes`(count: Int, isRight: Bool) throws {
        let text = String(repeating: "s", count: count)
        #expect(masterProblems("\"cluster\": {\"secret\": \"\(text)\"}").isEmpty == isRight)
        let file = try TemporaryFile(text + "\n")
        #expect(masterProblems("\"cluster\": {\"secretFile\": \"\(file.path)\"}").isEmpty == isRight)
    }

    @Test func `a secret's file is read without its line break`() throws {
        let file = try TemporaryFile("0123456789abcdef\r\n")
        let settings = try load("{\"role\": \"master\", \"cluster\": {\"secretFile\": \"\(file.path)\"}}").get()
        #expect(settings.cluster.secret?.bytes == Array("0123456789abcdef".utf8))
    }

    @Test(arguments: [0o640, 0o604, 0o602, 0o700 | 0o010] as [UInt32])
    func `a secret's file that others may open is refused`(mode: UInt32) throws {
        let file = try TemporaryFile("0123456789abcdef", mode: mode)
        let found = masterProblems("\"listen\": \"10.0.0.1:1\", \"cluster\": {\"secretFile\": \"\(file.path)\"}")
        #expect(found.count == 1)
        #expect(found.first?.contains("chmod 600") == true)
    }

    @Test func `a secret is given in one way`() {
        let found = masterProblems("\"cluster\": {\"secret\": \"0123456789abcdef\", \"secretFile\": \"/nowhere\"}")
        #expect(found == ["node.json:1: cluster.secretFile: give either this or cluster.secret, not both"])
    }

    @Test func `a file that shows its secret is warned of`() throws {
        #expect(try load("{\"role\": \"master\", \(secret)}", isOpenToOthers: true).get().warnings.count == 1)
        #expect(try load("{\"role\": \"master\"}", isOpenToOthers: true).get().warnings == [])
    }

    @Test(arguments: ["a b", "", "ü", "a/b", String(repeating: "x", count: 65)])
    func `a cluster's name is plain and short`(name: String) {
        #expect(masterProblems("\"cluster\": {\"name\": \"\(name)\"}").count == 1)
    }

    @Test func `an external database is named, in one way, with a user`() {
        func found(_ members: String) -> [String] { masterProblems("\"database\": {\"mode\": \"external\", \(members)}") }
        #expect(found("\"user\": \"u\"").count == 1)
        #expect(found("\"socket\": \"/s\"").count == 1)
        #expect(found("\"socket\": \"/s\", \"host\": \"h\", \"user\": \"u\"").count == 1)
        #expect(found("\"socket\": \"/s\", \"port\": 1, \"user\": \"u\"").count == 1)
        #expect(found("\"host\": \"h\", \"user\": \"u\", \"options\": {}").count == 1)
        #expect(found("\"host\": \"h\", \"user\": \"u\", \"password\": \"p\", \"passwordFile\": \"/f\"").count == 1)
        #expect(found("\"host\": \"h\", \"user\": \"u\", \"password\": \"p\"") == [])
        #expect(found("\"socket\": \"/s\", \"user\": \"u\"") == [])
    }

    @Test func `what is for an external database is refused for a private one`() {
        #expect(masterProblems("\"database\": {\"host\": \"h\", \"user\": \"u\"}").count == 2)
    }

    @Test func `a database password comes from its file`() throws {
        let file = try TemporaryFile("p\n")
        let text =
            "{\"role\": \"master\", \"database\": {\"mode\": \"external\", \"socket\": \"/s\", \"user\": \"u\", \"passwordFile\": \"\(file.path)\"}}"
        #expect(try load(text).get().database.password?.bytes == [UInt8(ascii: "p")])
    }

    @Test func `options of mariadbd are taken as it writes them`() throws {
        let options = "{\"innodb-buffer-pool-size\": \"1G\", \"table_open_cache\": 200, \"skip_name_resolve\": true, \"port_open_timeout\": 1}"
        let settings = try load("{\"role\": \"master\", \"database\": {\"options\": \(options)}}").get()
        let written = settings.database.options.map { "\($0.name)=\($0.value)" }
        #expect(written == ["innodb_buffer_pool_size=1G", "table_open_cache=200", "skip_name_resolve=ON", "port_open_timeout=1"])
    }

    @Test(arguments: [
        "server_id", "server-id", "log_bin", "log-bin-index", "binlog_format", "gtid_domain_id", "read_only", "rpl_semi_sync_master_enabled",
        "log_slave_updates", "sync_binlog", "socket", "port", "datadir", "skip_networking", "bind-address", "plugin_dir", "init_file",
        "loose_server_id", "skip-log-bin", "loose-skip-networking", "server_i", "gtid", "skip_grant_tables", "--socket", "Server_ID", "",
    ])
    func `an option that the node owns, or that is none, is refused`(name: String) {
        let found = masterProblems("\"database\": {\"options\": {\"\(name)\": 1}}")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("node.json:1: database.options.\(name): ") == true)
    }

    @Test(arguments: ["\"a\\nb\"", "[]", "{}"])
    func `an option's value is on one line`(value: String) {
        #expect(masterProblems("\"database\": {\"options\": {\"sql_mode\": \(value)}}").count == 1)
    }

    @Test func `an option is given once`() {
        #expect(masterProblems("\"database\": {\"options\": {\"sql-mode\": 1, \"sql_mode\": 2}}").count == 1)
    }

    @Test func `files are for a master`() {
        #expect(problems("{\"role\": \"slave\", \"master\": \"h:1\", \"session\": {\"files\": true}}").count == 1)
        #expect(masterProblems("\"session\": {\"files\": true}") == [])
    }

    @Test(arguments: ["0", "2", "\"majority\"", "null"]) func `commits wait for so many`(value: String) {
        #expect(masterProblems("\"replication\": {\"acks\": \(value)}") == [])
    }

    @Test func `commits wait for no other number of nodes`() {
        let found = masterProblems("\"replication\": {\"acks\": \"all\"}")
        #expect(found == ["node.json:1: replication.acks: must be 0 to 16, or \"majority\", is \"all\""])
        #expect(masterProblems("\"replication\": {\"acks\": 17}").count == 1)
    }

    @Test func `a majority counts the master`() {
        #expect([1, 2, 3, 4, 5].map { CommitAcks.majority.copies(voters: $0) } == [1, 2, 2, 3, 3])
        #expect([1, 2, 3, 4, 5].map { CommitAcks.automatic.copies(voters: $0) } == [1, 1, 2, 3, 3])
        #expect(CommitAcks.slaves(2).copies(voters: 1) == 3)
    }

    @Test func `a peer's timeout is more than two heartbeats`() {
        #expect(masterProblems("\"replication\": {\"heartbeatMs\": 5000}").count == 1)
        #expect(masterProblems("\"replication\": {\"heartbeatMs\": 4999}") == [])
        #expect(masterProblems("\"replication\": {\"heartbeatMs\": 5000, \"peerTimeoutMs\": \"x\"}").count == 1)
    }

    @Test func `a journal holds two segments at least`() {
        #expect(masterProblems("\"replication\": {\"journalSegmentBytes\": 16777216, \"journalBytesMax\": 33554431}").count == 1)
        #expect(masterProblems("\"replication\": {\"journalSegmentBytes\": 16777216, \"journalBytesMax\": 33554432}") == [])
    }
}

import Foundation
import Glibc
import LineProtocol
import Testing

extension WholeClusters {
    /// Connections that break while something is asked over them.
    @Suite struct Losses {
        /// Twenty large rows, then a long silence.
        private static let rows = "SELECT seq, REPEAT('x', 40000), IF(seq = 20, SLEEP(60), 0) FROM seq_1_to_30"

        /// A transaction through a slave that has got some of its rows, and waits for more.
        private func withRows(_ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(slaves: 1) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.waitForSlaves()
                let client = try cluster.slave(1).connect()
                try client.ok("USE d")
                try client.ok("BEGIN")
                try client.ask(Self.rows)
                guard case .columns(_) = try client.event() else { throw NotInTime(description: "no columns") }
                for _ in 0..<15 { guard case .row(_) = try client.event() else { throw NotInTime(description: "no row") } }
                try waitUntil("it sleeps") { try cluster.master.root("SHOW PROCESSLIST").contains("SLEEP(60)") }
                try body(cluster, client)
            }
        }

        /// The rows that still come, whole, and the error that ends them.
        private func rest(_ client: Client) throws -> String {
            while true {
                switch try client.event() {
                case .row(let values): #expect(values.count == 3 && values[1]?.count == 40000)
                case .endError(let failure): return failure.code
                case let other: throw NotInTime(description: "\(other)")
                }
            }
        }

        @Test func `a result set that is passed on ends with an error when the master goes`() throws {
            try withRows { cluster, client in
                cluster.master.kill()
                #expect(try rest(client) == "CONNECTION-LOST")
                try client.ok("ROLLBACK")
                #expect(try client.value("SELECT 1") == "1", "the session goes on")
                try client.refused("MASTER-UNREACHABLE", "BEGIN")
            }
        }

        @Test func `a result set that is passed on ends with an error when the master's database connection goes`() throws {
            try withRows { cluster, client in
                try cluster.master.root("KILL \(cluster.master.process(running: "SLEEP(60)"))")
                #expect(try rest(client) == "CONNECTION-LOST")
                try client.ok("BEGIN")
                #expect(try client.value("SELECT 1") == "1", "a new transaction")
                try client.ok("COMMIT")
            }
        }

        @Test func `a result set ends after a whole row, though the master goes in the middle of one`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (text, json) = (try cluster.slave(1).connect(), try cluster.slave(1).connect())
                try json.send(".format json\n")
                #expect(try json.line().hasPrefix(#"{"ok":"#))
                for client in [text, json] {
                    try client.send("BEGIN\n")
                    _ = try client.line()
                    // More than the sockets on the way take: nobody reads, so most of it waits in the master's node and database.
                    try client.ask("SELECT seq, REPEAT('x', 3000000) FROM mysql.seq_1_to_2000")
                }
                let stuck = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT seq%' AND time_ms > 1000"
                try waitUntil("both have some") { try cluster.master.root(stuck) == "2" }
                cluster.master.kill()

                #expect(try text.line() == "ROWS seq\tREPEAT('x', 3000000)")
                var (rows, line) = (0, try text.line())
                while !line.hasPrefix("\\.") {
                    rows += 1
                    try #require(line.utf8.count == "\(rows)\t".utf8.count + 3_000_000, "row \(rows)")
                    line = try text.line()
                }
                #expect(line.hasPrefix("\\. ERR CONNECTION-LOST 08007 ") && (1..<2000).contains(rows), "\(rows) rows, \(line)")

                let object = try #require(JSONSerialization.jsonObject(with: Data(json.line().utf8)) as? [String: Any])
                #expect((object["error"] as? [String: Any])?["code"] as? String == "CONNECTION-LOST" && object["end"] == nil)
                let values = (object["rows"] as? [[Any]])?.map { ($0.last as? String)?.utf8.count }
                #expect(values?.allSatisfy { $0 == 3_000_000 } ?? false)

                try text.ok("ROLLBACK")
                #expect(try text.value("SELECT 1") == "1", "the session goes on")
                try json.send("ROLLBACK\nSELECT 1\n")
                #expect(try json.line().hasPrefix(#"{"ok":"#))
                #expect(try json.line().hasPrefix(#"{"columns":"#))
            }
        }

        @Test func `a read that the database was given is not run again when the database dies`() throws {
            try Cluster.run(slaves: 1) { cluster in
                for node in cluster.nodes {
                    let client = try node.connect()
                    try client.ask("SELECT SLEEP(20)")
                    try waitUntil("it sleeps") { try node.root("SHOW PROCESSLIST").contains("SLEEP(20)") }
                    let old = try #require(node.databasePID)
                    try node.killDatabase()
                    var reply = Reply()
                    let took = try timed { reply = try client.reply() }
                    #expect(reply.error?.code == "CONNECTION-LOST", "\(node.name)")
                    #expect(took < .seconds(5), "\(node.name)")
                    try waitUntil("the database is started again") { node.databasePID.map { $0 != old } ?? false }
                    try node.waitUntilServing()
                    #expect(try client.value("SELECT 2") == "2", "\(node.name)")
                    #expect(try !node.root("SHOW PROCESSLIST").contains("SLEEP(20)"), "\(node.name)")
                }
            }
        }

        @Test func `a read that is killed is not run again`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let client = try cluster.master.connect()
                try client.ask("SELECT SLEEP(20)")
                try waitUntil("it sleeps") { try cluster.master.root("SHOW PROCESSLIST").contains("SLEEP(20)") }
                try cluster.master.root("KILL \(cluster.master.process(running: "SLEEP(20)"))")
                var reply = Reply()
                let took = try timed { reply = try client.reply() }
                #expect(reply.error?.code == "CONNECTION-LOST", "\(took)")
                #expect(took < .seconds(5), "\(took)")
                #expect(try client.value("SELECT 2") == "2")
            }
        }

        @Test func `a read works though its idle connection was killed, also where the node has not heard of it`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let master = cluster.master
                let client = try master.connect()
                let clients = "FROM information_schema.processlist WHERE user = 'ddbnode_client'"
                for isStopped in [false, true] {
                    let id = try client.value("SELECT CONNECTION_ID()")
                    // Stopped, it finds the request first and hears of the connection's end after.
                    if isStopped {
                        try master.hold()
                        try client.ask("SELECT CONNECTION_ID()")
                    }
                    try master.root(try master.root("SELECT GROUP_CONCAT('KILL ', id SEPARATOR ';') \(clients)"))
                    try waitUntil("the connections are gone") { try master.root("SELECT COUNT(*) \(clients)") == "0" }
                    if isStopped { master.signal(SIGCONT) } else { try client.ask("SELECT CONNECTION_ID()") }
                    let reply = try client.reply()
                    #expect(reply.error == nil && reply.rows != [[id]], "\(reply.words)")
                }
            }
        }
    }
}

extension NodeProcess {
    /// The id of the connection whose statement holds that text.
    func process(running text: String) throws -> String {
        try root("SELECT id FROM information_schema.processlist WHERE info LIKE '%\(text)%' AND id <> CONNECTION_ID()")
    }
}

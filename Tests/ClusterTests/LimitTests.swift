import Glibc
import LineProtocol
import Testing

extension WholeClusters {
    /// Every limit holds, is told in words, and hurts only who meets it.
    @Suite struct Limits {
        @Test func `limits of requests, clients and time`() throws {
            let settings = [
                "limits": #"{"lineBytes": 2048, "connectionsMax": 5, "idleMs": 1500, "statementMs": 700}"#, "pool": #"{"connectionsMax": 2}"#,
            ]
            try Cluster.run(slaves: 0, settings) { cluster in
                let client = try cluster.master.connect()
                try client.refused("LINE-TOO-LONG", "SELECT '\(String(repeating: "x", count: 5000))'")
                #expect(try client.value("SELECT 1") == "1", "the connection goes on")
                let took = try timed { _ = try client.run("SELECT SLEEP(20)") }
                #expect(took > .milliseconds(500) && took < .seconds(5))
                var others: [Client] = []
                for _ in 0..<4 { others.append(try cluster.master.connect()) }
                for other in others { try other.ok(".ping") }
                #expect(try cluster.master.connect().reply().error?.code == "TOO-MANY-CONNECTIONS")
                others = []
                #expect(try client.reply().error?.code == "IDLE-TIMEOUT")
                #expect(throws: ClientError.closed) { try client.reply() }
            }
        }

        @Test func `a node without descriptors turns new clients away in words, and takes them again later`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let first = try cluster.master.connect()
                #expect(try first.value("SELECT 1") == "1")
                #expect(Processes.shell("prlimit --pid \(cluster.master.pid) --nofile=64:64").code == 0)
                var (taken, refusals): ([Client], [String]) = ([], [])
                for _ in 0..<80 {
                    let client = try cluster.master.connect()
                    // Whoever is turned away may find the connection closed before its request is read.
                    guard let reply = try? client.run(".ping") else { continue }
                    if let error = reply.error { refusals.append(error.code) } else { taken.append(client) }
                }
                #expect(taken.count > 10 && taken.count < 60, "\(taken.count) taken")
                #expect(!refusals.isEmpty && Set(refusals) == ["TOO-MANY-CONNECTIONS"], "\(refusals)")
                for client in taken + [first] { try client.ok(".ping") }
                #expect(cluster.master.logText.contains("no descriptor left for new clients"))
                for client in taken { client.close() }
                try waitUntil("a new client is taken") { (try? cluster.master.connect().value("SELECT 2")) == "2" }
            }
        }

        @Test func `a pool in use is told, and free again later`() throws {
            try Cluster.run(slaves: 0, ["pool": #"{"connectionsMax": 2}"#]) { cluster in
                let holders = try (0..<2).map { _ in try cluster.master.connect() }
                for holder in holders { try holder.ok("BEGIN") }
                try cluster.master.connect().refused("POOL-EXHAUSTED", "SELECT 1")
                #expect(try holders[0].value("SELECT 2") == "2")
                try holders[1].ok("COMMIT")
                #expect(try cluster.master.connect().value("SELECT 3") == "3")
            }
        }

        @Test func `2,000 idle clients cost little`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let before = cluster.master.memory
                var clients: [Client] = []
                for _ in 0..<2000 { clients.append(try cluster.master.connect()) }
                for client in clients { try client.ok(".ping") }
                for client in clients.prefix(200) { #expect(try client.value("SELECT 1") == "1") }
                let grown = cluster.master.memory - before
                #expect(grown < 40 << 20, "grown by \(grown >> 20) MB")
                let connections = try #require(
                    Int(try clients[0].value("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'ddbnode_client'") ?? ""))
                #expect(connections <= 64)
            }
        }

        @Test func `64 MB of rows come whole, and a client that does not read holds up nobody`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let lazy = try cluster.master.connect()
                try lazy.ok("CREATE DATABASE d")
                try lazy.ok("USE d")
                let sql = "SELECT seq, REPEAT('x', 1024) FROM seq_1_to_65536"
                let before = cluster.master.memory
                try lazy.ask(sql)
                let other = try cluster.master.connect()
                try waitUntil("the node waits for the client") {
                    try other.value("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT seq%'") == "1"
                }
                for number in 0..<200 {
                    let took = try timed { _ = try other.value("SELECT \(number)") }
                    #expect(took < .seconds(2))
                }
                let grown = cluster.master.memory - before
                #expect(grown < 32 << 20, "grown by \(grown >> 20) MB")
                guard case .columns(_) = try lazy.event() else { throw NotInTime(description: "no columns") }
                var rows = 0
                while case .row(let values) = try lazy.event() {
                    rows += 1
                    guard values[1]?.count == 1024 else { throw NotInTime(description: "row \(rows) is not whole") }
                }
                #expect(rows == 65536)
                #expect(cluster.master.memory - before < 48 << 20)
            }
        }
    }
}

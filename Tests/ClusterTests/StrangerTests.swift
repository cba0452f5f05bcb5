import Glibc
import LineProtocol
import Testing

extension WholeClusters {
    /// Connections that never say who they are keep no node and no known client out.
    @Suite struct Strangers {
        @Test func `a slave joins, and a slave takes over, while clients' places are all taken`() throws {
            let settings = [
                "limits": #"{"connectionsMax": 50}"#, "failover": #"{"electionTimeoutMs": 1000}"#,
            ]
            try Cluster.run(settings) { cluster in
                let (master, slave) = (cluster.master, cluster.slave(1))
                let held = try cluster.nodes.map { node in try (0..<150).map { _ in try node.connect(timeout: 10) } }
                let asked = try waitFor("a place among the clients") { held[0].first }
                try asked.ok("CREATE DATABASE d")
                try slave.stop()
                try slave.launch()
                try waitUntil("the slave is back") { (try? slave.status("link").hasPrefix("receiving")) ?? false }
                master.kill()
                try waitUntil("another node leads") {
                    try cluster.slaves.contains { try Self.answers($0, held, cluster) }
                }
            }
        }

        /// Whether that node leads, as one of the clients that hold its places hears, or a new one.
        private static func answers(_ node: NodeProcess, _ held: [[Client]], _ cluster: Cluster) throws -> Bool {
            let index = cluster.nodes.firstIndex { $0 === node } ?? 0
            let reply = try (try? held[index][0].run(".role")) ?? node.connect().run(".role")
            return reply.word("role") == "master"
        }

        @Test func `a slave joins while hundreds of links that say nothing are open`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let slave = cluster.slave(1)
                try slave.stop()
                let silent = try (0..<400).map { _ in
                    let client = try cluster.master.connect(timeout: 10)
                    try client.send(".link 1\n")
                    return client
                }
                try slave.launch()
                try waitUntil("the slave is back", within: 15) { (try? slave.status("link").hasPrefix("receiving")) ?? false }
                try waitUntil("those that said nothing are gone") { silent.allSatisfy { $0.isClosedByPeer } }
            }
        }

        @Test func `before a login a line is short, and behind one it is as long as it may be`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let node = cluster.master
                try node.connect().ok("CREATE USER u@localhost IDENTIFIED BY 'right'")
                try node.stop()
                node.settings["authentication"] = #""accounts""#
                try node.launch()
                try waitUntil("it lets the account in") { (try? node.connect().run(".auth u right").error == nil) ?? false }
                let before = node.memory
                let piece = [UInt8](repeating: 0x78, count: 1 << 20)
                let clients = try (0..<100).map { number in
                    let client = try node.connect(timeout: 10)
                    if number % 2 == 0 { try client.send(".sql \(15 << 20)\n") }
                    for _ in 0..<4 { try client.send(piece) }
                    return client
                }
                for client in clients { #expect(try client.reply().error?.code == "LINE-TOO-LONG") }
                #expect(node.memory - before < 64 << 20, "grown by \((node.memory - before) >> 20) MB")
                let client = try node.connect()
                let long = String(repeating: "y", count: 1 << 20)
                try client.send(".auth u right\nSELECT LENGTH('\(long)')\n")
                #expect(try client.reply().error == nil)
                #expect(try client.reply().rows == [["\(1 << 20)"]])
            }
        }

        @Test func `the slave's database reaches its journal while others hold connections to it`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let slave = cluster.slave(1)
                let status = try slave.root("SHOW SLAVE STATUS").split(separator: "\t", omittingEmptySubsequences: false)
                let port = try #require(UInt16(status[3]), "\(status)")
                let holders = try (0..<60).map { _ in try Client(port: port, timeout: 10) }
                try slave.root("STOP SLAVE; START SLAVE")
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try waitUntil("it is applied", within: 20) { try slave.root("SHOW DATABASES LIKE 'd'") == "d" }
                try waitUntil("the others are gone") { holders.allSatisfy { $0.isClosedByPeer } }
            }
        }
    }
}

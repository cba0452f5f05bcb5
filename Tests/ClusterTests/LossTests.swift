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
                        master.signal(SIGSTOP)
                        try waitUntil("the node stands still") { Processes.isStopped(master.pid) }
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
    fileprivate func process(running text: String) throws -> String {
        try root("SELECT id FROM information_schema.processlist WHERE info LIKE '%\(text)%' AND id <> CONNECTION_ID()")
    }
}

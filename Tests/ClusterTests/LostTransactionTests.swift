import Testing

extension WholeClusters {
    /// A client may send all of a transaction at once: what is left of one that is lost must not run by itself.
    @Suite struct LostTransactions {
        private func run(_ body: (Cluster) throws -> Void) throws {
            try Cluster.run(slaves: 1, ["failover": #"{"mode": "manual", "clientWaitMs": 0}"#]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster)
            }
        }

        private func insert(_ id: Int) -> String { "INSERT INTO d.t VALUES (\(id))" }

        private func ids(_ cluster: Cluster) throws -> [String] { try cluster.master.connect().rows("SELECT id FROM d.t ORDER BY id") }

        /// Sends them at once; gives each one's error code, "" for none.
        private func codes(_ client: Client, _ requests: [String]) throws -> [String] {
            try client.send(requests.joined(separator: "\n") + "\n")
            return try requests.map { _ in try client.reply().error?.code ?? "" }
        }

        private func lose(_ cluster: Cluster) throws {
            let old = try #require(cluster.master.databasePID)
            try cluster.master.killDatabase()
            try waitUntil("the database is started again") { cluster.master.databasePID.map { $0 != old } ?? false }
            try cluster.master.waitUntilServing()
        }

        private let lost = "CONNECTION-LOST"

        @Test func `what follows in a transaction that is lost gets the same answer until ROLLBACK`() throws {
            try run { cluster in
                let clients = try cluster.nodes.map { try $0.connect() }
                for (number, client) in clients.enumerated() {
                    try client.ok("BEGIN")
                    try client.ok(insert(number))
                }
                try lose(cluster)
                for client in clients {
                    // The second BEGIN was sent before the client was told.
                    let told = try codes(client, [insert(13), "nonsense", insert(14), "COMMIT", "BEGIN", insert(15), "COMMIT", "SELECT 1"])
                    #expect(told == Array(repeating: lost, count: 8))
                    for sql in [insert(16), "SELECT 1", "SAVEPOINT a", "ROLLBACK TO a", "COMMIT", "SET @x = 1"] {
                        #expect(try client.refused(lost, sql).contains("send ROLLBACK"))
                    }
                    try client.ok("ROLLBACK")
                    try client.ok("SELECT 1")
                }
                #expect(try ids(cluster) == [])
                for (number, client) in clients.enumerated() { try client.ok(insert(20 + number)) }
                #expect(try ids(cluster) == ["20", "21"])
            }
        }

        @Test func `a transaction that dies with its master ends at ROLLBACK, sent along or not, and at a BEGIN that was sent later`() throws {
            try run { cluster in
                let clients = try (0..<3).map { _ in try cluster.slave(1).connect() }
                for (number, client) in clients.enumerated() {
                    try client.ok("BEGIN")
                    try client.ok(insert(number))
                }
                cluster.master.kill()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try waitUntil("the slave follows") { try cluster.slave(1).status("link").hasPrefix("receiving") }
                #expect(try codes(clients[0], [insert(10), "ROLLBACK", insert(11), "SELECT 1"]) == [lost, "", "", ""])
                #expect(try codes(clients[1], [insert(12), "COMMIT"]) == [lost, lost])
                #expect(try codes(clients[1], ["BEGIN", insert(13), "COMMIT"]) == ["", "", ""])
                #expect(try codes(clients[2], [insert(14), ".reset", insert(15)]) == [lost, "", ""])
                #expect(try ids(cluster) == ["11", "13", "15"])
            }
        }

        @Test func `with autocommit off each statement is of a transaction, and stays so`() throws {
            try run { cluster in
                let clients = try cluster.nodes.map { try $0.connect() }
                for (number, client) in clients.enumerated() {
                    try client.ok("SET autocommit = 0")
                    try client.ok(insert(number))
                }
                try lose(cluster)
                for (number, client) in clients.enumerated() {
                    #expect(try codes(client, [insert(13), "COMMIT", insert(14)]) == [lost, lost, lost])
                    try client.refused(lost, insert(15))
                    try client.ok("ROLLBACK")
                    #expect(try client.value("SELECT @@autocommit") == "0")
                    try client.ok(insert(16))
                    try client.ok("ROLLBACK")
                    try client.ok(insert(20 + number))
                    try client.ok("COMMIT")
                }
                #expect(try ids(cluster) == ["20", "21"])
            }
        }

        @Test func `what follows a BEGIN that could not be run is not run either`() throws {
            try run { cluster in
                let client = try cluster.slave(1).connect()
                cluster.master.kill()
                let away = "MASTER-UNREACHABLE"
                for begin in ["BEGIN", "SET autocommit = 0", "XA START 'a'", "COMMIT AND CHAIN"] {
                    #expect(try codes(client, [begin, "SELECT 1", insert(1)]) == [away, away, away], "\(begin)")
                    try client.refused(away, "SELECT 1")
                    try client.ok(".reset")
                }
                #expect(try codes(client, ["BEGIN", insert(1)]) == [away, away])
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try waitUntil("the slave follows") { try cluster.slave(1).status("link").hasPrefix("receiving") }
                #expect(try codes(client, [insert(2), "COMMIT"]) == [away, away])
                #expect(try codes(client, ["BEGIN", insert(3), "COMMIT"]) == ["", "", ""])
                #expect(try ids(cluster) == ["3"])
            }
        }

        @Test func `state that is lost is told to all that was sent with it, and no longer`() throws {
            try run { cluster in
                let clients = try cluster.nodes.map { try $0.connect() }
                for client in clients { try client.ok("SET @x = 5") }
                let locking = try cluster.master.connect()
                try locking.ok("LOCK TABLES d.t READ")
                try lose(cluster)
                #expect(try codes(locking, ["SELECT 1", "SELECT 1"]) == [lost, lost])
                for (number, client) in clients.enumerated() {
                    let sql = "INSERT INTO d.t VALUES (COALESCE(@x, 0))"
                    #expect(try codes(client, [sql, sql, insert(6)]) == [lost, lost, lost])
                    try client.ok(insert(20 + number))
                }
                #expect(try ids(cluster) == ["20", "21"])
            }
        }

        @Test func `a connection that is killed is a transaction lost, a deadlock is as MariaDB has it`() throws {
            try run { cluster in
                let client = try cluster.master.connect()
                try client.ok("BEGIN")
                try client.ok(insert(1))
                let number = try #require(try client.value("SELECT CONNECTION_ID()"))
                try cluster.master.root("KILL \(number)")
                #expect(try codes(client, [insert(2), insert(3), "COMMIT"]) == [lost, lost, lost])
                try client.ok("ROLLBACK")
                for id in [1, 2] { try client.ok(insert(id)) }
                let other = try cluster.master.connect()
                try client.ok("BEGIN")
                try other.ok("BEGIN")
                for id in 30..<60 { try other.ok(insert(id)) }
                try other.ok("UPDATE d.t SET id = 12 WHERE id = 2")
                try client.ok("UPDATE d.t SET id = 11 WHERE id = 1")
                try other.ask("UPDATE d.t SET id = 21 WHERE id = 1")
                try waitUntil("it waits") { try cluster.master.root("SELECT COUNT(*) FROM information_schema.innodb_lock_waits") != "0" }
                #expect(try codes(client, ["UPDATE d.t SET id = 22 WHERE id = 2", insert(70)]) == ["1213", ""])
                #expect(try other.reply().error == nil)
                try other.ok("ROLLBACK")
                #expect(try ids(cluster) == ["1", "2", "70"])
            }
        }
    }
}

import Glibc
import Testing

extension WholeClusters {
    /// What reads promise.
    @Suite struct Consistency {
        private func run(_ body: (Cluster, Client) throws -> Void) throws {
            try Cluster.run(["replication": #"{"ackTimeoutMs": 1500}"#, "session": #"{"readYourWritesMs": 1500}"#]) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                try cluster.waitForSlaves()
                try body(cluster, client)
            }
        }

        private func linearizable(_ node: NodeProcess) throws -> Client {
            let reader = try node.connect()
            #expect(try reader.ok(".consistency linearizable").fields["consistency"] == "linearizable")
            return reader
        }

        @Test func `a linearizable read misses no acknowledged write, on any node`() throws {
            try run { cluster, client in
                let readers = try cluster.nodes.map { try linearizable($0) }
                for value in 1...100 {
                    try client.ok("INSERT INTO d.t VALUES (\(value))")
                    let reader = readers[value % readers.count]
                    #expect(try reader.value("SELECT COUNT(*) FROM d.t") == "\(value)", "node \(value % readers.count)")
                }
            }
        }

        @Test func `a linearizable read waits for a slave that does not apply, and fails in time`() throws {
            try run { cluster, client in
                let slave = cluster.slave(1)
                let (sure, local) = (try linearizable(slave), try slave.connect())
                try local.ok(".consistency local")
                // A lock that the database's replica waits for, past the node.
                let (socket, lock) = (Processes.quoted(slave.socket), "LOCK TABLES d.t READ; SELECT SLEEP(60)")
                let locked = Background { Processes.shell("mariadb --no-defaults -S \(socket) -uroot -e '\(lock)'").code }
                try waitUntil("the table is locked") { try slave.root("SHOW PROCESSLIST").contains("SLEEP(60)") }
                try client.ok("INSERT INTO d.t VALUES (1)")
                #expect(try local.value("SELECT COUNT(*) FROM d.t") == "0")
                try sure.refused("STALE-READ", "SELECT COUNT(*) FROM d.t")
                try slave.root("KILL \(slave.process(running: "SLEEP(60)"))")
                _ = try locked.value()
                try waitUntil("it applies") { try sure.run("SELECT COUNT(*) FROM d.t").rows.first?.first == "1" }
            }
        }

        @Test func `without the others' answer nothing is confirmed`() throws {
            try run { cluster, client in
                let (onMaster, onSlave) = (try linearizable(cluster.master), try linearizable(cluster.slave(1)))
                #expect(try onMaster.value("SELECT 1") == "1")
                cluster.slave(2).kill()
                #expect(try onMaster.value("SELECT 1") == "1", "two of three are enough")
                try cluster.slave(1).hold()
                try onMaster.refused("NO-QUORUM", "SELECT 1")
                #expect(try client.value("SELECT 1") == "1", "other reads go on")
                cluster.slave(1).signal(SIGCONT)
                try waitUntil("confirmed again") { try onMaster.run("SELECT 1").error == nil }
                cluster.master.kill()
                try onSlave.refused("MASTER-UNREACHABLE", "SELECT 1")
                try onSlave.ok(".reset")
                #expect(try onSlave.value("SELECT 1") == "1")
            }
        }

        @Test func `reads can be bounded in age`() throws {
            try run { cluster, client in
                let reader = try cluster.slave(1).connect()
                #expect(try reader.ok(".max-staleness 3000").fields["max_staleness_ms"] == "3000")
                try waitUntil("it is fresh") { try reader.run("SELECT 1").error == nil }
                try cluster.master.hold()
                try waitUntil("it is too old") { try reader.run("SELECT 1").error?.code == "STALE-READ" }
                try reader.ok(".max-staleness off")
                #expect(try reader.value("SELECT 1") == "1")
                cluster.master.signal(SIGCONT)
                try reader.ok(".max-staleness 3000")
                try waitUntil("it is fresh again") { try reader.run("SELECT 1").error == nil }
                try reader.refused("BAD-REQUEST", ".max-staleness soon")
                try reader.refused("BAD-REQUEST", ".consistency strong")
                try client.ok("INSERT INTO d.t VALUES (1)")
            }
        }
    }
}

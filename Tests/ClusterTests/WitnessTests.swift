import Dispatch
import Glibc
import Synchronization
import Testing

extension WholeClusters {
    /// Two nodes with data, and one that only votes.
    @Suite struct Witness {
        private static let settings = ["failover": #"{"mode": "automatic", "clientWaitMs": 20000}"#]

        /// A master, a slave, a witness, all of which vote and are in sync; and a table.
        private func run(_ settings: [String: String] = Witness.settings, _ body: (Cluster, NodeProcess) throws -> Void) throws {
            try Cluster.run(slaves: 1, settings) { cluster in
                let witness = try cluster.addWitness(settings)
                defer { witness.kill() }
                do {
                    try witness.launch()
                    try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=witness" }
                    try waitUntil("both are in sync") { try witness.status("in_sync") == "1,2" && cluster.master.status("in_sync") == "1,2" }
                    let client = try cluster.master.connect()
                    try client.ok("CREATE DATABASE d")
                    try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY)")
                    try cluster.waitForSlaves()
                    try body(cluster, witness)
                } catch {
                    print("--- the witness's log:\n\(witness.logText)")
                    throw error
                }
            }
        }

        /// Its link, in words; nothing while it starts.
        private func state(of witness: NodeProcess) -> String { (try? witness.status("link")) ?? "" }

        private func requireWhole(_ cluster: Cluster, _ witness: NodeProcess, rows: [String]) throws {
            try waitUntil("both are in sync again") { try witness.status("in_sync") == "1,2" && cluster.waitForLeader().status("in_sync") == "1,2" }
            for node in cluster.nodes { try node.waitUntilServing() }
            try cluster.requireSameEverywhere()
            for node in cluster.nodes { #expect(try node.connect().rows("SELECT v FROM d.t ORDER BY v") == rows, "\(node.name)") }
        }

        @Test func `a witness answers what needs no data, and sends clients to the master`() throws {
            try run { cluster, witness in
                let client = try witness.connect()
                #expect(try client.ok(".ping").word("role") == "witness")
                let role = try client.ok(".role")
                #expect(role.word("role") == "witness" && role.word("master") == "127.0.0.1:\(cluster.master.port)")
                #expect(
                    try client.rows(".nodes").map { $0.split(separator: "|").prefix(2).joined(separator: " ") } == [
                        "1 master", "2 slave", "3 witness",
                    ])
                #expect(try client.rows(".nodes")[2].contains("|voting|"))
                try waitUntil("the slave sees it") {
                    try cluster.slave(1).connect().rows(".nodes").last?.contains("|witness|127.0.0.1:\(witness.port)|voting|") ?? false
                }
                for request in ["SELECT 1", "DROP TABLE d.t", ".wait 0-1-1", ".verify", ".promote"] {
                    let words = try client.refused("NOT-MASTER", request)
                    #expect(words.contains("is a witness and holds no data; the master is at 127.0.0.1:\(cluster.master.port)"), "\(words)")
                }
                #expect(try witness.status("database") == "none" && witness.status("health").hasPrefix("All is well"))
                #expect(access(witness.data + "/mariadb", F_OK) != 0 && access(witness.data + "/journal", F_OK) != 0)
                let master = try cluster.master.connect()
                try master.ok("INSERT INTO d.t VALUES (1)")
                #expect(try cluster.master.status("failover").hasPrefix("automatic: 2 of 3"))
                #expect(try cluster.master.status("health").hasPrefix("All is well: 1 slave "))
                #expect(try master.ok(".verify d").rows.allSatisfy { $0[2] == "2" && $0[4] == "same" }, "the witness is not compared")
            }
        }

        @Test func `the slave takes over with the witness's vote, and goes on alone`() throws {
            try run { cluster, witness in
                let old = cluster.master
                let client = try cluster.slave(1).connect()
                try client.ok("INSERT INTO d.t VALUES (1)")
                old.kill()
                try client.ok("INSERT INTO d.t VALUES (2)")
                #expect(try client.ok(".role").word("role") == "master")
                #expect(try witness.status("in_sync") == "2", "before it answered alone")
                try client.ok("INSERT INTO d.t VALUES (3)")
                try old.launch()
                try requireWhole(cluster, witness, rows: ["1", "2", "3"])
                #expect(try old.connect().ok(".role").word("role") == "slave")
                try client.ok("INSERT INTO d.t VALUES (4)")
                cluster.slave(1).kill()
                let back = try old.connect()
                try back.ok("INSERT INTO d.t VALUES (5)")
                try cluster.slave(1).launch()
                try requireWhole(cluster, witness, rows: ["1", "2", "3", "4", "5"])
            }
        }

        @Test func `a slave that missed something does not become master, though the witness is there`() throws {
            try run { cluster, witness in
                let (master, slave) = (cluster.master, cluster.slave(1))
                let client = try master.connect()
                try client.ok("INSERT INTO d.t VALUES (1)")
                slave.kill()
                try client.ok("INSERT INTO d.t VALUES (2)")
                #expect(try witness.status("in_sync") == "1" && master.status("in_sync") == "1")
                master.kill()
                try slave.launch()
                try slave.waitUntilServing()
                #expect(try slave.connect().ok(".role").word("role") == "candidate")
                let until = ContinuousClock.now + .seconds(6)
                while ContinuousClock.now < until {
                    #expect(try slave.connect().ok(".role").word("role") != "master")
                    usleep(50_000)
                }
                try slave.connect().refused("NO-QUORUM", ".promote")
                try master.launch()
                try requireWhole(cluster, witness, rows: ["1", "2"])
                #expect(try master.connect().ok(".role").word("role") == "master")
            }
        }

        @Test func `without its witness both go on, and it keeps what it recorded`() throws {
            try run { cluster, witness in
                let (master, slave) = (cluster.master, cluster.slave(1))
                let client = try master.connect()
                witness.kill()
                for value in 1...20 { try client.ok("INSERT INTO d.t VALUES (\(value))") }
                try waitUntil("it is told") { try master.status("health").contains("its witness, node 3") }
                #expect(try client.ok(".role").word("role") == "master")
                try witness.launch()
                try waitUntil("it is back") { state(of: witness).hasPrefix("attending") }
                #expect(try witness.status("in_sync") == "1,2" && witness.connect().ok(".role").word("node") == "3")
                let epoch = try witness.connect().ok(".role").word("epoch")
                // What it has on disk is all that the election goes by.
                witness.kill()
                master.kill()
                try witness.launch()
                try waitUntil("the other leads") { try slave.connect().ok(".role").word("role") == "master" }
                #expect(try slave.connect().value("SELECT COUNT(*) FROM d.t") == "20")
                try slave.connect().ok("INSERT INTO d.t VALUES (21)")
                #expect(try witness.connect().ok(".role").word("epoch") != epoch)
                try master.launch()
                try requireWhole(cluster, witness, rows: (1...21).map { "\($0)" }.sorted { Int($0) ?? 0 < Int($1) ?? 0 })
            }
        }

        @Test func `a planned change of master goes by the witness, too`() throws {
            try run { cluster, witness in
                let client = try cluster.slave(1).connect()
                for (round, node) in [cluster.master, cluster.slave(1)].enumerated() {
                    try node.connect().ok(".switchover")
                    try client.ok("INSERT INTO d.t VALUES (\(round))")
                    try waitUntil("both are in sync again") { try witness.status("in_sync") == "1,2" }
                }
                try cluster.master.connect().refused("UNKNOWN-NODE", ".switchover 9")
                try cluster.master.connect().refused("NOT-READY", ".switchover 3")
                try requireWhole(cluster, witness, rows: ["0", "1"])
            }
        }

        @Test func `where no election is held, a master that comes back goes on with what the witness knows`() throws {
            try run(["failover": #"{"mode": "manual"}"#]) { cluster, witness in
                cluster.slave(1).kill()
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (1)")
                #expect(try witness.status("in_sync") == "1")
                cluster.master.kill()
                try cluster.master.launch()
                try cluster.master.waitUntilServing()
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (2)")
                #expect(try witness.status("in_sync") == "1" && cluster.master.connect().ok(".role").word("epoch") == "1")
                try cluster.slave(1).launch()
                try requireWhole(cluster, witness, rows: ["1", "2"])
                cluster.master.kill()
                try cluster.slave(1).connect().ok(".promote")
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (3)")
                #expect(try witness.status("in_sync") == "2")
            }
        }

        @Test func `what was acknowledged survives one kill after the other`() throws {
            try run { cluster, witness in
                let writer = SteadyWriter(cluster.nodes.map(\.port))
                for _ in 0..<4 {
                    let old = try cluster.waitForLeader()
                    let before = writer.acknowledged
                    try waitUntil("it writes") { writer.acknowledged > before + 50 }
                    old.kill()
                    let after = writer.acknowledged
                    try waitUntil("it writes again") { writer.acknowledged > after + 50 }
                    try old.launch()
                    try old.waitUntilServing()
                    try waitUntil("both are in sync again") { try witness.status("in_sync") == "1,2" }
                }
                let acknowledged = writer.end()
                let found = Set(try cluster.waitForLeader().connect().rows("SELECT v FROM d.t"))
                let lost = acknowledged.subtracting(found)
                #expect(acknowledged.count > 200 && lost.isEmpty, "lost: \(lost.sorted().prefix(10))")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a second witness is refused, and a removed one is done without`() throws {
            try run { cluster, witness in
                let client = try cluster.master.connect()
                let second = try cluster.addWitness(Self.settings)
                defer { second.kill() }
                try second.launch()
                try waitUntil("it is told why") { state(of: second).contains("two could outvote the data") }
                let words = try client.refused("NOT-READY", ".remove 2")
                #expect(words.contains("first .remove the witness"), "\(words)")
                try client.ok(".remove 3")
                try waitUntil("the rest goes on as two") { try cluster.slave(1).status("members") == "1=voter 2=voter" }
                try client.ok("INSERT INTO d.t VALUES (1)")
                #expect(try cluster.master.status("failover").hasPrefix("by hand: of two"))
                try waitUntil("the second is let in now") { try cluster.master.status("members") == "1=voter 2=voter 4=witness" }
                try waitUntil("and records") { try second.status("in_sync") == "1,2" }
                #expect(try witness.status("link").hasPrefix("refused: node 3 was removed"))
                cluster.master.kill()
                try cluster.slave(1).connect().ok("INSERT INTO d.t VALUES (2)")
            }
        }

        @Test func `a witness waits for the data nodes it belongs to`() throws {
            try Cluster.run(slaves: 0, Self.settings) { cluster in
                let witness = try cluster.addWitness(Self.settings)
                defer { witness.kill() }
                try witness.launch()
                try waitUntil("it is told why") {
                    state(of: witness).contains("an even number of data nodes that vote, of which there are 1")
                }
                #expect(try witness.connect().ok(".ping").word("role") == "witness")
                let slave = try cluster.add("slave", Self.settings)
                try slave.launch()
                try waitUntil("all vote") {
                    try cluster.master.status("members").split(separator: " ").map { $0.drop { $0 != "=" } }.sorted() == [
                        "=voter", "=voter", "=witness",
                    ]
                }
                let other = Processes.shell(
                    "\(NodeProcess.binary) --no-console --role slave --master 127.0.0.1:1 --listen 127.0.0.1:\(Ports.next()) --data \(witness.data)")
                #expect(other.code == 2 && other.output.contains("used by another running"), "\(other.output)")
                witness.kill()
                let again = Processes.shell(
                    "\(NodeProcess.binary) --no-console --role slave --master 127.0.0.1:1 --listen 127.0.0.1:\(Ports.next()) --data \(witness.data)")
                #expect(again.code == 2 && again.output.contains("whose role is witness, not slave"), "\(again.output)")
            }
        }
    }
}

/// A client that goes from node to node when it gets no answer, and tries no row twice.
private final class SteadyWriter: Sendable {
    private let isOver = Atomic(false)
    private let rows = Mutex<Set<String>>([])
    private let group = DispatchGroup()

    init(_ ports: [UInt16]) {
        DispatchQueue(label: "steady writer").async(group: group) { [self] in
            var number = 0
            while !isOver.load(ordering: .relaxed) {
                let client = try? Client(port: ports[number % ports.count], timeout: 20)
                while let client, !isOver.load(ordering: .relaxed) {
                    number += 1
                    guard let reply = try? client.run("INSERT INTO d.t VALUES (\(number))"), reply.error == nil else { break }
                    _ = rows.withLock { $0.insert("\(number)") }
                }
                number += 1
                usleep(10_000)
            }
        }
    }

    var acknowledged: Int { rows.withLock { $0.count } }

    /// What was acknowledged.
    func end() -> Set<String> {
        isOver.store(true, ordering: .relaxed)
        group.wait()
        return rows.withLock { $0 }
    }
}

import Synchronization
import Testing

extension WholeClusters {
    /// What accounts may do reaches whoever logs in later, though connections of the account are shared by those who came before.
    @Suite struct Rights {
        private func run(_ body: (Cluster) throws -> Void) throws {
            try Cluster.run(slaves: 1) { cluster in
                for sql in [
                    "CREATE DATABASE d", "CREATE TABLE d.t (v INT)", "INSERT INTO d.t VALUES (1)", "CREATE USER boss@localhost IDENTIFIED BY 'p'",
                    "GRANT ALL ON *.* TO boss@localhost WITH GRANT OPTION", "CREATE USER u@localhost IDENTIFIED BY 'p'",
                ] { try cluster.master.root(sql) }
                try cluster.waitForSlaves()
                for node in cluster.nodes {
                    try node.stop()
                    node.settings["authentication"] = #""accounts""#
                    try node.launch()
                }
                for node in cluster.nodes {
                    try waitUntil("\(node.name) serves") {
                        guard let client = try? node.connect(), try client.run(".auth boss p").error == nil else { return false }
                        return try client.run("SELECT 1").error == nil
                    }
                }
                try body(cluster)
            }
        }

        /// Waits until the slave has what the master has.
        private func follow(_ cluster: Cluster) throws {
            let position = try cluster.master.root("SELECT @@gtid_binlog_pos")
            try waitUntil("the slave follows") { try cluster.slave(1).root("SELECT @@gtid_slave_pos") == position }
        }

        private func login(_ user: String, at node: NodeProcess) throws -> Client {
            let client = try node.connect()
            try client.ok(".auth \(user) p")
            return client
        }

        private final class Over: Sendable {
            private let flag = Atomic(false)
            var isSet: Bool { flag.load(ordering: .relaxed) }
            private let count = Atomic(0)
            var runs: Int { count.load(ordering: .relaxed) }
            func ran() { count.add(1, ordering: .relaxed) }
            func set() { flag.store(true, ordering: .relaxed) }
        }

        private let read = "SELECT v FROM d.t"

        /// Keeps the account's shared connections busy, and its kinds of reads fast, for as long as `body` takes.
        private func whileBusy(_ node: NodeProcess, _ body: () throws -> Void) throws {
            let (over, port) = (Over(), node.port)
            let work = (0..<4).map { _ in
                Background {
                    let client = try Client(port: port, timeout: 30)
                    try client.ok(".auth u p")
                    while !over.isSet {
                        try client.run("SELECT v FROM d.t")
                        over.ran()
                    }
                }
            }
            defer { over.set() }
            try waitUntil("they are busy") { over.runs > 100 }
            try body()
            over.set()
            for one in work { try one.value() }
        }

        /// How rights are given and taken, as the boss says it or the server's root.
        private let changes: [(give: [String], take: [String])] = [
            (["GRANT SELECT ON *.* TO u@localhost"], ["REVOKE SELECT ON *.* FROM u@localhost"]),
            (["GRANT SELECT ON d.* TO u@localhost"], ["REVOKE SELECT ON d.* FROM u@localhost"]),
            (["GRANT SELECT ON d.t TO u@localhost"], ["REVOKE SELECT ON d.t FROM u@localhost"]),
        ]

        @Test func `a REVOKE reaches the next login, on the master and on a slave`() throws {
            try run { cluster in
                let boss = try login("boss", at: cluster.master)
                for change in changes {
                    for sql in change.give { try boss.ok(sql) }
                    for node in cluster.nodes {
                        try follow(cluster)
                        try whileBusy(node) {
                            for _ in 0..<30 { try login("u", at: node).ok(read) }
                        }
                    }
                    for node in cluster.nodes {
                        for sql in change.give { try boss.ok(sql) }
                        try follow(cluster)
                        try login("u", at: node).ok(read)
                        try whileBusy(node) {
                            for sql in change.take { try boss.ok(sql) }
                            try follow(cluster)
                            for _ in 0..<10 {
                                let code = try login("u", at: node).run(read).error?.code
                                #expect(code == "1142" || code == "1044", "\(node.name): \(change.take)")
                            }
                        }
                    }
                }
            }
        }
    }
}

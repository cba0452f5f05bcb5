import Testing

extension WholeClusters {
    /// Which accounts may do what is no statement.
    @Suite struct Operators {
        private static let makeAccounts = [
            "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE DATABASE e", "CREATE TABLE e.t (id INT PRIMARY KEY)",
            "CREATE USER nothing@localhost IDENTIFIED BY 'p'",
            "CREATE USER reader@localhost IDENTIFIED BY 'p'", "GRANT SELECT ON *.* TO reader@localhost",
            "CREATE USER readsd@localhost IDENTIFIED BY 'p'", "GRANT SELECT ON d.* TO readsd@localhost",
            "CREATE USER readst@localhost IDENTIFIED BY 'p'", "GRANT SELECT ON d.t TO readst@localhost",
            "CREATE USER almost@localhost IDENTIFIED BY 'p'",
            """
            GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, CREATE USER, SHOW DATABASES, BINLOG MONITOR, BINLOG ADMIN, BINLOG REPLAY, \
            REPLICATION SLAVE, REPLICATION SLAVE ADMIN, SLAVE MONITOR, CONNECTION ADMIN, READ_ONLY ADMIN, SET USER, FEDERATED ADMIN ON *.* \
            TO almost@localhost WITH GRANT OPTION
            """,
            "CREATE USER exact@localhost IDENTIFIED BY 'p'", "GRANT REPLICATION MASTER ADMIN ON *.* TO exact@localhost",
            "CREATE USER mighty@localhost IDENTIFIED BY 'p'", "GRANT ALL PRIVILEGES ON *.* TO mighty@localhost",
            "CREATE ROLE operating", "GRANT REPLICATION MASTER ADMIN ON *.* TO operating", "CREATE ROLE outer_role", "GRANT operating TO outer_role",
            "CREATE USER idlerole@localhost IDENTIFIED BY 'p'", "GRANT outer_role TO idlerole@localhost",
            "CREATE USER byrole@localhost IDENTIFIED BY 'p'", "GRANT outer_role TO byrole@localhost",
            "SET DEFAULT ROLE outer_role FOR byrole@localhost",
            // The same name from elsewhere, and no name at all.
            "CREATE USER twin@localhost IDENTIFIED BY 'p'", "CREATE USER twin@'10.%' IDENTIFIED BY 'p'",
            "GRANT ALL PRIVILEGES ON *.* TO twin@'10.%'",
            "CREATE USER stranger@'10.%' IDENTIFIED BY 'nameless'",
            "GRANT ALL PRIVILEGES ON *.* TO stranger@'10.%'",
        ]

        private static let changing = [".switchover", ".switchover 99", ".remove 99", ".promote", ".promote force", ".rebuild"]

        /// A cluster whose clients say who they are; the accounts were made before.
        private func run(slaves: Int = 1, _ settings: [String: String] = [:], _ body: (Cluster) throws -> Void) throws {
            try Cluster.run(slaves: slaves, settings) { cluster in
                for sql in Self.makeAccounts { try cluster.master.root(sql) }
                try cluster.waitForSlaves()
                for node in cluster.nodes {
                    try node.stop()
                    node.settings["authentication"] = #""accounts""#
                    try node.launch()
                }
                for node in cluster.nodes {
                    try waitUntil("\(node.name) serves") {
                        guard let client = try? node.connect(), try client.run(".auth reader p").error == nil else { return false }
                        return try client.run("SELECT 1").error == nil
                    }
                }
                try waitUntil("the slaves follow") {
                    try cluster.nodes.contains {
                        try login("nothing", at: $0).rows(".nodes").filter { $0.contains("|streaming|") }.count == slaves
                    }
                }
                try body(cluster)
            }
        }

        private func login(_ user: String, _ password: String = "p", at node: NodeProcess) throws -> Client {
            let client = try node.connect()
            try client.ok(".auth \(user) \(password)")
            return client
        }

        @Test func `only accounts that MariaDB lets administer a master change the cluster`() throws {
            try run { cluster in
                // A start would take it away.
                try cluster.master.root("CREATE USER ''@localhost IDENTIFIED BY 'nameless'")
                for node in cluster.nodes {
                    try waitUntil("\(node.name) knows nobody") { try node.root("SELECT COUNT(*) FROM mysql.user WHERE User = ''") == "1" }
                    for (user, password) in [
                        ("nothing", "p"), ("reader", "p"), ("almost", "p"), ("idlerole", "p"), ("twin", "p"), ("stranger", "nameless"),
                        ("any", "nameless"),
                    ] {
                        let client = try login(user, password, at: node)
                        for command in Self.changing {
                            let reply = try client.run(command)
                            #expect(reply.error?.code == "ADMIN-REFUSED", "\(user) at \(node.name): \(command): \(reply.words)")
                        }
                    }
                    for user in ["exact", "mighty", "byrole"] {
                        let client = try login(user, at: node)
                        for command in [".switchover 99", ".remove 99"] {
                            let reply = try client.run(command)
                            #expect(["UNKNOWN-NODE", "NOT-MASTER"].contains(reply.error?.code), "\(user): \(command): \(reply.words)")
                        }
                    }
                }
                // Nothing of it was carried out.
                #expect(try login("nothing", at: cluster.master).ok(".role").fields["role"] == "master")
                // A role that is active in the session alone is none of a fresh login's.
                let session = try login("idlerole", at: cluster.master)
                try session.ok("SET ROLE outer_role")
                try session.refused("ADMIN-REFUSED", ".switchover")
            }
        }

        @Test func `what was granted or revoked counts at once, for PUBLIC, too`() throws {
            try run(slaves: 2, ["failover": #"{"mode": "automatic"}"#]) { cluster in
                // Another may have been elected while they were started again.
                let master = try waitFor("one leads") { () -> NodeProcess? in
                    try cluster.nodes.first { try login("nothing", at: $0).ok(".role").fields["role"] == "master" }
                }
                let exact = try login("exact", at: master)
                try exact.refused("UNKNOWN-NODE", ".remove 99")
                try master.root("REVOKE REPLICATION MASTER ADMIN ON *.* FROM exact@localhost")
                try exact.refused("ADMIN-REFUSED", ".remove 99")
                try exact.refused("ADMIN-REFUSED", ".switchover")
                let nothing = try login("nothing", at: master)
                try master.root("GRANT REPLICATION MASTER ADMIN ON *.* TO PUBLIC")
                try nothing.refused("UNKNOWN-NODE", ".remove 99")
                try master.root("REVOKE REPLICATION MASTER ADMIN ON *.* FROM PUBLIC")
                try nothing.refused("ADMIN-REFUSED", ".remove 99")
                let mighty = try login("mighty", at: master)
                try master.root("ALTER USER mighty@localhost ACCOUNT LOCK")
                try mighty.refused("AUTH", ".switchover")
                try master.root("DROP USER mighty@localhost")
                try mighty.refused("AUTH", ".promote force")
                try master.root("GRANT REPLICATION MASTER ADMIN ON *.* TO exact@localhost")
                try exact.ok(".switchover")
            }
        }

        @Test func `an account verifies what it may read, and is told nothing of the rest`() throws {
            try run { cluster in
                for (user, allowed, denied) in [
                    ("reader", ["", " d", " d.t", " e"], []), ("readsd", [" d", " d.t"], ["", " e", " e.t"]),
                    ("readst", [" d.t"], ["", " d", " e", " e.t"]), ("nothing", [], ["", " d", " d.t", " nowhere", " `d`.`t`"]),
                    ("exact", [], ["", " d.t"]),
                ] as [(String, [String], [String])] {
                    let client = try login(user, at: cluster.master)
                    for scope in allowed { #expect(try client.ok(".verify\(scope)").columns.first == "database", "\(user): \(scope)") }
                    for scope in denied { try client.refused("ADMIN-REFUSED", ".verify\(scope)") }
                }
            }
        }

        @Test func `a stranger is told nothing but that the node lives`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    let client = try node.connect()
                    for command in Self.changing + [
                        ".status", ".nodes", ".role", ".verify", ".wait 0-1-1", ".outcome x", ".id x", ".reset", ".format json", ".consistency local",
                        "SELECT 1",
                    ] {
                        try client.refused("AUTH-REQUIRED", command)
                    }
                }
                // Who says to pass a session on has proved nothing by it.
                let client = try cluster.master.connect()
                try client.send(".forwarded\nSELECT 1\n")
                #expect(try client.line() == "OK")
                _ = try client.line()
                #expect(try client.line().hasPrefix("ERR AUTH-REQUIRED"))
            }
        }
    }
}

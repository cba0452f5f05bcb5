import Testing

extension WholeClusters {
    /// What the cluster depends on in its databases, changed by root on the socket.
    @Suite struct Watches {
        private static let onEach = [
            "SET GLOBAL binlog_format = 'STATEMENT'", "SET GLOBAL binlog_row_image = 'MINIMAL'", "SET GLOBAL binlog_checksum = 'NONE'",
            "SET GLOBAL gtid_strict_mode = OFF", "SET GLOBAL gtid_domain_id = 5", "SET GLOBAL server_id = 4000000000",
            "SET GLOBAL max_connections = 10", "SET GLOBAL init_connect = 'SELECT 1'",
            "SET GLOBAL slave_exec_mode = 'IDEMPOTENT'", "SET GLOBAL expire_logs_days = 1", "SET GLOBAL log_bin_trust_function_creators = OFF",
        ]
        private static let onMaster = [
            "SET GLOBAL read_only = ON", "SET GLOBAL sync_binlog = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 0",
            "SET GLOBAL rpl_semi_sync_master_enabled = OFF", "SET GLOBAL rpl_semi_sync_master_timeout = 1",
            "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_COMMIT'", "SET GLOBAL rpl_semi_sync_master_wait_no_slave = OFF",
        ]
        private static let onSlave = ["SET GLOBAL read_only = OFF", "SET GLOBAL rpl_semi_sync_master_enabled = ON"]

        private static let accounts = [
            "ALTER USER ddbnode_client@localhost IDENTIFIED BY 'x'", "ALTER USER ddbnode_admin@localhost ACCOUNT LOCK",
            "DROP USER ddbnode_client@localhost", "REVOKE ALL PRIVILEGES, GRANT OPTION FROM ddbnode_admin@localhost",
            "GRANT SUPER ON *.* TO ddbnode_client@localhost", "GRANT INSERT ON mysql.* TO ddbnode_client@localhost",
            "DROP USER ddbnode_accounts@localhost, ddbnode_admin@localhost", "SET PASSWORD FOR ddbnode_admin@localhost = PASSWORD('x')",
            "REVOKE INSERT ON ddbnode.outcomes FROM PUBLIC",
            "CREATE ROLE mine; GRANT mine TO ddbnode_client@localhost; SET DEFAULT ROLE mine FOR ddbnode_client@localhost",
        ]

        private func variable(_ statement: String) -> String { String(statement.split(separator: " ")[2]) }

        @Test func `a setting that the cluster depends on is set right, and the operator is told`() throws {
            try Cluster.run(slaves: 2) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.master.connect().ok("CREATE TABLE d.t (id INT PRIMARY KEY)")
                for (node, statements) in [(cluster.master, Self.onEach + Self.onMaster), (cluster.slave(1), Self.onEach + Self.onSlave)] {
                    for statement in statements {
                        let name = variable(statement)
                        let before = try node.root("SELECT @@GLOBAL.\(name)")
                        try node.root(statement)
                        try waitUntil("\(name) of \(node.name) is set right", within: 20) { node.mariadb("SELECT @@GLOBAL.\(name)").output == before }
                        #expect(node.logText.contains("\(name) was "), "\(name)")
                    }
                    #expect(node.logText.contains("changed behind the node's back"))
                    try waitUntil("all is well again") { try !node.status("health").contains("behind the node's back") }
                }
                try cluster.master.connect().ok("INSERT INTO d.t VALUES (1)")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `accounts of the node are made again, and no client is locked out for long`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.master.connect().ok("CREATE TABLE d.t (id INT PRIMARY KEY)")
                for (number, sql) in Self.accounts.enumerated() {
                    let before = try cluster.nodes.map { try Int($0.status("database.corrections")) ?? 0 }
                    // Replicated, so that it is wrong on both.
                    try cluster.master.root(sql)
                    for (node, count) in zip(cluster.nodes, before) {
                        try waitUntil("\(node.name) sets right: \(sql)", within: 20) { try Int(node.status("database.corrections")) ?? 0 > count }
                        try waitUntil("all is well again") { try !node.status("health").contains("behind the node's back") }
                    }
                    let clients = try (0..<6).map { _ in try cluster.master.connect() }
                    for client in clients { try client.ok("BEGIN") }
                    for (offset, client) in clients.enumerated() { try client.ok("INSERT INTO d.t VALUES (\(number * 10 + offset))") }
                    for client in clients { try client.ok("COMMIT") }
                }
                let grants = try cluster.master.root("SHOW GRANTS FOR ddbnode_client@localhost")
                #expect(!grants.contains("SUPER") && !grants.contains("mine"), "\(grants)")
                try cluster.master.connect().ok(under: "an-id", "INSERT INTO d.t VALUES (1000)")
                try cluster.requireSameEverywhere()
            }
        }
    }
}

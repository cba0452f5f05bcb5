import Glibc
import Testing

extension WholeClusters {
    /// Who may join a cluster.
    @Suite struct Links {
        @Test func `a stranger is refused in words`() throws {
            let secret = #"{"name": "shop", "secret": "0123456789abcdef"}"#
            try Cluster.run(slaves: 1, ["cluster": secret]) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.requireSameEverywhere()
                for (name, identity, words) in [
                    ("wrong", #"{"name": "shop", "secret": "fedcba9876543210"}"#, "secret"), ("missing", #"{"name": "shop"}"#, "secret"),
                    ("other", #"{"name": "stock", "secret": "0123456789abcdef"}"#, "cluster"),
                ] {
                    let stranger = try cluster.add(name, ["cluster": identity])
                    try stranger.launch()
                    try waitUntil("\(name) is refused") { (try? stranger.status("link"))?.hasPrefix("refused") ?? false }
                    #expect(try stranger.status("link").contains(words), "\(name)")
                    #expect(try stranger.status("health").contains("not let in by its master"), "\(name)")
                    try stranger.connect().refused("NOT-READY", "SELECT 1")
                    #expect(try stranger.root("SHOW DATABASES LIKE 'd'").isEmpty, "nothing was sent to \(name)")
                    try stranger.stop()
                }
            }
        }

        @Test func `listening beyond this machine needs a secret`() throws {
            let ended = Processes.shell(
                "cd /tmp && timeout 20 \(NodeProcess.binary) --role master --no-console --listen 10.255.255.1:1 --data /tmp/ddbnode-never")
            #expect(ended.code == 2)
            #expect(ended.output.contains("secret"), "\(ended.output)")
        }
    }

    /// How a node's process starts, changes and ends.
    @Suite struct NodeProcesses {
        @Test func `what can't be started is told at once`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let master = cluster.master
                let start = "cd \(master.home) && timeout 20 \(NodeProcess.binary) --no-console"
                let port = Ports.next()
                let second = Processes.shell("\(start) --role master --listen 127.0.0.1:\(port) --data \(master.data)")
                #expect(second.code == 2)
                #expect(second.output.contains("is used by another running ddbnode"), "\(second.output)")
                let taken = Processes.shell("\(start) --role master --listen 127.0.0.1:\(master.port) --data \(master.home)/other")
                #expect(taken.code == 1)
                #expect(taken.output.contains("another program listens there"), "\(taken.output)")
                try master.stop()
                let cluster = "\(master.home)/other-cluster.json"
                Processes.shell(#"echo '{"role": "master", "cluster": {"name": "other"}}' > \#(cluster)"#)
                let other = Processes.shell("\(start) --config \(cluster) --listen 127.0.0.1:\(master.port) --data \(master.data)")
                #expect(other.code == 2)
                #expect(other.output.contains("whose cluster is"), "\(other.output)")
            }
        }

        @Test func `SIGTERM lets running statements end, and leaves nothing behind`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let master = cluster.master
                let database = try #require(master.databasePID)
                let (busy, idle) = (try master.connect(), try master.connect())
                try idle.ok(".ping")
                try busy.ask("SELECT SLEEP(2), 'done'")
                try waitUntil("it runs") { try master.root("SHOW PROCESSLIST").contains("SLEEP(2)") }
                master.signal(SIGTERM)
                #expect(throws: ClientError.closed) { try idle.reply() }
                #expect(try busy.reply().rows == [["0", "done"]])
                #expect(try master.waitForEnd(within: 15) == 0)
                #expect(Processes.isGone(database))
                #expect(try cluster.slave(1).stop(within: 15) == 0)
            }
        }

        @Test func `a statement that does not end is given up after the drain time`() throws {
            try Cluster.run(slaves: 0, ["shutdown": #"{"drainMs": 500}"#]) { cluster in
                let busy = try cluster.master.connect()
                try busy.ask("SELECT SLEEP(60)")
                try waitUntil("it runs") { try cluster.master.root("SHOW PROCESSLIST").contains("SLEEP(60)") }
                #expect(try cluster.master.stop(within: 15) == 0)
            }
        }

        @Test func `SIGHUP takes over new settings, and refuses wrong ones`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let master = cluster.master
                let client = try master.connect()
                let long = "SELECT '\(String(repeating: "x", count: 3000))'"
                try client.ok(long)
                master.settings["limits"] = #"{"lineBytes": 2048, "connectionsMax": 7}"#
                try master.writeConfiguration()
                master.signal(SIGHUP)
                try waitUntil("it is reloaded") { try master.status("clients.max") == "7" }
                try master.connect().refused("LINE-TOO-LONG", long)
                master.settings["limits"] = #"{"lineBytes": "many", "connectionsMax": 8}"#
                try master.writeConfiguration()
                master.signal(SIGHUP)
                try waitUntil("the problem is logged") { master.logText.contains("limits.lineBytes: must be") }
                #expect(try master.status("clients.max") == "7")
            }
        }

        @Test func `with accounts, a client says who it is and may what that account may`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let client = try cluster.master.connect()
                try client.ok("CREATE DATABASE d")
                try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY)")
                try client.ok("CREATE USER reader@localhost IDENTIFIED BY 'p w'")
                try client.ok("GRANT SELECT ON d.* TO reader@localhost")
                try client.ok("CREATE USER writer@localhost IDENTIFIED BY 'w'")
                try client.ok("GRANT SELECT, INSERT ON d.* TO writer@localhost")
                try cluster.waitForSlaves()
                for node in cluster.nodes {
                    try node.stop()
                    node.settings["authentication"] = #""accounts""#
                    try node.launch()
                }
                for node in cluster.nodes {
                    let client = try waitFor("\(node.name) lets reader in") { () -> Client? in
                        let client = try node.connect()
                        return try client.run(".auth reader p w").error == nil ? client : nil
                    }
                    #expect(try client.value("SELECT COUNT(*) FROM d.t") == (node.role == "master" ? "0" : "1"))
                    #expect(try client.run("INSERT INTO d.t VALUES (100)").error?.code == "1142", "\(node.name)")
                    let stranger = try node.connect()
                    try stranger.refused("AUTH-REQUIRED", "SELECT 1")
                    try stranger.ok(".ping")
                    try stranger.refused("AUTH", ".auth reader wrong")
                    try stranger.refused("AUTH-REQUIRED", "SELECT 1")
                    try stranger.ok(".auth writer w")
                    try stranger.ok("INSERT INTO d.t VALUES (\(node.port))")
                    try waitUntil("the slave has it") {
                        let reader = try cluster.slave(1).connect()
                        // Its database may still be starting.
                        guard try reader.run(".auth reader p w").error == nil else { return false }
                        return try reader.value("SELECT COUNT(*) FROM d.t WHERE id = \(node.port)") == "1"
                    }
                }
            }
        }
    }

    /// Who may log in where clients have accounts.
    @Suite struct Accounts {
        @Test func `only a password lets a client in, whoever the node runs as`() throws {
            try Cluster.run(slaves: 0) { cluster in
                let master = cluster.master
                let client = try master.connect()
                let name = try #require(getpwuid(geteuid())).pointee.pw_name.map { String(cString: $0) } ?? ""
                try client.ok("CREATE USER plain@localhost IDENTIFIED BY 'p'")
                try client.ok("CREATE USER mixed@localhost IDENTIFIED VIA mysql_native_password USING PASSWORD('b') OR unix_socket")
                try client.ok("CREATE USER open@localhost")
                if name != "root" { try client.ok("CREATE USER '\(name)'@localhost IDENTIFIED VIA unix_socket") }
                try master.stop()
                master.settings["authentication"] = #""accounts""#
                try master.launch()
                let stranger = try waitFor("plain is let in") { () -> Client? in
                    guard let client = try? master.connect() else { return nil }
                    return try client.run(".auth plain p").error == nil ? client : nil
                }
                #expect(try stranger.value("SELECT CURRENT_USER()") == "plain@localhost")
                for login in [
                    "root anything", "root ", "'root' x", "\"root\" x", "\(name) x", "ddbnode_admin x", "ddbnode_client ", "mixed b", "mixed x",
                    "open ", "open x",
                ] {
                    try stranger.refused("AUTH", ".auth \(login)")
                    try stranger.refused("AUTH-REQUIRED", "SELECT 1")
                }
                try stranger.ok(".auth plain p")
                #expect(try stranger.rows(".status").contains("pool.in_use|0"))
            }
        }
    }
}

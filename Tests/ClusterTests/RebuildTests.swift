import Glibc
import Testing

/// What makes a slave's database unable to apply what its master could.
struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// As root, past the slave's node.
    let onSlave: String
    /// What the slave can't apply then.
    let onMaster: String
    let error: Int

    static let all = [
        Damage(
            testDescription: "a row that is updated is gone", onSlave: "SET sql_log_bin=0; DELETE FROM d.t WHERE id = 1",
            onMaster: "UPDATE d.t SET v = 9 WHERE id = 1", error: 1032),
        Damage(
            testDescription: "a row is there already", onSlave: "SET sql_log_bin=0; INSERT INTO d.t VALUES (5, 55)",
            onMaster: "INSERT INTO d.t VALUES (5, 5)", error: 1062),
        Damage(
            testDescription: "a table is gone", onSlave: "SET sql_log_bin=0; DROP TABLE d.t", onMaster: "INSERT INTO d.t VALUES (5, 5)", error: 1146),
        Damage(
            testDescription: "a definition does not fit", onSlave: "SET sql_log_bin=0; ALTER TABLE d.t DROP COLUMN v",
            onMaster: "ALTER TABLE d.t MODIFY COLUMN v BIGINT", error: 1054),
        Damage(
            testDescription: "a column has another type", onSlave: "SET sql_log_bin=0; ALTER TABLE d.t MODIFY COLUMN v VARCHAR(20)",
            onMaster: "INSERT INTO d.t VALUES (5, 5)", error: 1677),
        Damage(
            testDescription: "its own binlog has a transaction of its own", onSlave: "INSERT INTO d.t VALUES (77, 7)",
            onMaster: "INSERT INTO d.t VALUES (5, 5)", error: 1950),
    ]
}

extension WholeClusters {
    /// Slaves whose databases can't apply what their master's could.
    @Suite struct Rebuilds {
        private func fill(_ cluster: Cluster) throws {
            let client = try cluster.master.connect()
            try client.ok("CREATE DATABASE d")
            try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
            try client.ok("INSERT INTO d.t VALUES (1, 1), (2, 2)")
            try cluster.waitForSlaves()
        }

        @Test(arguments: Damage.all) func `a slave that can't apply a transaction is rebuilt once, and says why`(_ damage: Damage) throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let slave = cluster.slave(1)
                try slave.root(damage.onSlave)
                let client = try cluster.master.connect()
                try client.ok(damage.onMaster)
                try waitUntil("it is rebuilt") { try slave.status("rebuilds") == "1" }
                try client.ok("INSERT INTO d.t VALUES (6, 6)")
                try cluster.requireSameEverywhere()
                #expect(slave.logText.contains("can't apply what its master could") && slave.logText.contains("error_number=\(damage.error)"))
                try waitUntil("it is well") { try slave.status("health").contains("All is well") }
                #expect(try slave.status("applier") == "running")
                #expect(try slave.status("rebuilds") == "1")
            }
        }

        @Test func `while it is rebuilt it answers with what it has, and acknowledges what comes`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let (slave, client) = (cluster.slave(1), try cluster.master.connect())
                try client.ok("CREATE TABLE d.big (id INT PRIMARY KEY, v LONGTEXT)")
                for part in 0..<6 { try client.ok("INSERT INTO d.big SELECT seq + \(part * 1000), REPEAT(MD5(seq), 300) FROM d.seq_1_to_1000") }
                try cluster.waitForSlaves()
                try slave.root("SET sql_log_bin=0; DELETE FROM d.t WHERE id = 1")
                try client.ok("DELETE FROM d.t WHERE id = 1")
                let pid = try cluster.master.holdCopy(to: slave)
                #expect(try slave.connect().rows("SELECT id FROM d.t") == ["2"])
                let health = try slave.status("health")
                #expect(health.contains("1032") && health.contains("is being rebuilt"), "\(health)")
                kill(pid, SIGCONT)
                // The only slave's acknowledgement is what a commit waits for.
                for number in 100..<200 { try client.ok("INSERT INTO d.t VALUES (\(number), 0)") }
                try waitUntil("it is rebuilt") { try slave.status("rebuilds") == "1" }
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `slaves that stop at once are rebuilt from one that has it, not from each other`() throws {
            try Cluster.run { cluster in
                try fill(cluster)
                for slave in cluster.slaves { try slave.root("SET sql_log_bin=0; DROP TABLE d.t") }
                let client = try cluster.master.connect()
                for number in 100..<120 { try client.ok("INSERT INTO d.t VALUES (\(number), 0)") }
                for slave in cluster.slaves { try waitUntil("it is rebuilt", within: 60) { try slave.status("rebuilds") == "1" } }
                try client.ok("INSERT INTO d.t VALUES (6, 6)")
                try cluster.requireSameEverywhere()
            }
        }

        @Test func `a thread that was killed, and a lock, are waited for`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let (slave, client) = (cluster.slave(1), try cluster.master.connect())
                let thread = try slave.root("SELECT id FROM information_schema.processlist WHERE command = 'Slave_SQL'")
                try slave.root("KILL \(thread)")
                try client.ok("INSERT INTO d.t VALUES (5, 5)")
                try cluster.requireSameEverywhere()
                try slave.root("SET GLOBAL innodb_lock_wait_timeout=1; SET GLOBAL slave_transaction_retries=0")
                try slave.root("STOP SLAVE; START SLAVE")
                let holder = try Processes.start(
                    [
                        "/usr/bin/mariadb", "--socket=\(slave.socket)", "-uroot", "-e",
                        "SET sql_log_bin=0; BEGIN; SELECT * FROM d.t FOR UPDATE; SELECT SLEEP(600)",
                    ],
                    in: slave.home, log: "\(slave.home)/holder")
                defer { kill(holder, SIGKILL) }
                try waitUntil("the row is locked") {
                    try slave.root("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'") == "1"
                }
                try client.ok("UPDATE d.t SET v = 8 WHERE id = 1")
                try waitUntil("it fails for the second time") {
                    try slave.status("applier").contains("1205") && slave.status("health").contains("tried again")
                }
                kill(holder, SIGKILL)
                try cluster.requireSameEverywhere()
                #expect(try slave.status("rebuilds") == "0")
                #expect(!slave.logText.contains("taking a snapshot"))
            }
        }

        @Test func `what was mended by hand needs no rebuild`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let (slave, client) = (cluster.slave(1), try cluster.master.connect())
                try cluster.master.connect().ok("INSERT INTO d.t SELECT seq, 0 FROM d.seq_1000_to_1100")
                try cluster.waitForSlaves()
                try slave.root("SET sql_log_bin=0; DELETE FROM d.t WHERE id = 1")
                try client.ok("DELETE FROM d.t WHERE id = 1")
                let pid = try waitFor("a copy is made") { cluster.master.copier }
                try Processes.hold(pid)
                try slave.root("SET sql_log_bin=0; INSERT INTO d.t VALUES (1, 1)")
                try waitUntil("it applies again") { try slave.status("applier") == "running" }
                try waitUntil("the copy is given up") { try slave.status("snapshot") == "none" }
                kill(pid, SIGCONT)
                try cluster.requireSameEverywhere()
                #expect(try slave.status("rebuilds") == "0")
            }
        }

        @Test func `the database and the journal deleted, a slave comes back though a statement can't be replayed`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let (slave, client) = (cluster.slave(1), try cluster.master.connect())
                // Nobody but the master has it, and its binlog tells only how it is changed.
                try cluster.master.root("SET sql_log_bin=0; CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
                try client.ok("INSERT INTO d.t VALUES (1, 1)")
                try waitUntil("it is rebuilt") { try slave.status("rebuilds") == "1" }
                try cluster.requireSameEverywhere()
                try slave.stop()
                try #require(Processes.shell("rm -rf \(slave.data)/mariadb \(slave.data)/journal").code == 0)
                try slave.launch()
                try waitUntil("it is rebuilt again", within: 60) { (try? slave.status("rebuilds")) == "1" }
                try client.ok("INSERT INTO d.t VALUES (2, 2)")
                try cluster.requireSameEverywhere()
            }
        }

        // MARK: .rebuild

        @Test func `an operator who insists gets a copy, whatever the slave has`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let (slave, client) = (cluster.slave(1), try cluster.master.connect())
                // A difference that nothing else would notice.
                try slave.root("SET sql_log_bin=0; UPDATE d.t SET v = 99 WHERE id = 1")
                #expect(try slave.connect().ok(".rebuild").word("rebuild") == "begun")
                let words = try slave.connect().refused("NOT-READY", ".rebuild")
                #expect(words.contains("takes a snapshot already"), "\(words)")
                try waitUntil("the copy is in use") { slave.logText.contains("the snapshot is in use") }
                try client.ok("INSERT INTO d.t VALUES (5, 5)")
                try cluster.requireSameEverywhere()
                #expect(slave.logText.contains("an operator has this slave rebuilt"))
            }
        }

        @Test func `a master is not rebuilt, and says what to do`() throws {
            try Cluster.run(slaves: 1) { cluster in
                let words = try cluster.master.connect().refused("BAD-REQUEST", ".rebuild")
                #expect(words.contains(".switchover first"), "\(words)")
            }
        }

        @Test func `a slave whose database does not start stays, says so, and is rebuilt by a word`() throws {
            try Cluster.run(slaves: 1) { cluster in
                try fill(cluster)
                let (slave, client) = (cluster.slave(1), try cluster.master.connect())
                try waitUntil("it votes") { try slave.status("members") == "1=voter 2=voter" }
                try slave.stop()
                try #require(Processes.shell("echo no > \(slave.data)/mariadb/ibdata1").code == 0)
                try slave.launch()
                try waitUntil("it says so", within: 60) { (try? slave.status("health"))?.contains("does not start") ?? false }
                let health = try slave.status("health")
                #expect(health.contains(".rebuild"), "\(health)")
                #expect(try slave.connect().refused("DATABASE-DOWN", "SELECT 1").contains("does not start"))
                try waitUntil("the master says so") { try cluster.master.connect().rows(".nodes").contains { $0.contains("database-failed") } }
                // It keeps the log all the while.
                try client.ok("INSERT INTO d.t VALUES (5, 5)")
                try slave.connect().ok(".rebuild")
                try slave.waitUntilServing()
                try client.ok("INSERT INTO d.t VALUES (6, 6)")
                try cluster.requireSameEverywhere()
                #expect(try slave.status("health").contains("All is well"))
            }
        }

        // MARK: A change of master

        @Test func `a slave that can't apply is refused as the next master at once, and none of the writes waits for it`() throws {
            try Cluster.run(["failover": #"{"mode": "automatic", "electionTimeoutMs": 1000}"#]) { cluster in
                try fill(cluster)
                let (stuck, client) = (cluster.slave(1), try cluster.master.connect())
                try waitUntil("all vote") { try cluster.master.status("members") == "1=voter 2=voter 3=voter" }
                try stuck.root("SET sql_log_bin=0; DROP TABLE d.t")
                try client.ok("INSERT INTO d.t VALUES (5, 5)")
                try waitUntil("the master knows") { try client.rows(".nodes").contains { $0.contains("apply-failed") } }
                let took = try timed {
                    let words = try client.refused("NOT-READY", ".switchover 2")
                    #expect(words.contains("apply-failed") && words.contains("1146") && words.contains(".status"), "\(words)")
                }
                #expect(took < .milliseconds(500))
                #expect(try cluster.master.status("health").contains("1146") || stuck.status("rebuilds") == "1")
                try client.ok("INSERT INTO d.t VALUES (6, 6)")
                #expect(try client.ok(".switchover").word("master") == "3")
            }
        }
    }
}

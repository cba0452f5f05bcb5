import Glibc
import Testing

/// Snapshots, watched from outside.
extension NodeProcess {
    /// The program that copies this node's database for another one; nil while there is none.
    var copier: pid_t? { Self.process("--target-dir=\(data)/mariadb.copying") }
    /// The program that unpacks what this node receives.
    var unpacker: pid_t? { Self.process("\(data)/mariadb.receiving") }

    private static func process(_ argument: String) -> pid_t? {
        Processes.all().first { Processes.text(ofFile: "/proc/\($0)/cmdline")?.split(separator: "\0").contains(Substring(argument)) ?? false }
    }

    /// Lets the copy begin, and stops its program when the taker has received a part of it.
    func holdCopy(to taker: NodeProcess) throws -> pid_t {
        let pid = try waitFor("a copy is made") { copier }
        try waitUntil("a part of it arrives") {
            try Processes.hold(pid)
            if (try? Int(taker.status("snapshot.bytes"))) ?? 0 > 0 { return true }
            Glibc.kill(pid, SIGCONT)
            return false
        }
        try waitUntil("it is unpacked") { taker.leftovers.contains("mariadb.receiving") }
        return pid
    }

    /// What copies leave beside the database.
    var leftovers: [String] {
        Processes.shell("ls \(data)").output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("mariadb.") }
            .filter { !["mariadb.lock", "mariadb.log", "mariadb.sock", "mariadb.tmp"].contains($0) }
    }
}

extension Cluster {
    /// Gives the master some 60 MB, and no binlog that tells how they came.
    func fillUnreplayable() throws {
        let client = try master.connect()
        try client.ok("CREATE DATABASE d")
        try client.ok("CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT)")
        try client.ok("CREATE USER reader@localhost IDENTIFIED BY 'x'")
        for part in 0..<6 { try client.ok("INSERT INTO d.t SELECT seq + \(part * 1000), REPEAT(MD5(seq), 300) FROM d.seq_1_to_1000") }
        try master.purgeBinlog()
    }

    /// Slaves that have their copies follow like any other, and nothing of the copying is left.
    func requireFollowing() throws {
        for slave in slaves {
            try slave.waitUntilServing()
            try waitUntil("\(slave.name) follows") { try slave.status("link").hasPrefix("receiving") }
        }
        try master.connect().ok("INSERT INTO d.t VALUES (100001, 'after')")
        try requireSameEverywhere()
        for node in nodes { try waitUntil("\(node.name) is tidy: \(node.leftovers)") { node.leftovers.isEmpty } }
    }
}

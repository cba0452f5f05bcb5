package import ClusterModel
import Glibc

/// One ddbnode process, with its folder, its configuration and its log.
package final class Node {
    /// Also its id.
    package let number: Int
    package let address: NodeAddress
    /// Its configuration and its log are here.
    package let home: String
    private let command: [String]
    private var pid: pid_t = 0
    private var exitCode: Int32?

    package init(_ number: Int, at address: NodeAddress, in work: String, ddbnode: String, through command: [String]) throws(Failure) {
        self.number = number
        self.address = address
        home = "\(work)/node\(number)"
        self.command = command + [ddbnode, "--config", "\(home)/node.json", "--no-console"]
        try Files.makeDirectory(home)
        try Files.makeDirectory(data)
    }

    package var data: String { home + "/data" }
    package var log: String { home + "/log" }

    /// The first one is made as master, the others follow it; what they are later is theirs to know.
    package func writeConfiguration(master: NodeAddress?, electionTimeoutMs: Int?) throws(Failure) {
        var members = [
            master == nil ? #""role": "master""# : #""role": "slave""#, #""id": \#(number)"#, #""listen": "\#(address)""#, #""data": "\#(data)""#,
            #""cluster": {"name": "campaign", "secret": "the nodes of a campaign"}"#,
            // Small, and quick to notice: a campaign has many starts and much that breaks.
            #""database": {"options": {"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "32M", "innodb_lock_wait_timeout": "5"}}"#,
            #""replication": {"ackTimeoutMs": 3000, "heartbeatMs": 300, "peerTimeoutMs": 3000, "journalSegmentBytes": 8388608, "binlogBytesMax": 268435456}"#,
        ]
        if let master { members.append(#""master": "\#(master)""#) }
        if let electionTimeoutMs { members.append(#""failover": {"electionTimeoutMs": \#(electionTimeoutMs)}"#) }
        try Files.write("{\n" + members.joined(separator: ",\n") + "\n}\n", to: home + "/node.json")
    }

    // MARK: Its processes

    package func launch() throws(Failure) {
        exitCode = nil
        pid = try Processes.start(command, in: home, log: log)
    }

    package var isRunning: Bool {
        guard pid > 0, exitCode == nil else { return false }
        exitCode = Processes.ended(pid)
        return exitCode == nil
    }

    /// Why it ended by itself; nil while it runs.
    package var end: String? { isRunning ? nil : "node \(number) ended with \(exitCode ?? 0)" }

    package func signal(_ number: Int32) { if isRunning { Glibc.kill(pid, number) } }

    /// kill -9.
    package func kill() {
        guard isRunning else { return }
        Glibc.kill(pid, SIGKILL)
        for _ in 0..<1000 where isRunning { pause(milliseconds: 5) }
    }

    /// Of its database; nil where none runs that is this node's.
    private var databasePID: pid_t? {
        guard let text = Files.text(data + "/mariadb/mariadb.pid"), let pid = pid_t(text.filter(\.isNumber)) else { return nil }
        return Processes.isRunning(pid, with: data) ? pid : nil
    }

    /// False where there is none.
    @discardableResult package func killDatabase() -> Bool { databasePID.map { Glibc.kill($0, SIGKILL) == 0 } ?? false }

    /// Ends both, and waits until the database is gone, too.
    package func remove() {
        let database = databasePID
        kill()
        guard let database else { return }
        for _ in 0..<400 where Processes.isRunning(database, with: data) { pause(milliseconds: 5) }
        if Processes.isRunning(database, with: data) { Glibc.kill(database, SIGKILL) }
    }

    // MARK: What it says

    /// What `.role` says of it.
    package struct Standing {
        package let isMaster: Bool
        package let epoch: Int
        package let master: String
    }

    package func ask(_ request: String, secondsMax: Int = 2) -> Reply? {
        guard let client = try? Client(address, secondsMax: secondsMax), let reply = try? client.run(request), reply.error == nil else { return nil }
        return reply
    }

    package var standing: Standing? {
        guard let fields = ask(".role")?.fields, let epoch = Int(fields["epoch"] ?? "") else { return nil }
        return Standing(isMaster: fields["role"] == "master", epoch: epoch, master: fields["master"] ?? "-")
    }
}

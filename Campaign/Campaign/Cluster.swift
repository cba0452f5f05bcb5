import CampaignCore
import CampaignHarness
import ClusterModel
import Glibc

/// Three nodes, and what they stand on.
final class Cluster {
    static let accounts = 20
    static let initialBalance = 1000

    let nodes: [Node]
    let network: Network
    /// Under the last node; nil where none could be mounted.
    let smallDisk: SmallDisk?
    let whyNoSmallDisk: String?
    private let ddbnode: String
    private let work: String
    private let commandLog: String

    init(in work: String, ddbnode: String, wantsNamespaces: Bool) throws(Failure) {
        self.ddbnode = ddbnode
        self.work = work
        commandLog = work + "/commands.log"
        let network = try Network(nodes: 3, wantsNamespaces: wantsNamespaces, log: commandLog)
        self.network = network
        do throws(Failure) {
            nodes = try (1...3).map { number throws(Failure) in
                try Node(number, at: network.address(of: number), in: work, ddbnode: ddbnode, through: network.command(of: number))
            }
        } catch {
            network.remove()
            throw error
        }
        do throws(Failure) {
            smallDisk = try SmallDisk(at: nodes[2].data)
            whyNoSmallDisk = nil
        } catch {
            smallDisk = nil
            whyNoSmallDisk = error.words
        }
    }

    var smallDiskNode: Node { nodes[2] }

    // MARK: Beginning and end

    /// Whether this program's nodes choose a new master by themselves: it knows the settings for that.
    static func failsOver(_ ddbnode: String, in work: String) throws(Failure) -> Bool {
        let file = work + "/failover.json"
        try Files.write(#"{"role": "master", "failover": {"electionTimeoutMs": 1000}}"#, to: file)
        return try Processes.run([ddbnode, "check-config", file], log: work + "/commands.log") == 0
    }

    /// Starts all, and makes the tables on them. `electionTimeoutMs` is nil where nodes don't fail over.
    func start(electionTimeoutMs: Int?) throws(Failure) {
        for node in nodes {
            try node.writeConfiguration(master: node.number == 1 ? nil : nodes[0].address, electionTimeoutMs: electionTimeoutMs)
            try node.launch()
        }
        let trouble = try wait(milliseconds: 90_000) {
            if let end = nodes.lazy.compactMap(\.end).first { return end }
            let known = nodes[0].ask(".nodes")?.rows.count { $0.count > 3 && $0[3] != "away" } ?? 0
            guard known == nodes.count else { return "node 1 knows \(known) nodes that are there" }
            return nodes.first { $0.ask("SELECT 1") == nil }.map { "node \($0.number) does not serve" }
        }
        if let trouble { throw Failure("the cluster did not start within 90 s: \(trouble)") }
        try makeTables()
    }

    private func makeTables() throws(Failure) {
        let accounts = (1...Self.accounts).map { "(\($0), \(Self.initialBalance))" }.joined(separator: ", ")
        do throws(NoReply) {
            let client = try Client(nodes[0].address, secondsMax: 30)
            // No unique key on v: what is written twice shall be there twice.
            for sql in [
                "CREATE DATABASE campaign",
                "CREATE TABLE campaign.registers (id BIGINT AUTO_INCREMENT PRIMARY KEY, v BIGINT NOT NULL, KEY (v))",
                "CREATE TABLE campaign.ledger (id BIGINT AUTO_INCREMENT PRIMARY KEY, v BIGINT NOT NULL, source INT, target INT, amount INT, KEY (v))",
                "CREATE TABLE campaign.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL)",
                "INSERT INTO campaign.accounts VALUES \(accounts)",
            ] { try client.ok(sql) }
        } catch {
            throw Failure("the tables could not be made: \(error.words)")
        }
        if let trouble = try wait(milliseconds: 30_000, until: { trouble }) { throw Failure("the cluster did not start: \(trouble)") }
    }

    /// Ends all processes and takes away what they stood on; the folder stays.
    func remove(keeping: Bool) {
        for node in nodes.reversed() { node.remove() }
        smallDisk?.remove(keeping: keeping, log: commandLog)
        network.remove()
    }

    // MARK: How it is

    /// The master of the highest epoch.
    var master: Node? {
        let masters = nodes.compactMap { node in node.standing.flatMap { $0.isMaster ? (node, $0.epoch) : nil } }
        return masters.max { $0.1 < $1.1 }?.0
    }

    /// What keeps it from being whole: every node runs, names the same master, and has applied all that this one had just now. Nil: nothing.
    var trouble: String? {
        if let end = nodes.lazy.compactMap(\.end).first { return end }
        guard let master else { return "no node is master" }
        for node in nodes {
            guard let standing = node.standing else { return "node \(node.number) does not answer" }
            guard standing.master == "\(master.address)", standing.isMaster == (node === master) else {
                return
                    "node \(node.number) says it is \(standing.isMaster ? "master" : "no master") and the master is at \(standing.master), not \(master.address)"
            }
        }
        guard let position = master.ask("SELECT @@gtid_binlog_pos")?.rows.first?.first ?? nil else { return "the master answers no query" }
        for node in nodes where node.ask(".wait \(position) 1000", secondsMax: 4) == nil {
            return "node \(node.number) has not applied \(position)"
        }
        return nodes.first { $0.ask("SELECT 1") == nil }.map { "node \($0.number) does not serve" }
    }

    /// What a node holds.
    func contents(of node: Node) throws(NoReply) -> NodeContents {
        let client = try Client(node.address, secondsMax: 60)
        try client.ok(".consistency local")
        func numbers(_ sql: String) throws(NoReply) -> [[Int]] { try client.ok(sql).rows.map { $0.map { $0.flatMap { Int($0) } ?? 0 } } }
        let registers = try numbers("SELECT v, COUNT(*) FROM campaign.registers GROUP BY v").map { ($0[0], $0[1]) }
        let ledger = try numbers("SELECT v, source, target, amount FROM campaign.ledger").map { ($0[0], Transfer(from: $0[1], to: $0[2], $0[3])) }
        let balances = try numbers("SELECT id, balance FROM campaign.accounts").map { ($0[0], $0[1]) }
        return NodeContents(
            node: node.number, registers: Dictionary(uniqueKeysWithValues: registers),
            ledger: Dictionary(grouping: ledger) { $0.0 }.mapValues { $0.map { $0.1 } }, balances: Dictionary(uniqueKeysWithValues: balances))
    }

    /// What `ddbnode verify` has against the nodes; nil: nothing.
    func verify() throws(Failure) -> Violation? {
        let log = work + "/verify.log"
        let code = try Processes.run([ddbnode, "verify", "\(nodes[1].address)", "campaign"], log: log, within: 120_000)
        guard code != 0 else { return nil }
        return Violation(.notVerified, nil, "ddbnode verify ended with \(code):\n\(Files.text(log) ?? "")")
    }
}

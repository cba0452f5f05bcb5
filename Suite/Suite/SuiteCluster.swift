import CampaignHarness
import ClusterModel
import Glibc
import MariaDBServer

/// Three nodes on loopback that the test files run on.
final class SuiteCluster {
    /// What both sides' servers are given: short waits for locks, since nobody else would let go of one.
    static let settings = [
        ServerSetting(name: "innodb-buffer-pool-size", value: "128M"), ServerSetting(name: "lock-wait-timeout", value: "2"),
        ServerSetting(name: "innodb-lock-wait-timeout", value: "2"),
    ]
    private static let statementMs = 30_000

    let nodes: [Node]
    private let ddbnode: String
    private let log: String

    init(in work: String, ddbnode: String) throws(Failure) {
        self.ddbnode = ddbnode
        log = work + "/verify.log"
        try Files.makeDirectory(work)
        nodes = try (1...3).map { number throws(Failure) in
            try Node(number, at: NodeAddress(host: "127.0.0.1", port: try Ports.free()), in: work, ddbnode: ddbnode, through: [])
        }
        for node in nodes {
            try configure(node)
            try node.launch()
        }
        let trouble = try wait(milliseconds: 90_000) {
            if let end = nodes.lazy.compactMap(\.end).first { return end }
            let voters = nodes[0].ask(".nodes")?.rows.count { $0.count > 3 && ["serving", "streaming"].contains($0[3]) } ?? 0
            return voters == nodes.count ? nil : "node 1 knows \(voters) nodes that are there"
        }
        if let trouble { throw Failure("the cluster did not start: \(trouble)") }
    }

    private func configure(_ node: Node) throws(Failure) {
        let options = Self.settings.map { "\"\($0.name.map { $0 == "-" ? "_" : String($0) }.joined())\": \"\($0.value)\"" }.joined(separator: ", ")
        let master = node.number == 1 ? #""role": "master""# : #""role": "slave", "master": "\#(nodes[0].address)""#
        try Files.write(
            """
            {\(master), "id": \(node.number), "listen": "\(node.address)", "data": "\(node.data)",
             "cluster": {"name": "suite", "secret": "the nodes of a suite"}, "limits": {"statementMs": \(Self.statementMs)},
             "database": {"options": {\(options)}}}
            """, to: node.home + "/node.json")
    }

    /// The account that clients' statements run as, without its password.
    func clientAccount() throws(Failure) -> ServerAccount {
        guard let user = master.ask("SELECT CURRENT_USER()")?.rows.first?.first ?? nil, let grants = master.ask("SHOW GRANTS")?.rows else {
            throw Failure("the master does not say who its clients are")
        }
        let privileges = grants.flatMap { row -> [String] in
            guard let words = row.first ?? nil, words.hasPrefix("GRANT "), !words.contains("`ddbnode`"), let end = words.firstRange(of: " TO ") else {
                return []
            }
            let given = String(words[..<end.lowerBound].dropFirst("GRANT ".count))
            return words.hasSuffix("WITH GRANT OPTION") ? [given, "GRANT OPTION ON *.*"] : [given]
        }
        return ServerAccount(name: String(user.prefix { $0 != "@" }), password: "plain", privileges: privileges)
    }

    var master: Node { nodes[0] }
    var slaves: ArraySlice<Node> { nodes[1...] }

    /// What is wrong with the nodes now that a file is through; nil: nothing.
    func trouble() throws(Failure) -> String? {
        guard let position = master.ask("SELECT @@gtid_binlog_pos", secondsMax: 30)?.rows.first?.first ?? nil else {
            return "the master answers no query"
        }
        for slave in slaves where slave.ask(".wait \(position) 30000", secondsMax: 40) == nil {
            let status = slave.ask(".status")?.rows ?? []
            let words = status.filter { ["applier", "health"].contains($0.first ?? "") }.map { $0.compactMap { $0 }.joined(separator: ": ") }
            return "node \(slave.number) has not applied \(position): \(words.joined(separator: "; "))"
        }
        // Each round's alone.
        try Files.write("", to: log)
        let code = try Processes.run([ddbnode, "verify", "\(master.address)"], log: log, within: 300_000)
        return code == 0 ? nil : "ddbnode verify ended with \(code): \(Files.text(log) ?? "")"
    }

    func remove() { for node in nodes.reversed() { node.remove() } }
}

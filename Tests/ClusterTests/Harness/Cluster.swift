import Glibc
import Synchronization
import Testing

/// Whole nodes with their databases, in a folder of their own that goes with them.
final class Cluster {
    let root: String
    private(set) var nodes: [NodeProcess] = []

    /// For whoever wants a cluster: it is there for the body, and gone after it whatever happens; a failure shows the nodes' logs.
    /// `settings` are for every node, `master` for that one besides.
    static func run(
        slaves: Int = 2, _ settings: [String: String] = [:], master: [String: String] = [:], _ body: (Cluster) throws -> Void
    ) throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        do {
            try cluster.start(slaves: slaves, settings, master)
            try body(cluster)
        } catch {
            cluster.showLogs()
            throw error
        }
    }

    init() throws {
        var template = Array("/tmp/ddbcluster-XXXXXX".utf8CString)
        root = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: template.count) { String(cString: $0) }
    }

    private func start(slaves count: Int, _ settings: [String: String], _ own: [String: String]) throws {
        try add("master", settings.merging(own) { $1 }).launch()
        for number in 0..<count { try add("slave\(number + 1)", settings).launch() }
        for node in nodes { try node.waitUntilServing() }
        for slave in slaves { try waitUntil("\(slave.name) follows") { try slave.status("link").hasPrefix("receiving") } }
        // Who joined first has the lower number.
        let numbers = try nodes.map { try Int($0.status("node")) ?? 0 }
        nodes = zip(numbers, nodes).sorted { $0.0 < $1.0 }.map(\.1)
    }

    var master: NodeProcess { nodes[0] }
    var slaves: ArraySlice<NodeProcess> { nodes.dropFirst() }
    func slave(_ number: Int) -> NodeProcess { nodes[number] }

    /// A further node, not started: the first is the master, the others follow it, reaching it at `through` where that is given.
    @discardableResult func add(_ name: String, _ settings: [String: String] = [:], through: UInt16? = nil) throws -> NodeProcess {
        var all = [
            "database": #"{"options": {"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "32M"}}"#,
            // Who kills a master means that one, unless the suite is about who takes over.
            "failover": #"{"mode": "manual"}"#,
        ]
        all.merge(settings) { $1 }
        let isMaster = nodes.isEmpty
        let node = try NodeProcess(
            name: name, port: Ports.next(), in: root, role: isMaster ? "master" : "slave", master: isMaster ? nil : through ?? nodes[0].port,
            settings: all)
        try DatabaseTemplate.copy(into: node.data)
        nodes.append(node)
        return node
    }

    /// A node that only votes, not started; whoever adds it ends it.
    func addWitness(_ settings: [String: String] = [:]) throws -> NodeProcess {
        let port = Ports.next()
        return try NodeProcess(name: "witness-\(port)", port: port, in: root, role: "witness", master: nodes[0].port, settings: settings)
    }

    // MARK: The end

    func remove() {
        // The slaves first: they would only log that their master went.
        let databases = nodes.compactMap(\.databasePID)
        for node in nodes.reversed() { node.kill() }
        for pid in databases where !Processes.isGone(pid) {
            do { try waitUntil("database \(pid) ends with its node") { Processes.isGone(pid) } } catch { Issue.record(error) }
        }
        Processes.shell("rm -rf \(Processes.quoted(root))")
    }

    private func showLogs() {
        for node in nodes {
            let state = node.isRunning ? "runs" : "ended with \(node.exitCode ?? 0)"
            let tails = Processes.shell("tail -n 40 \(node.log) | cut -c1-600; tail -n 8 \(node.data)/mariadb.log | cut -c1-400").output
            let text = Array("--- \(node.name), port \(node.port), \(state); the end of its log:\n\(tails)\n".utf8)
            write(STDERR_FILENO, text, text.count)
        }
    }
}

/// Ports of loopback that nobody listens on, from below the range that the kernel hands out itself.
enum Ports {
    private static let last = Mutex(UInt16(20000 + UInt16(getpid() % 400) * 25))

    static func next() -> UInt16 {
        last.withLock { last in
            repeat { last = last < 30000 ? last + 1 : 20000 } while !isFree(last)
            return last
        }
    }

    private static func isFree(_ port: UInt16) -> Bool { (try? Client(port: port)) == nil }
}

/// A database as a node makes it, made once by a node and copied for the others: making one takes seconds.
enum DatabaseTemplate {
    private static let made = Mutex<String?>(nil)

    static func copy(into data: String) throws {
        let source = try made.withLock { made in
            if let made { return made }
            let fresh = try make()
            made = fresh
            return fresh
        }
        let ended = Processes.shell("mkdir -m 700 \(data) && cp -a \(source)/mariadb \(data)/mariadb")
        try #require(ended.code == 0, "\(ended.output)")
    }

    private static func make() throws -> String {
        let cluster = try Cluster()
        let node = try NodeProcess(
            name: "template", port: Ports.next(), in: cluster.root, role: "master", master: nil,
            settings: ["database": #"{"options": {"innodb_log_file_size": "32M"}}"#])
        try node.launch()
        try node.waitUntilServing()
        try #require(try node.stop() == 0, "\(node.logText)")
        Processes.shell("rm -f \(node.data)/mariadb/binlog.* \(node.data)/mariadb/*.pid")
        root.withLock { $0 = cluster.root }
        atexit { DatabaseTemplate.root.withLock { path in _ = path.map { Processes.shell("rm -rf \($0)") } } }
        return node.data
    }

    private static let root = Mutex<String?>(nil)
}

import Glibc
import Replication
import Testing

/// Speaks the link's protocol as a node without a secret would, and leaves when it likes.
struct Stranger {
    /// The same one each time it comes: it takes one place among the members.
    static let uuid = "11111111-2222-4333-8444-555555555555"

    private static func hello(_ node: NodeProcess) -> Frame {
        .hello(
            Frame.Hello(
                cluster: "ddb", uuid: uuid, id: 0, address: "127.0.0.1:1", nonce: [UInt8](repeating: 7, count: 32), proof: []))
    }

    /// A link that joins, and asks for all of the log.
    static func link(to node: NodeProcess) throws -> Client { try connect(to: node, ".link 1\n", .resume([])) }

    /// A connection between peers, which asks for a copy of the database.
    static func snapshot(of node: NodeProcess) throws -> Client { try connect(to: node, ".peer 1\n", .snapshotWanted(.physical)) }

    private static func connect(to node: NodeProcess, _ line: String, _ frame: Frame) throws -> Client {
        let client = try node.connect(timeout: 10)
        var bytes = Array(line.utf8)
        hello(node).encode(into: &bytes)
        frame.encode(into: &bytes)
        try client.send(bytes)
        return client
    }
}

/// What a node and its database hold open.
struct Holdings: CustomStringConvertible {
    let descriptors, threads, connections: Int

    init(_ node: NodeProcess) throws {
        descriptors = Processes.count(in: "/proc/\(node.pid)/fd")
        threads = Processes.count(in: "/proc/\(node.pid)/task")
        let asked = node.mariadb("SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command <> 'Daemon'")
        guard asked.code == 0, let count = Int(asked.output) else { throw NotInTime(description: "the database does not say: \(asked.output)") }
        connections = count
    }

    var description: String { "\(descriptors) descriptors, \(threads) threads, \(connections) database connections" }

    /// No more than before, but for what the pool keeps open for its next use, and threads that the system keeps for theirs.
    func isBack(to before: Holdings, kept: Int) -> Bool {
        descriptors <= before.descriptors + kept && threads <= before.threads + 8 && connections <= before.connections + kept
    }
}

extension NodeProcess {
    /// Waits until no more is open than was, but for idle connections of the pool.
    func waitUntilBack(to before: Holdings, kept: Int = 0, after what: String) throws {
        var now = before
        do {
            try waitUntil("all is closed", within: 30) {
                // Full of connections that end, the database may refuse this one, too.
                guard let found = try? Holdings(self) else { return false }
                now = found
                return now.isBack(to: before, kept: kept)
            }
        } catch {
            throw NotInTime(description: "after \(what): \(now); before: \(before)")
        }
    }
}

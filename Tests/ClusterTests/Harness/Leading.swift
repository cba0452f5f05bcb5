import Dispatch
import Glibc
import Synchronization

extension Cluster {
    /// The node that says it is master, of the latest epoch; nil when none does.
    var leader: NodeProcess? {
        let roles = nodes.filter(\.isRunning).compactMap { node -> (NodeProcess, Int)? in
            guard let reply = try? node.connect(timeout: 2).run(".role"), reply.word("role") == "master" else { return nil }
            return (node, reply.word("epoch").flatMap { Int($0) } ?? 0)
        }
        return roles.max { $0.1 < $1.1 }?.0
    }

    func waitForLeader(within seconds: Double = 30) throws -> NodeProcess { try waitFor("a master", within: seconds) { leader } }
}

extension Reply {
    /// A field of a command's reply.
    func word(_ name: String) -> String? { fields[name] }
}

/// A client that writes one row after another through a node, and takes no error for an answer.
final class Writer: Sendable {
    private let isOver = Atomic(false)
    private let count = Atomic(0)
    private let failure = Mutex<String?>(nil)
    private let group = DispatchGroup()

    init(_ node: NodeProcess, from first: Int) throws {
        let port = node.port
        DispatchQueue(label: "writer").async(group: group) { [self] in
            do {
                let client = try Client(port: port, timeout: 30)
                var value = first
                while !isOver.load(ordering: .relaxed) {
                    let reply = try client.run("INSERT INTO d.t VALUES (\(value))")
                    if let error = reply.error { throw NotInTime(description: "\(error.code) \(error.message)") }
                    count.add(1, ordering: .relaxed)
                    value += 1
                    usleep(2000)
                }
            } catch {
                failure.withLock { $0 = "\(error)" }
            }
        }
    }

    var acknowledged: Int { count.load(ordering: .relaxed) }

    /// How many rows were acknowledged; throws where one was not.
    func end() throws -> Int {
        isOver.store(true, ordering: .relaxed)
        group.wait()
        if let words = failure.withLock({ $0 }) { throw NotInTime(description: words) }
        return acknowledged
    }
}

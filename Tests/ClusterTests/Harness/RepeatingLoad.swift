import Dispatch
import Glibc
import Synchronization
import Testing

/// Writers who give each transaction an id and send it, to whatever node, until they know that it is committed: often they leave before the answer.
final class RepeatingLoad: Sendable {
    private let ports: [UInt16]
    private let isOver = Atomic(false)
    private let committed = Mutex<Set<String>>([])
    private let sent = Atomic(0)
    private let group = DispatchGroup()

    init(on cluster: Cluster, writers: Int = 4) throws {
        ports = cluster.nodes.map(\.port)
        let client = try cluster.master.connect()
        try client.ok("CREATE DATABASE w")
        // Nothing in the table itself keeps a row from being there twice.
        try client.ok("CREATE TABLE w.rows (tag VARCHAR(40) NOT NULL, KEY (tag))")
        try cluster.waitForSlaves()
        for writer in 0..<writers { DispatchQueue(label: "load").async(group: group) { self.write(writer) } }
    }

    var count: Int { committed.withLock { $0.count } }

    private func write(_ writer: Int) {
        var number = 0
        while !isOver.load(ordering: .relaxed) {
            let tag = "\(writer)-\(number)"
            number += 1
            while !isOver.load(ordering: .relaxed) {
                do {
                    if try attempt(tag) {
                        committed.withLock { _ = $0.insert(tag) }
                        break
                    }
                } catch { usleep(20000) }
            }
        }
    }

    /// True when the transaction is known to be committed.
    private func attempt(_ tag: String) throws -> Bool {
        let client = try Client(port: ports.randomElement() ?? 0, timeout: 20)
        if Int.random(in: 0..<4) == 0, try client.run(".outcome \(tag)").fields["outcome"] == "committed" { return true }
        let insert = "INSERT INTO w.rows VALUES ('\(tag)')"
        let isSingle = tag.utf8.reduce(0, { $0 &+ $1 }) % 2 == 0
        sent.add(1, ordering: .relaxed)
        try client.send(isSingle ? ".id \(tag)\n\(insert)\n" : ".id \(tag)\nBEGIN\n\(insert)\nCOMMIT\n")
        if Int.random(in: 0..<3) == 0 {
            usleep(UInt32.random(in: 0..<8000))
            client.abort()
            return false
        }
        let replies = try (0..<(isSingle ? 2 : 4)).map { _ in try client.reply() }
        return replies.allSatisfy { $0.error == nil } || replies.contains { $0.error?.code == "ID-COMMITTED" }
    }

    /// Ends the writing; then each transaction that is known to be committed must be there, and none twice.
    func finish(on cluster: Cluster) throws {
        isOver.store(true, ordering: .relaxed)
        try #require(group.wait(timeout: .now() + 60) == .success, "the writers end")
        let found = try cluster.master.connect().ok("SELECT tag, COUNT(*) FROM w.rows GROUP BY tag").rows
        let counts = Dictionary(uniqueKeysWithValues: found.map { ($0[0] ?? "", $0[1] ?? "") })
        let committed = committed.withLock { $0 }
        let lost = committed.filter { counts[$0] == nil }
        try #require(lost.isEmpty, "\(lost.count) of \(committed.count) are lost: \(lost.prefix(5))")
        try #require(counts.allSatisfy { $0.value == "1" }, "there twice: \(counts.filter { $0.value != "1" }.prefix(5))")
        #expect(sent.load(ordering: .relaxed) > committed.count, "none was sent again")
    }
}

import ClusterModel
import EventLoop
import MariaDBConnector
import NodeConfig

/// Removes the oldest files of a private database's binlog: those that every node has and that are old enough, and more where they are too many bytes.
@LoopActor final class BinlogPurge {
    private struct File {
        let name: String
        let bytes: Int
    }

    private static let everyMs = 10_000
    /// The file being written, and the one before, which a tap may be at the end of.
    private static let kept = 2

    private unowned let node: Node
    /// What the node that has least has; what comes after it may still be asked for.
    private let needed: @LoopActor () -> Position
    /// How far the binlog reaches at the head of a file.
    private var heads: [String: Position] = [:]
    /// When each file was first seen here, by the loop's clock.
    private var seenMs: [String: Int] = [:]
    private var lastMs = EventLoop.nowMs()
    private var isAtWork = false
    private(set) var count = 0
    private(set) var bytes = 0
    /// What comes after this is still there; nil: not known yet.
    private(set) var first: Position?

    init(_ node: Node, needed: @escaping @LoopActor () -> Position) {
        self.node = node
        self.needed = needed
    }

    private var settings: ReplicationSettings { node.settings.replication }

    /// Called from time to time.
    func tick() {
        guard node.settings.database.mode == .private, !isAtWork, EventLoop.nowMs() - lastMs >= min(Self.everyMs, settings.binlogKeepMs / 2 + 500)
        else { return }
        isAtWork = true
        node.control.query("SHOW BINARY LOGS") { [weak self] result in
            guard let self else { return }
            guard case .success(let found) = result else { return self.end() }
            let files = found.rows.compactMap { row in
                row.count >= 2 ? row[0].flatMap { name in row[1].flatMap { Int($0) }.map { File(name: name, bytes: $0) } } : nil
            }
            self.look(files[...])
        }
    }

    private func end() {
        isAtWork = false
        lastMs = EventLoop.nowMs()
    }

    private func look(_ files: ArraySlice<File>) {
        count = files.count
        bytes = files.reduce(0) { $0 + $1.bytes }
        let names = Set(files.map(\.name))
        heads = heads.filter { names.contains($0.key) }
        seenMs = seenMs.filter { names.contains($0.key) }
        let now = EventLoop.nowMs()
        // The newest is still written to: its age begins when another is.
        for file in files.dropLast() where seenMs[file.name] == nil { seenMs[file.name] = now }
        guard let oldest = files.first else { return end() }
        head(of: oldest) { [weak self] position in
            guard let self else { return }
            self.first = position
            guard files.count > Self.kept, let next = files.dropFirst().first else { return self.end() }
            self.head(of: next) { [weak self] position in
                guard let self, let position, self.mayGo(oldest, upTo: position) else { self?.end(); return }
                self.node.control.query("PURGE BINARY LOGS TO '\(next.name)'") { [weak self] result in
                    guard let self else { return }
                    if case .failure(let error) = result {
                        self.node.log.warning("a file of the binlog could not be removed", ["file": oldest.name, "error": "\(error)"])
                        return self.end()
                    }
                    self.node.log.info("a file of the binlog was removed", ["file": oldest.name, "upto": "\(position)"])
                    self.look(files.dropFirst())
                }
            }
        }
    }

    private func mayGo(_ file: File, upTo position: Position) -> Bool {
        // Nothing goes that is not on enough nodes.
        guard position <= node.applied.value else { return false }
        if bytes > settings.binlogBytesMax { return true }
        return position <= needed() && ageMs(file) >= settings.binlogKeepMs
    }

    /// How long it has been whole, at least: no clock that is set makes it older. After the node's start it counts anew.
    private func ageMs(_ file: File) -> Int { seenMs[file.name].map { EventLoop.nowMs() - $0 } ?? 0 }

    /// A file tells in its second event what came before it.
    private func head(of file: File, done: @escaping @LoopActor (Position?) -> Void) {
        if let known = heads[file.name] { return done(known) }
        node.control.query("SHOW BINLOG EVENTS IN '\(file.name)' LIMIT 2") { [weak self] result in
            guard let self, case .success(let found) = result, found.rows.count == 2, let list = found.rows[1].last ?? nil else { return done(nil) }
            let gtids = list.dropFirst().dropLast().split(separator: ",").compactMap { GTID($0.drop { $0 == " " }) }
            let position = gtids.filter { $0.domain == 0 }.map { Position($0) }.max() ?? .start
            self.heads[file.name] = position
            done(position)
        }
    }

    var statusRows: [[String?]] {
        guard let first else { return [] }
        return [["binlog.files", "\(count)"], ["binlog.bytes", "\(bytes)"], ["binlog.after", "\(first)"]]
    }
}

import ClusterModel
import EventLoop
import MariaDBConnector
import MariaDBServer
import Verification

/// A slave's external database as the target of logical snapshots: whether its contents may go, and the load that replaces them.
@LoopActor final class ExternalFilling {
    private static let retryFirstMs = 1000
    private static let retryLastMs = 60_000
    private static let namesMax = 5

    private unowned let node: Node
    private var running: SnapshotLoad?
    /// Counts the loads: what an earlier one still tells is of no interest.
    private var loads = 0
    /// Nothing more is to be found out about the contents.
    private var isSettled = false
    private var retry: TimerID?
    private var retryMs = 0

    init(_ node: Node) { self.node = node }

    private func files() throws(ServerProblem) -> ExternalFiles { try ExternalFiles(directory: node.directory.path) }

    // MARK: Whose the contents are

    /// The databases with something in them, but for the server's own and the node's.
    private func userDatabases(_ done: @escaping @LoopActor (Result<[String], DatabaseError>) -> Void) {
        let notOwn = "NOT IN \(DefinitionSQL.systems)"
        node.control.query(
            """
            SELECT table_schema AS name FROM information_schema.tables WHERE table_schema \(notOwn) \
            UNION SELECT routine_schema FROM information_schema.routines WHERE routine_schema \(notOwn) \
            UNION SELECT event_schema FROM information_schema.events WHERE event_schema \(notOwn)
            """
        ) { result in done(result.map { $0.rows.compactMap { $0.first ?? nil }.filter { $0 != "ddbnode" } }) }
    }

    /// The server was connected to, and no load is due: what is in it now tells whose it is.
    func lookAround(_ done: @escaping @LoopActor (String?) -> Void) {
        do {
            let files = try files()
            try files.discard()
            guard try files.origin() != .cluster else { return done(nil) }
            userDatabases { [weak self] result in
                do {
                    let names = try result.get()
                    if names.isEmpty { try files.keep(.cluster) }
                    guard !names.isEmpty, let self else { return done(nil) }
                    self.lookAtPosition(files, done)
                } catch {
                    done("what it holds could not be seen: \(error)")
                }
            }
        } catch {
            done("\(error)")
        }
    }

    /// What is in a server that has executed nothing of the cluster's log did not come from there.
    private func lookAtPosition(_ files: ExternalFiles, _ done: @escaping @LoopActor (String?) -> Void) {
        node.control.query("SELECT @@GLOBAL.gtid_slave_pos AS slave, @@GLOBAL.gtid_binlog_pos AS binlog") { result in
            do {
                let found = try result.get()
                if (found["slave"] ?? "").isEmpty, (found["binlog"] ?? "").isEmpty { try files.keep(.own) }
                done(nil)
            } catch {
                done("where it is could not be seen: \(error)")
            }
        }
    }

    /// The master's log goes on from the database's position: what is in it came from the cluster, unless it was there before.
    func isFollowing() {
        guard !isSettled, node.applied.value > .start else { return }
        isSettled = true
        do {
            let files = try files()
            if try files.origin() == nil { try files.keep(.cluster) }
        } catch { node.log.warning("whose databases these are could not be stored", ["error": "\(error)"]) }
    }

    /// Why the server's contents may not be replaced; nil: they may.
    func whyNotReplaceable(_ done: @escaping @LoopActor (String?) -> Void) {
        userDatabases { [weak self] result in
            guard let self else { return }
            do {
                let names = try result.get()
                guard !names.isEmpty, try self.files().origin() != .cluster else { return done(nil) }
                let some = names.sorted().prefix(Self.namesMax).joined(separator: ", ") + (names.count > Self.namesMax ? ", …" : "")
                done(
                    """
                    the external database holds databases that are not known to be this cluster's (\(some)), and a snapshot would replace them: \
                    move them elsewhere, or fill it by hand (Docs/Operations.md, "Rebuilding a slave")
                    """)
            } catch {
                done("what the external database holds can't be seen: \(error)")
            }
        }
    }

    // MARK: Loading

    func pending() throws(ServerProblem) -> Position? { try files().pending() }
    func willLoad(_ position: Position) throws(ServerProblem) { try files().begin(position) }
    func accept() throws(ServerProblem) { try files().accept() }

    /// Replaces the server's databases by those of the snapshot, from the beginning; `done` hears what went wrong, or nil.
    func load(_ position: Position, _ done: @escaping @LoopActor (String?) -> Void) {
        databaseIsDown()
        let number = loads
        let wait = retryMs
        retryMs = min(max(retryMs * 2, Self.retryFirstMs), Self.retryLastMs)
        retry = node.loop.after(milliseconds: wait) { [weak self] in
            guard let self, self.loads == number else { return }
            self.node.log.notice("loading the snapshot into the database", ["position": "\(position)"])
            self.clear(number) { problem in if let problem { done(problem) } else { self.run(number, done) } }
        }
    }

    /// Drops every database but the server's own.
    private func clear(_ number: Int, _ done: @escaping @LoopActor (String?) -> Void) {
        // Functions were let in where they come from, and rows are what is logged of them.
        let before = ["STOP SLAVE", "SET GLOBAL log_bin_trust_function_creators=1", "SET SESSION sql_log_bin=0, foreign_key_checks=0"]
        node.control.queries(before) { [weak self] result in
            if case .failure(let error) = result { return done("\(error)") }
            self?.node.control.query("SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN \(DefinitionSQL.systems)") {
                found in
                guard let self, self.loads == number else { return }
                do {
                    let names = try found.get().rows.compactMap { $0.first ?? nil }
                    let drops = names.map { "DROP DATABASE `\($0.replacing("`", with: "``"))`" }
                    self.node.control.queries(drops + ["SET SESSION sql_log_bin=1, foreign_key_checks=1"]) { result in
                        guard self.loads == number else { return }
                        if case .failure(let error) = result { done("\(error)") } else { done(nil) }
                    }
                } catch {
                    done("\(error)")
                }
            }
        }
    }

    private func run(_ number: Int, _ done: @escaping @LoopActor (String?) -> Void) {
        guard loads == number, let target = node.administratorTarget else { return done("the database is down") }
        let loop = node.loop
        let load = SnapshotLoad(directory: node.directory.path, ServerLogin(target)) { [weak self] problem in
            loop.post {
                guard let self, self.loads == number else { return }
                self.running = nil
                if problem == nil { self.retryMs = 0 }
                done(problem.map { "\($0)" })
            }
        }
        running = load
        load.start()
    }

    /// Ends a load that is under way.
    func databaseIsDown() {
        loads += 1
        node.loop.cancel(retry)
        running?.cancel()
        running = nil
    }
}

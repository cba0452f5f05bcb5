import ClusterModel
import Digests
import Dispatch
import EventLoop
import MariaDBConnector
import MariaDBServer
import NodeConfig

/// The database under the node: a private one that it runs, or an external one that it was given.
@LoopActor final class NodeDatabase {
    enum Event {
        /// It takes connections.
        case up(version: String)
        case down(String)
        /// It will not come up by itself.
        case failed(String)
        /// No server runs, and none is started before somebody says how.
        case halted
        case stopped
    }

    /// How a private server is started.
    struct ServerStart: Equatable {
        var role: Role
        var serverID: UInt32
        /// What waits for other nodes is taken back.
        var rollsBack = false
    }

    private static let externalRetryMs = 1000
    /// Of a private database, besides the clients': a binlog reader for each of 256 links, the node's own, and those that are only just being closed.
    private static let ownConnections = 384
    /// The most the server takes, in seconds: when an idle connection ends is for the node to say.
    static let waitTimeoutS = 31_536_000

    /// What is to be done while no server runs.
    private struct Replacement {
        let work: @Sendable () throws -> Void
        let done: @LoopActor @Sendable ((any Error)?) -> Void
    }

    private static let replacing = DispatchQueue(label: "ddbnode.database-files")

    private let loop: EventLoop
    private let settings: DatabaseSettings
    private let event: @LoopActor (Event) -> Void
    private var server: PrivateServer?
    private var watch: MariaDBConnection?
    private var opening: Opening?
    private var isStopped = false
    private let remake: (@LoopActor (NodeDatabase, ServerStart) -> PrivateServer)?
    private var serverStart: ServerStart?
    private var replacement: Replacement?
    private let administratorAccount: DatabaseAccount
    private let clientAccount: DatabaseAccount
    private let grantingAccount: DatabaseAccount
    private(set) var endpoint: DatabaseEndpoint?
    /// What the private server was started for.
    private(set) var connectionsMax = 0
    /// What makes the node's accounts again as they were at the private server's start.
    private(set) var accountStatements: [String] = []
    private let log: NodeLog

    init(
        _ loop: EventLoop, _ settings: NodeSettings, _ directory: NodeDirectory, log: NodeLog,
        event: @escaping @LoopActor (Event) -> Void
    ) throws(Digests.NoRandomness) {
        self.loop = loop
        self.settings = settings.database
        self.event = event
        self.log = log
        switch settings.database.mode {
        case .private:
            administratorAccount = DatabaseAccount(user: "ddbnode_admin", password: try Digests.randomHex(16))
            clientAccount = DatabaseAccount(user: "ddbnode_client", password: try Digests.randomHex(16))
            grantingAccount = DatabaseAccount(user: "ddbnode_accounts", password: try Digests.randomHex(16))
        case .external:
            let password = settings.database.password.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
            administratorAccount = DatabaseAccount(user: settings.database.user ?? "", password: password)
            clientAccount = administratorAccount
            grantingAccount = administratorAccount
        }
        guard settings.database.mode == .private else {
            remake = nil
            return
        }
        remake = { $0.makeServer(settings, directory, $1) }
    }

    private func makeServer(_ settings: NodeSettings, _ directory: NodeDirectory, _ start: ServerStart) -> PrivateServer {
        var options = PrivateServerOptions(directory: directory.path, serverID: start.serverID, role: start.role)
        options.rollsBack = start.rollsBack
        options.program = settings.database.program
        options.installProgram = settings.database.installProgram
        options.extra = settings.database.options.map { ServerSetting(name: $0.name, value: $0.value) }
        options.connectionsMax = settings.pool.connectionsMax + Self.ownConnections
        connectionsMax = options.connectionsMax
        options.accounts = accounts(files: settings.session.files)
        accountStatements = (try? AccountScript.statements(for: options.accounts)) ?? []
        let loop = loop
        return PrivateServer(options: options) { [weak self] event in
            loop.post { self?.heard(event) }
        }
    }

    private func accounts(files: Bool) -> [ServerAccount] {
        NodeAccounts.all(administrator: administratorAccount, client: clientAccount, granting: grantingAccount, files: files)
    }

    func start(_ how: ServerStart) {
        serverStart = how
        switch settings.mode {
        case .private: if server == nil, replacement == nil { startServer() }
        case .external: if watch == nil { connectExternal() }
        }
    }

    private func startServer() {
        guard !isStopped, let serverStart else { return }
        server = remake?(self, serverStart)
        server?.start()
    }

    /// The private server ends, and is not started before `start` says how; ends in `halted`. `killing`: at once, so that nothing is let through that
    /// waits for other nodes.
    func halt(killing: Bool) {
        serverStart = nil
        guard let server else { return event(.halted) }
        endpoint = nil
        server.stop(killing: killing)
    }

    /// From now on its end is not followed by another start: see `halt`.
    func neverRestart() { server?.neverRestart() }

    // MARK: Targets

    /// The node's own connections.
    var administrator: DatabaseTarget? {
        endpoint.map {
            DatabaseTarget(
                endpoint: $0, account: administratorAccount,
                setup: ["SET SESSION sql_mode='', max_statement_time=0, autocommit=1, wait_timeout=\(Self.waitTimeoutS)"])
        }
    }

    /// Clients' connections; `setup` makes their sessions what the node expects.
    func client(setup: [String], multiStatements: Bool) -> DatabaseTarget? {
        endpoint.map { DatabaseTarget(endpoint: $0, account: clientAccount, setup: setup, multiStatements: multiStatements) }
    }

    var administratorLogin: DatabaseAccount { administratorAccount }
    /// Runs what the gate found to be one statement about accounts.
    var grantingLogin: DatabaseAccount { grantingAccount }

    // MARK: Private

    private func heard(_ event: ServerEvent) {
        switch event {
        case .creating: log.notice("creating the database")
        case .orphanStopped(let pid): log.warning("a database left behind by an earlier run was stopped", ["pid": "\(pid)"])
        case .starting(let pid): log.info("database starting", ["pid": "\(pid)"])
        case .ready(let server):
            endpoint = .socket(server.socket)
            log.info("database ready", ["pid": "\(server.pid)", "version": server.version])
            self.event(.up(version: server.version))
        case .exited(let exit):
            endpoint = nil
            log.error(
                "database died",
                [
                    "how": exit.words, "restart_ms": exit.restartInMs.map { "\($0)" } ?? "-", "failures": "\(exit.failuresInARow)",
                    "log": exit.lastLogLines.suffix(3).joined(separator: " | "),
                ])
            self.event(.down("it \(exit.words)" + (exit.restartInMs == nil ? "" : "; it is started again")))
        case .failed(let problem):
            endpoint = nil
            self.event(.failed(problem.description))
        case .stopped:
            endpoint = nil
            server = nil
            if isStopped { return self.event(.stopped) }
            if let replacement { replace(replacement) } else { self.event(.halted) }
        }
    }

    // MARK: Replacing

    /// Stops the private server, does `work` where it may wait, and starts a server on what is there then; `done` hears what went wrong.
    func replaceFiles(_ work: @escaping @Sendable () throws -> Void, done: @escaping @LoopActor @Sendable ((any Error)?) -> Void) {
        guard !isStopped, replacement == nil else { return }
        let new = Replacement(work: work, done: done)
        replacement = new
        endpoint = nil
        event(.down("its files are being replaced"))
        if let server { server.stop() } else { replace(new) }
    }

    private func replace(_ replacement: Replacement) {
        // Gone before the next one takes its lock.
        server = nil
        let loop = loop
        Self.replacing.async {
            var problem: (any Error)?
            do { try replacement.work() } catch { problem = error }
            let found = problem
            loop.post { [weak self] in self?.replaced(found) }
        }
    }

    private func replaced(_ problem: (any Error)?) {
        let done = replacement?.done
        replacement = nil
        if isStopped { return event(.stopped) }
        startServer()
        done?(problem)
    }

    // MARK: External

    private func connectExternal() {
        guard !isStopped else { return }
        let endpoint: DatabaseEndpoint =
            if let socket = settings.socket { .socket(socket) } else {
                .tcp(host: settings.host ?? "127.0.0.1", port: UInt16(clamping: settings.port))
            }
        let setup = ["SET SESSION wait_timeout=\(Self.waitTimeoutS)"]
        let target = DatabaseTarget(endpoint: endpoint, account: administratorAccount, setup: setup)
        opening = MariaDBConnection.open(loop, target, for: self) { this, result in
            this.opening = nil
            switch result {
            case .success(let connection):
                this.watch = connection
                this.endpoint = endpoint
                connection.lostWhileIdle = { [weak this] in this?.lostExternal("it closed the connection") }
                this.event(.up(version: connection.serverVersion))
            case .failure(let error) where error.number == 1045 || error.number == 1698 || error.number == 1130:
                this.event(.failed("the database at \(endpoint) refuses the node's account: \(error)"))
            case .failure(let error): this.lostExternal("\(endpoint): \(error)")
            }
        }
    }

    /// Lets go of the external server and connects to it anew.
    func reconnect(_ why: String) {
        guard !isStopped, watch != nil else { return }
        watch?.lostWhileIdle = nil
        lostExternal(why)
    }

    private func lostExternal(_ why: String) {
        watch?.close()
        watch = nil
        endpoint = nil
        event(.down(why))
        loop.after(milliseconds: Self.externalRetryMs) { [weak self] in self?.connectExternal() }
    }

    // MARK: Stopping

    /// Ends in `.stopped`. `killing` as in `halt`.
    func stop(killing: Bool = false) {
        isStopped = true
        opening?.cancel()
        watch?.close()
        watch = nil
        // Between two servers it ends when the work is done.
        if let server { server.stop(killing: killing) } else if replacement == nil { event(.stopped) }
    }
}

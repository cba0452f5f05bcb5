package import ClusterModel
import EventLoop
import Glibc
package import MariaDBConnector
package import MariaDBServer
import Synchronization

/// A mariadbd of a test's own, in a directory of its own; it is started again when it is killed, and both are gone after `stop()`.
package final class TestServer: Sendable {
    package static let account = DatabaseAccount(user: "test", password: "it's \\ \"secret\"")
    /// Another account, which may only read.
    package static let reader = DatabaseAccount(user: "reader", password: "r")

    /// The server that a suite's tests share: see `ServerTrait`.
    @TaskLocal package static var shared: TestServer?

    private let directory: TestDirectory
    private let server: PrivateServer
    private let events: Events

    /// Shared with the server's thread, which may outlive the test.
    private final class Events: Sendable {
        let list = Mutex<[ServerEvent]>([])
    }

    private init(_ directory: TestDirectory, _ options: PrivateServerOptions) {
        let events = Events()
        self.directory = directory
        self.events = events
        server = PrivateServer(options: options) { event in events.list.withLock { $0.append(event) } }
        server.start()
    }

    /// Starts a server on a copy of files that are made once a process; it has an empty database `test` and an empty binlog.
    package static func start(_ role: Role = .master, id: UInt32 = 1, extra: [ServerSetting] = []) async throws -> TestServer {
        let directory = try TestDirectory()
        let template = try await Template.shared.path()
        let copied = ProcessFacts.shell("cp -a '\(template)/mariadb' '\(directory.path)/mariadb'")
        guard copied.code == 0 else { throw Failure(words: copied.output) }
        let server = TestServer(directory, options(directory.path, role, id, extra))
        _ = try await server.ready()
        return server
    }

    fileprivate static func make(in directory: TestDirectory) async throws {
        let server = TestServer(directory, options(directory.path, .slave, 1, []))
        _ = try await server.ready()
        try await server.sql("SET SESSION sql_log_bin=0; CREATE DATABASE test")
        await server.stop(keepingFiles: true)
    }

    private static func options(_ path: String, _ role: Role, _ id: UInt32, _ extra: [ServerSetting]) -> PrivateServerOptions {
        var options = PrivateServerOptions(directory: path, serverID: id, role: role)
        options.extra = [ServerSetting(name: "innodb-buffer-pool-size", value: "32M")] + extra
        options.accounts = [
            ServerAccount(name: account.user, password: account.password, privileges: ["ALL ON *.*"]),
            ServerAccount(name: reader.user, password: reader.password, privileges: ["SELECT ON *.*"]),
        ]
        return options
    }

    private var all: [ServerEvent] { events.list.withLock { $0 } }

    /// Waits until it takes connections for the nth time.
    @discardableResult
    package func ready(_ number: Int = 1) async throws -> RunningServer {
        try await until("mariadbd") { [events] in
            let ready = events.list.withLock { $0 }.compactMap { if case .ready(let running) = $0 { running } else { nil } }
            return ready.count >= number ? ready[number - 1] : nil
        }
    }

    private var running: RunningServer? {
        all.reversed().lazy.compactMap { if case .ready(let running) = $0 { running } else { nil } }.first
    }

    package var pid: Int32 { running?.pid ?? 0 }
    package var socket: String { running?.socket ?? directory.path + "/mariadb.sock" }
    package var dataDirectory: String { directory.path + "/mariadb" }

    /// As `account`, over the socket.
    package func target(_ account: DatabaseAccount = TestServer.account, setup: [String] = [], multi: Bool = false) -> DatabaseTarget {
        DatabaseTarget(endpoint: .socket(socket), account: account, setup: setup, multiStatements: multi)
    }

    /// Ends the process as a crash would; it comes back by itself, see `ready(2)`.
    package func killNow() {
        if let running { kill(running.pid, SIGKILL) }
    }

    /// Runs statements, separated by semicolons, and gives the last one's rows.
    @discardableResult
    package func sql(_ text: String) async throws -> SmallResult {
        let target = target(multi: true)
        let result: Result<SmallResult, DatabaseError> = try await answer("the reply to \(text.prefix(60))", within: 60) { loop, done in
            MariaDBConnection.open(loop, target) { opened in
                switch opened {
                case .failure(let error): done(.failure(error))
                case .success(let connection):
                    connection.query(text) { result in
                        connection.close()
                        done(result)
                    }
                }
            }
        }
        return try result.get()
    }

    /// The last transaction in its binlog.
    package func position() async throws -> Position {
        guard let position = Position(list: try await sql("SELECT @@GLOBAL.gtid_binlog_pos").first ?? "") else { throw Failure(words: "no position") }
        return position
    }

    package func stop() async { await stop(keepingFiles: false) }

    private func stop(keepingFiles: Bool) async {
        server.stop()
        try? await until("the server's end", within: 60, holds: { [events] in events.list.withLock { $0 }.last == .stopped })
        if !keepingFiles { directory.remove() }
    }

    package struct Failure: Error, CustomStringConvertible {
        let words: String
        package var description: String { words }
    }
}

/// Starts a server, hands it over and stops it.
package func withServer(
    _ role: Role = .master, id: UInt32 = 1, extra: [ServerSetting] = [], _ body: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer.start(role, id: id, extra: extra)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// The files that every server's begin as a copy of.
private actor Template {
    static let shared = Template()
    private var making: Task<String, any Error>?

    func path() async throws -> String {
        let task =
            making
            ?? Task {
                let directory = try TestDirectory(removedAtExit: true)
                try await TestServer.make(in: directory)
                return directory.path
            }
        making = task
        return try await task.value
    }
}

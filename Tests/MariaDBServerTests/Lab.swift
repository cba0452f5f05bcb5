import ClusterModel
import Glibc
import MariaDBServer
import Synchronization
import Testing

/// A directory of its own, and the servers in it with what they reported. All are stopped and all is removed when it goes.
final class Lab: Sendable {
    /// With a space in it, to see that every path is quoted.
    let directory: String
    private let root: String

    init(below more: String = "node 1") throws {
        var template = Array("/tmp/ddbnode-test-XXXXXX".utf8CString)
        root = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: template.count) { String(cString: $0) }
        directory = root + "/" + more
    }

    deinit { _ = Lab.shell("rm -rf '\(root)'") }

    func options(_ role: Role = .master) -> PrivateServerOptions {
        var options = PrivateServerOptions(directory: directory, serverID: 7, role: role)
        options.extra = [ServerSetting(name: "innodb-buffer-pool-size", value: "32M")]
        options.accounts = [
            ServerAccount(name: "gate", password: "it's \\ \"secret\"", privileges: ["SELECT, INSERT, CREATE ON *.*", "CREATE ROUTINE ON *.*"])
        ]
        return options
    }

    /// Runs a command; its output (both kinds) and exit code.
    static func shell(_ command: String) -> (output: String, code: Int32) {
        guard let pipe = popen("exec 2>&1; " + command, "r") else { return ("", -1) }
        var bytes: [UInt8] = []
        while case let byte = getc(pipe), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return (String(decoding: bytes, as: UTF8.self), pclose(pipe))
    }

    /// Runs SQL as an account of `options()`, or as the system's root.
    func sql(_ text: String, as user: String = "gate", socket: String? = nil) -> (output: String, code: Int32) {
        let password = user == "gate" ? "--password='it'\\''s \\ \"secret\"'" : ""
        return Lab.shell("mariadb --no-defaults -N -S '\(socket ?? directory + "/mariadb.sock")' -u\(user) \(password) -e '\(text)'")
    }
}

/// A server and what it reported.
final class Watched: Sendable {
    private let events = Events()
    let server: PrivateServer

    /// Shared with the server's thread, which may outlive the test.
    private final class Events: Sendable {
        let list = Mutex<[ServerEvent]>([])
    }

    init(_ options: PrivateServerOptions) {
        let events = events
        server = PrivateServer(options: options) { event in events.list.withLock { $0.append(event) } }
        server.start()
    }

    /// Nothing more will come by itself.
    private func isOver() -> Bool {
        if case .failed = all.last { true } else { all.last == .stopped }
    }

    var all: [ServerEvent] { events.list.withLock { $0 } }

    /// The first event that matches, waited for; nil fails the test with what came instead.
    func first<T>(
        within seconds: Double = 30, at location: SourceLocation = #_sourceLocation, _ match: @Sendable (ServerEvent) -> T?
    ) async throws -> T {
        let found = try await eventually(seconds, unless: isOver) { self.all.lazy.compactMap(match).first }
        return try #require(found, "\(all)", sourceLocation: location)
    }

    /// The nth readiness.
    func ready(_ number: Int = 1, within seconds: Double = 30, at location: SourceLocation = #_sourceLocation) async throws -> RunningServer {
        let found = try await eventually(seconds, unless: isOver) { () -> RunningServer? in
            let all = self.all.compactMap { if case .ready(let running) = $0 { running } else { nil } }
            return all.count >= number ? all[number - 1] : nil
        }
        return try #require(found, "\(all)", sourceLocation: location)
    }

    func problem(within seconds: Double = 30, at location: SourceLocation = #_sourceLocation) async throws -> ServerProblem {
        try await first(within: seconds, at: location) { if case .failed(let problem) = $0 { problem } else { nil } }
    }

    /// Stops and waits until it is.
    func stop(within seconds: Double = 40, at location: SourceLocation = #_sourceLocation) async throws {
        server.stop()
        #expect(try await eventually(seconds) { all.last == .stopped ? true : nil } == true, sourceLocation: location)
    }
}

/// Looks again and again until there is something, at most that long, or until there is no hope.
func eventually<T>(_ seconds: Double, unless hopeless: () -> Bool = { false }, _ look: () -> T?) async throws -> T? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if let found = look() { return found }
        if hopeless() { break }
        try await Task.sleep(for: .milliseconds(5))
    }
    return look()
}

func isGone(_ pid: Int32) -> Bool {
    kill(pid, 0) != 0 || Lab.shell("grep State /proc/\(pid)/status").output.contains("Z")
}

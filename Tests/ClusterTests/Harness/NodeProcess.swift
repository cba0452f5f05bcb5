import Glibc
import Testing

/// One ddbnode process, with its folder, its configuration and its log.
final class NodeProcess: ReachedDatabase {
    let name: String
    let port: UInt16
    /// Where it is started; its configuration and log are here.
    let home: String
    /// What the configuration says besides role, addresses and data: sections and keys, each with its JSON.
    var settings: [String: String]
    let role: String
    /// What its command line begins with: a program that runs it.
    var through: [String] = []
    private let master: UInt16?
    /// What the node takes for its user's folder: one for all of a cluster.
    let userHome: String
    /// Where its standard error goes in place of its log.
    var output: String?
    private(set) var pid: pid_t = 0
    private(set) var exitCode: Int32?

    init(name: String, port: UInt16, in root: String, role: String, master: UInt16?, settings: [String: String]) throws {
        self.name = name
        self.port = port
        self.role = role
        self.master = master
        home = root + "/" + name
        userHome = root
        self.settings = settings
        guard mkdir(home, 0o700) == 0 else { throw NotInTime(description: "cannot make \(home): \(errno)") }
    }

    deinit { kill() }

    static let binary: String = {
        // The test bundle lies in the folder of the products; the executable that runs it may be swift's own helper.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) }
        let beside = realpath("/proc/self/exe", nil).map { path in
            defer { free(path) }
            let text = String(cString: path)
            return String(text[..<(text.lastIndex(of: "/") ?? text.startIndex)])
        }
        let places = [bundle, beside].compactMap { $0 }.map { $0 + "/ddbnode" }
        return places.first { access($0, X_OK) == 0 } ?? "ddbnode"
    }()

    // MARK: Its places

    var data: String { home + "/data" }
    var configuration: String { home + "/node.json" }
    var log: String { home + "/log" }
    var files: String { data + "/files" }
    var socket: String { data + "/mariadb.sock" }
    var databasePID: pid_t? { Processes.text(ofFile: data + "/mariadb/mariadb.pid").flatMap { pid_t($0.filter(\.isNumber)) } }

    // MARK: Running

    var isRunning: Bool {
        guard pid > 0, exitCode == nil else { return false }
        exitCode = Processes.ended(pid)
        return exitCode == nil
    }

    func writeConfiguration() throws {
        var members = ["\"role\": \"\(role)\"", "\"listen\": \"127.0.0.1:\(port)\"", "\"data\": \"\(data)\""]
        if let master { members.append("\"master\": \"127.0.0.1:\(master)\"") }
        members += settings.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        try Processes.write("{\n" + members.joined(separator: ",\n") + "\n}\n", to: configuration)
    }

    /// Starts it without waiting until it serves.
    func launch(_ more: [String] = []) throws {
        try writeConfiguration()
        exitCode = nil
        // The user's own folder is let be.
        let environment = ["/usr/bin/env", "HOME=\(userHome)"]
        pid = try Processes.start(
            environment + through + [Self.binary, "--config", configuration, "--no-console"] + more, in: home, log: output ?? log)
    }

    /// Waits until it answers statements; a slave also until it has joined.
    func waitUntilServing(within seconds: Double = 60) throws {
        try waitUntil("\(name) serves", within: seconds) {
            guard isRunning else { throw NotInTime(description: "\(name) ended with \(exitCode ?? 0)") }
            return (try? connect(timeout: 10).run("SELECT 1").error == nil) ?? false
        }
    }

    func connect(timeout seconds: Int = 60) throws -> Client { try Client(port: port, timeout: seconds) }

    /// Waits until it has ended; its exit code, or the negated signal.
    @discardableResult func waitForEnd(within seconds: Double = 30) throws -> Int32 {
        try waitUntil("\(name) ends", within: seconds) { !isRunning }
        return exitCode ?? 0
    }

    /// Asks it to stop, and waits until it has.
    @discardableResult func stop(within seconds: Double = 40) throws -> Int32 {
        signal(SIGTERM)
        return try waitForEnd(within: seconds)
    }

    func signal(_ number: Int32) { if isRunning { Glibc.kill(pid, number) } }

    /// Stops it where it is, until SIGCONT.
    func hold() throws { try Processes.hold(pid) }

    /// kill -9, of the node alone.
    func kill() {
        guard isRunning else { return }
        Glibc.kill(pid, SIGKILL)
        Glibc.kill(pid, SIGCONT)
        _ = try? waitForEnd()
    }

    func killDatabase() throws { Glibc.kill(try #require(databasePID), SIGKILL) }

    var memory: Int { Processes.memory(pid) }

    // MARK: Asking

    /// A value of `.status`.
    func status(_ name: String) throws -> String {
        try connect().ok(".status").rows.first { $0.first == name }?.last.flatMap { $0 } ?? ""
    }

    var logText: String { Processes.text(ofFile: log) ?? "" }
}

import CSystem
package import ClusterModel
import Dispatch
import EventLoop
import Glibc
import Logging
package import NodeConfig

/// How a process that ran a node ends.
private enum ExitCode {
    static let stopped: Int32 = 0
    static let failed: Int32 = 1
    static let usage: Int32 = 2
}

/// Runs a node until it is told to stop, then ends the process.
///
/// `reload` reads the settings again, for SIGHUP; nil where there is no file. `ready` is called once, from the loop, when clients can be served.
package func runNode(
    _ settings: NodeSettings, reload: (@Sendable () -> Result<NodeSettings, ConfigProblems>)?, ready: @escaping @Sendable (NodeAddress) -> Void
) -> Never {
    let log = NodeLog(level: settings.log.level.logging, json: settings.log.format == .json)
    for warning in settings.warnings { log.warning(warning) }
    let descriptors = ddb_raise_descriptor_limit()
    if descriptors >= 0, descriptors < Int64(settings.limits.connectionsMax + settings.pool.connectionsMax + 64) {
        log.warning("fewer descriptors may be open than limits.connectionsMax asks for; raise the open-files limit", ["limit": "\(descriptors)"])
    }
    LoopActor.queue.async {
        LoopActor.assumeIsolated { RunningProcess.begin(settings, log, reload, ready) }
    }
    dispatchMain()
}

/// The process around a node: its listener, its signals, its end.
@LoopActor private final class RunningProcess {
    private static var current: RunningProcess?
    /// A slave or witness that was told no port looks through these, after the master's default.
    private static let slavePorts: ClosedRange<UInt16> = 7002...7999

    private let loop: EventLoop
    private let log: NodeLog
    private let node: Node
    private let listener: Listener
    private let signals = Signals()
    private let reload: (@Sendable () -> Result<NodeSettings, ConfigProblems>)?
    private var exitCode = ExitCode.stopped

    static func begin(
        _ settings: NodeSettings, _ log: NodeLog, _ reload: (@Sendable () -> Result<NodeSettings, ConfigProblems>)?,
        _ ready: @escaping @Sendable (NodeAddress) -> Void
    ) {
        do {
            let process = try RunningProcess(try SharedSecret.provide(settings, log: log), log, reload)
            current = process
            process.run(ready)
        } catch {
            let words = (error as? StartProblem)?.words ?? (error as? SharedSecret.Problem)?.words ?? "\(error)"
            LogWriter.standardError.write("ddbnode: \(words)\n")
            end((error as? StartProblem)?.code ?? ExitCode.failed)
        }
    }

    private struct StartProblem: Error {
        let words: String
        let code: Int32
    }

    /// What a listener hands its sockets to, once there is a node.
    @LoopActor private final class Door {
        weak var node: Node?
    }

    private init(_ settings: NodeSettings, _ log: NodeLog, _ reload: (@Sendable () -> Result<NodeSettings, ConfigProblems>)?) throws {
        loop = try EventLoop()
        self.log = log
        self.reload = reload
        let door = Door()
        let (listener, directory, host) = try Self.claim(loop, settings, log, door)
        self.listener = listener
        let address = settings.advertise ?? NodeAddress(host: host, port: listener.port)
        do throws(StoredProblem) {
            node = try Node(loop, settings, directory, address: address.description, log: log)
        } catch {
            // Trying again does not make a wrong list a right one.
            throw StartProblem(words: error.description, code: error.isSystem ? ExitCode.failed : ExitCode.usage)
        }
        door.node = node
        log.notice(
            "listening", ["role": settings.role.rawValue, "address": "\(NodeAddress(host: host, port: listener.port))", "data": directory.path])
    }

    /// A port and a folder, both free: those asked for, or for a slave or witness that was told none the first that go together.
    private static func claim(_ loop: EventLoop, _ settings: NodeSettings, _ log: NodeLog, _ door: Door) throws(StartProblem) -> (
        Listener, NodeDirectory, String
    ) {
        if let listen = settings.listen {
            let listener = try self.listen(loop, listen, log, door)
            do {
                return (listener, try open(settings, port: listener.port), listen.host)
            } catch {
                throw StartProblem(words: error.description, code: error.isUsage ? ExitCode.usage : ExitCode.failed)
            }
        }
        for port in slavePorts {
            guard let listener = try? self.listen(loop, NodeAddress(host: "127.0.0.1", port: port), log, door) else { continue }
            do {
                return (listener, try open(settings, port: port), "127.0.0.1")
            } catch {
                listener.close()
                // Another node's folder for this port: the next port has its own.
                if settings.data == nil, error.isUsage { continue }
                throw StartProblem(words: error.description, code: error.isUsage ? ExitCode.usage : ExitCode.failed)
            }
        }
        throw StartProblem(
            words: "no port of 127.0.0.1 from \(slavePorts.lowerBound) to \(slavePorts.upperBound) is free; give one with --listen",
            code: ExitCode.failed)
    }

    private static func listen(_ loop: EventLoop, _ address: NodeAddress, _ log: NodeLog, _ door: Door) throws(StartProblem) -> Listener {
        do throws(SystemError) {
            return try Listener(loop, host: address.host, port: address.port) { descriptor in
                if let node = door.node { node.accepted(descriptor) } else { close(descriptor) }
            } exhausted: { error in
                log.warning("no descriptor left for new clients; raise the open-files limit", ["error": "\(error)"])
            }
        } catch {
            let advice = error.code == EADDRINUSE ? "; another program listens there: stop it, or choose another with --listen" : ""
            throw StartProblem(words: "cannot listen on \(address): \(error.reason)\(advice)", code: ExitCode.failed)
        }
    }

    private static func open(_ settings: NodeSettings, port: UInt16) throws(NodeDirectory.Problem) -> NodeDirectory {
        try NodeDirectory.open(settings.data ?? "./ddbnode-data/node-\(port)", role: settings.role, id: settings.id, cluster: settings.cluster.name)
    }

    // MARK: Running

    private func run(_ ready: @escaping @Sendable (NodeAddress) -> Void) {
        signals.on(SIGTERM) { [unowned self] in stop("SIGTERM") }
        signals.on(SIGINT) { [unowned self] in stop("SIGINT") }
        signals.on(SIGHUP) { [unowned self] in reloadSettings() }
        node.becameReady = { [unowned self] in
            log.notice("ready", ["role": node.isWitness ? "witness" : node.role.rawValue, "address": node.address])
            if let address = NodeAddress(node.address) { ready(NodeAddress(host: address.host, port: listener.port)) }
        }
        node.failed = { [unowned self] why in
            LogWriter.standardError.write("ddbnode: \(why)\n")
            exitCode = ExitCode.failed
            stop("failure")
        }
        node.start()
    }

    private func stop(_ why: String) {
        if node.isStopping {
            // Asked twice: somebody is in a hurry. The database dies with this process and recovers at its next start.
            log.warning("stopped at once", ["signal": why])
            Self.end(ExitCode.failed)
        }
        log.info("told to stop", ["signal": why])
        listener.close()
        node.stop { [self] in
            log.notice("stopped")
            Self.end(exitCode)
        }
    }

    /// The process ends, its last lines before it.
    private static func end(_ code: Int32) -> Never {
        LogWriter.standardError.flush()
        exit(code)
    }

    private func reloadSettings() {
        guard let reload else { return log.notice("nothing to reload: the node was started without --config") }
        switch reload() {
        case .failure(let problems): log.error("the configuration was not reloaded", ["problems": problems.description])
        case .success(let new):
            let difference = NodeSettings.reloadable(from: node.settings, to: new)
            NodeLog.setLevel(new.log.level.logging)
            node.reload(new)
            log.notice("configuration reloaded", ["changed": difference.changed.joined(separator: ",")])
            if !difference.fixed.isEmpty { log.warning("these changes need a restart", ["keys": difference.fixed.joined(separator: ",")]) }
        }
    }
}

extension LogLevel {
    fileprivate var logging: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}

import CampaignHarness
import ClusterModel
import Glibc

/// What the nodes talk over: a network namespace for each and a bridge between them, or loopback where that can't be made.
///
/// A direction is cut by telling the sending side a wrong hardware address for the receiver: the packets leave and nobody takes them, as with
/// a broken switch. No address becomes unreachable, so nothing but silence tells of it. The program's own clients reach every node all the while.
final class Network {
    private enum Form {
        case namespaces
        case loopback(ports: [UInt16])
    }

    private static let prefix = "ddbcampaign"
    private static let port: UInt16 = 7001
    private let form: Form
    private let nodes: ClosedRange<Int>
    private let log: String
    /// Why nodes can't be cut off from each other; nil: they can.
    let whyWhole: String?

    init(nodes: Int, wantsNamespaces: Bool, log: String) throws(Failure) {
        self.nodes = 1...nodes
        self.log = log
        let why = wantsNamespaces ? Self.make(nodes, log) : "--loopback was given"
        whyWhole = why
        form = why == nil ? .namespaces : .loopback(ports: try (1...nodes).map { _ throws(Failure) in try Ports.free() })
    }

    func address(of node: Int) -> NodeAddress {
        switch form {
        case .namespaces: NodeAddress(host: Self.host(node), port: Self.port)
        case .loopback(let ports): NodeAddress(host: "127.0.0.1", port: ports[node - 1])
        }
    }

    /// The command that runs another one where the node is.
    func command(of node: Int) -> [String] {
        switch form {
        case .namespaces: ["ip", "netns", "exec", Self.namespace(node)]
        case .loopback: []
        }
    }

    // MARK: Cutting

    /// From now on nothing that `node` sends reaches the others.
    func cutOut(_ node: Int) throws(Failure) { for other in nodes where other != node { try direct(from: node, to: other, "02:dd:b0:00:00:ff") } }

    /// From now on nothing that the others send reaches `node`.
    func cutIn(_ node: Int) throws(Failure) { for other in nodes where other != node { try direct(from: other, to: node, "02:dd:b0:00:00:ff") } }

    /// All reach all again.
    func heal() throws(Failure) {
        guard case .namespaces = form else { return }
        for node in nodes {
            for other in nodes where other != node { try direct(from: node, to: other, Self.hardware(other)) }
        }
    }

    private func direct(from node: Int, to other: Int, _ hardware: String) throws(Failure) {
        let arguments = "-n \(Self.namespace(node)) neigh replace \(Self.host(other)) lladdr \(hardware) nud permanent dev eth0"
        guard Self.ip(arguments, log) else { throw Failure("ip \(arguments) failed; what it said is in \(log)") }
    }

    // MARK: Making and removing

    private static func namespace(_ node: Int, of pid: pid_t = getpid()) -> String { "\(prefix)-\(pid)-\(node)" }
    private static func hardware(_ node: Int) -> String { "02:dd:b0:00:00:0\(node)" }
    private static var bridge: String { "ddbc\(getpid())" }
    /// Within 198.18.0.0/15, which is set apart for tests between networks (RFC 2544).
    private static var net: String { "198.\(18 + Int(getpid()) / 256 % 2).\(Int(getpid()) % 256)" }
    private static func host(_ node: Int) -> String { "\(net).\(node)" }

    private static func ip(_ arguments: String, _ log: String) -> Bool {
        (try? Processes.run(["ip"] + arguments.split(separator: " ").map(String.init), log: log)) == 0
    }

    /// Nil when it is all there.
    private static func make(_ nodes: Int, _ log: String) -> String? {
        guard geteuid() == 0 else { return "only root may make network namespaces" }
        removeAbandoned(log)
        var commands = ["link add \(bridge) type bridge", "addr add \(net).254/24 dev \(bridge)", "link set \(bridge) up"]
        for node in 1...nodes {
            let (space, end) = (namespace(node), "\(bridge)-\(node)")
            commands += [
                "netns add \(space)", "link add \(end) type veth peer name eth0 address \(hardware(node)) netns \(space)",
                "link set \(end) master \(bridge) up", "-n \(space) addr add \(host(node))/24 dev eth0", "-n \(space) link set lo up",
                "-n \(space) link set eth0 up",
            ]
        }
        guard let failed = commands.first(where: { !ip($0, log) }) else { return nil }
        remove(nodes, log)
        return "network namespaces can't be made here (ip \(failed))"
    }

    /// What a campaign left that was killed.
    private static func removeAbandoned(_ log: String) {
        guard let folder = opendir("/run/netns") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
            let parts = name.split(separator: "-")
            guard parts.count == 3, parts[0] == prefix, let pid = pid_t(parts[1]), kill(pid, 0) != 0 else { continue }
            _ = ip("netns del \(name)", log)
            _ = ip("link del ddbc\(pid)", log)
        }
    }

    private static func remove(_ nodes: Int, _ log: String) {
        for node in 1...nodes {
            // Both ends of the pair; with the namespace alone they would go some time later.
            _ = ip("link del \(bridge)-\(node)", log)
            _ = ip("netns del \(namespace(node))", log)
        }
        _ = ip("link del \(bridge)", log)
    }

    func remove() {
        if case .namespaces = form { Self.remove(nodes.count, log) }
    }
}

import CampaignHarness
import ClusterModel
import Glibc
import MariaDBServer
import Synchronization

/// A mariadbd without a node, with the options of one that a node runs.
final class PlainServer {
    private static let administrator = ServerAccount(
        name: "plain", password: "plain", privileges: ["ALL PRIVILEGES ON *.*", "GRANT OPTION ON *.*"])
    /// The statements' account, named and privileged as the nodes have it.
    private let client: ServerAccount
    private let server: PrivateServer
    private let events: Events

    private final class Events: Sendable {
        let list = Mutex<[ServerEvent]>([])
    }

    init(in directory: String, settings: [ServerSetting], client: ServerAccount) throws(Failure) {
        self.client = client
        try Files.makeDirectory(directory)
        var options = PrivateServerOptions(directory: directory, serverID: 1, role: .master)
        options.extra = settings
        options.accounts = [Self.administrator, client]
        let events = Events()
        self.events = events
        server = PrivateServer(options: options) { event in events.list.withLock { $0.append(event) } }
        server.start()
    }

    private var last: ServerEvent? { events.list.withLock { $0.last } }

    /// Waits until it takes connections; a server that died starts again by itself.
    func connect() throws(Failure) -> PlainClient { try connect(client) }

    func connectAsAdministrator() throws(Failure) -> PlainClient { try connect(Self.administrator) }

    private func connect(_ account: ServerAccount) throws(Failure) -> PlainClient {
        let trouble = try wait(milliseconds: 120_000) {
            switch last {
            case .ready: nil
            case .failed(let problem): "\(problem)"
            default: "it does not answer"
            }
        }
        guard trouble == nil, case .ready(let running)? = last else { throw Failure("the plain server did not start: \(trouble ?? "it is gone")") }
        return try PlainClient(socket: running.socket, user: account.name, password: account.password)
    }

    func stop() {
        server.stop(killing: true)
        for _ in 0..<1000 where last != .stopped { pause(milliseconds: 10) }
    }
}

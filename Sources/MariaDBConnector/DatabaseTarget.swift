/// The account a connection logs in with.
package struct DatabaseAccount: Hashable, Sendable {
    package let user: String
    package let password: String

    package init(user: String, password: String) {
        self.user = user
        self.password = password
    }
}

/// Where a MariaDB server is reached.
package enum DatabaseEndpoint: Hashable, Sendable, CustomStringConvertible {
    case socket(String)
    case tcp(host: String, port: UInt16)

    package var description: String {
        switch self {
        case .socket(let path): "socket \(path)"
        case .tcp(let host, let port): "\(host):\(port)"
        }
    }
}

/// All it takes to open one connection.
package struct DatabaseTarget: Sendable {
    package var endpoint: DatabaseEndpoint
    package var account: DatabaseAccount
    /// Statements run once after the login; a failure of one fails the connection.
    package var setup: [String]
    /// Whether one request may carry several statements.
    package var multiStatements: Bool
    package var connectTimeoutMs: Int

    package init(
        endpoint: DatabaseEndpoint, account: DatabaseAccount, setup: [String] = [], multiStatements: Bool = false, connectTimeoutMs: Int = 10_000
    ) {
        self.endpoint = endpoint
        self.account = account
        self.setup = setup
        self.multiStatements = multiStatements
        self.connectTimeoutMs = connectTimeoutMs
    }
}

import ArgumentParser
import LoadGeneratorCore

/// Where requests go to, and by which protocol.
enum Endpoint: Equatable {
    /// A node, on this port of 127.0.0.1.
    case node(port: UInt16)
    /// A MariaDB server, on this port of 127.0.0.1.
    case server(port: UInt16)
    /// A MariaDB server's socket.
    case socket(path: String)

    var wire: Wire {
        switch self {
        case .node: .text
        case .server, .socket: .mariadb
        }
    }
}

/// Who logs in to a MariaDB server.
struct Account {
    let user: String
    let password: String
}

/// An address as the command line has it: `node:7001`, `server:3306`, `socket:/path`.
extension Endpoint: ExpressibleByArgument {
    init?(argument: String) {
        guard let colon = argument.firstIndex(of: ":") else { return nil }
        let rest = String(argument[argument.index(after: colon)...])
        switch (argument[..<colon], UInt16(rest)) {
        case ("node", let port?) where port > 0: self = .node(port: port)
        case ("server", let port?) where port > 0: self = .server(port: port)
        case ("socket", _) where rest.hasPrefix("/"): self = .socket(path: rest)
        default: return nil
        }
    }

    var defaultValueDescription: String { "node:<port>" }
}

struct AccountOptions: ParsableArguments {
    @Option(help: "The account for server: and socket: addresses.")
    var user = "root"

    @Option(help: "Its password.")
    var password = ""

    var account: Account { Account(user: user, password: password) }
}

/// How figures are printed.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the figures as one line of JSON.")
    var json = false

    func show(_ report: Report) { print(json ? report.json : report.text) }
}

/// The help of an address argument.
let addressHelp = ArgumentHelp("node:<port>, server:<port> (both on 127.0.0.1), or socket:<path>.", valueName: "address")

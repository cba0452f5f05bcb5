/// Where a server is, and who logs in there.
package struct ServerLogin: Sendable {
    package enum Address: Sendable {
        case socket(String)
        case tcp(host: String, port: UInt16)
    }

    let address: Address
    let user: String
    package var password: String

    package init(_ address: Address, user: String, password: String) {
        self.address = address
        self.user = user
        self.password = password
    }

    /// An option file for MariaDB's programs. On their command lines every user of the machine could read it.
    func file() throws(ServerProblem) -> String {
        let place: [(String, String)] =
            switch address {
            case .socket(let path): [("socket", path), ("protocol", "socket")]
            case .tcp(let host, let port): [("host", host), ("port", "\(port)"), ("protocol", "tcp")]
            }
        var lines = ""
        for (name, value) in place + [("user", user), ("password", password)] {
            guard ServerPaths.isSpeakable(value) || value.isEmpty else { throw .unwritable(what: "the address or account of the database") }
            let quoted = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            lines += "\(name)=\"\(quoted)\"\n"
        }
        return ["mariadb-backup", "mariadb-dump", "client"].map { "[\($0)]\n\(lines)" }.joined()
    }
}

import Glibc

/// Finds the programs that the node runs.
enum ProgramSearch {
    /// Searched after PATH: services often run without the system directories in it.
    private static let places = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin", "/usr/local/bin"]
    static let placesForPeople = places.dropLast().joined(separator: ", ") + " or " + (places.last ?? "")

    static func server(named: String?) throws(ServerProblem) -> String {
        try find(named.map { [$0] } ?? ["mariadbd", "mysqld"])
    }

    static func installer(named: String?) throws(ServerProblem) -> String {
        try find(named.map { [$0] } ?? ["mariadb-install-db", "mysql_install_db"])
    }

    /// Makes the copies of a running server, and finishes them.
    static func backup() throws(ServerProblem) -> String { try find(["mariadb-backup", "mariabackup"]) }

    /// Unpacks a copy's stream.
    static func unpacker() throws(ServerProblem) -> String { try find(["mbstream"]) }

    /// Writes a copy's statements.
    static func dump() throws(ServerProblem) -> String { try find(["mariadb-dump", "mysqldump"]) }

    /// Runs them.
    static func client() throws(ServerProblem) -> String { try find(["mariadb", "mysql"]) }

    /// The first of the names that is an executable file; a name with a slash is taken as the path it is.
    private static func find(_ names: [String]) throws(ServerProblem) -> String {
        let path = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        for name in names {
            let candidates = name.contains("/") ? [name] : (path + places).map { $0 + "/" + name }
            if let found = candidates.first(where: { access($0, X_OK) == 0 && !System.isDirectory($0) }) { return found }
        }
        throw .programMissing(names.first ?? "")
    }
}

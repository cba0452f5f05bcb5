import Testing

/// What has a database that tests reach by its socket, behind the node's back.
protocol ReachedDatabase {
    var socket: String { get }
}

extension ReachedDatabase {
    /// SQL as root: what the client program says, and how it ends.
    func mariadb(_ sql: String) -> (code: Int32, output: String) {
        let ended = Processes.shell("mariadb --no-defaults -N -B -S \(Processes.quoted(socket)) -uroot -e \(Processes.quoted(sql))")
        return (ended.code, ended.output.hasSuffix("\n") ? String(ended.output.dropLast()) : ended.output)
    }

    /// SQL that must succeed.
    @discardableResult func root(_ sql: String, at location: SourceLocation = #_sourceLocation) throws -> String {
        let (code, output) = mariadb(sql)
        try #require(code == 0, "\(sql): \(output)", sourceLocation: location)
        return output
    }

    /// Removes all of its binlog so far. Files that the database's own recovery may need stay, until it has made a checkpoint.
    func purgeBinlog() throws {
        try root("FLUSH BINARY LOGS")
        try waitUntil("the binlog is purged") {
            let files = try root("SHOW BINARY LOGS").split(separator: "\n").compactMap { $0.split(separator: "\t").first }
            if files.count > 1, let last = files.last { try root("PURGE BINARY LOGS TO '\(last)'") }
            return files.count == 1
        }
    }
}

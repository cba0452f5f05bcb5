import Testing

/// Clients that give their transactions ids.
extension Client {
    /// What `.outcome` says.
    func outcome(_ id: String, at location: SourceLocation = #_sourceLocation) throws -> String? {
        try ok(".outcome \(id)", at: location).fields["outcome"]
    }

    /// A statement under an id, which must succeed.
    @discardableResult func ok(under id: String, _ sql: String, at location: SourceLocation = #_sourceLocation) throws -> Reply {
        try ok(".id \(id)", at: location)
        return try ok(sql, at: location)
    }

    /// A statement under an id, which must be refused with that code.
    @discardableResult func refused(_ code: String, under id: String, _ sql: String, at location: SourceLocation = #_sourceLocation) throws -> String
    {
        try ok(".id \(id)", at: location)
        return try refused(code, sql, at: location)
    }
}

extension Cluster {
    /// With tables to write into under ids, and a client of the master.
    static func runForOutcomes(
        slaves: Int = 2, _ settings: [String: String] = ["replication": #"{"ackTimeoutMs": 1500}"#], _ body: (Cluster, Client) throws -> Void
    ) throws {
        try run(slaves: slaves, settings) { cluster in
            let client = try cluster.master.connect()
            try client.ok("CREATE DATABASE d")
            try client.ok("CREATE TABLE d.t (v INT PRIMARY KEY, id INT AUTO_INCREMENT UNIQUE)")
            try client.ok("CREATE TABLE d.other (v INT)")
            try cluster.waitForSlaves()
            try body(cluster, client)
        }
    }

    func waitUntilCommitWaits() throws {
        do { try waitUntil("a commit waits") { try master.root("SHOW PROCESSLIST").contains("Waiting for semi-sync ACK") } } catch {
            let told = try ["commits", "members", "received", "health"].map { "\($0): \(try master.status($0))" }
            throw NotInTime(description: "\(error); \(told.joined(separator: "; ")); its database:\n\(try master.root("SHOW PROCESSLIST"))")
        }
    }
}

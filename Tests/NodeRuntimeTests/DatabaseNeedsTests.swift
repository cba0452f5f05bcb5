import Testing

@testable import NodeRuntime

@Suite struct DatabaseNeedsTests {
    private static let master = DatabaseNeeds(isMaster: true, serverID: 7, holdsCommits: true, isPrivate: true, connectionsMin: 128)
    private static let slave = DatabaseNeeds(isMaster: false, serverID: 9, holdsCommits: false, isPrivate: true, connectionsMin: 128)

    /// A server with all that `needs` asks for.
    private func fit(_ needs: DatabaseNeeds) -> [String: String] {
        var found: [String: String] = [:]
        for need in needs.all {
            switch need.value {
            case .exactly(let value): found[need.variable] = value
            case .atLeast(let least): found[need.variable] = "\(least)"
            }
        }
        return found
    }

    @Test(arguments: [master, slave])
    func `a server that is as it must be is let be`(_ needs: DatabaseNeeds) {
        let found = fit(needs)
        #expect(needs.unmet { found[$0] }.isEmpty)
        #expect(Set(needs.all.map(\.variable)).count == needs.all.count)
    }

    @Test func `what differs is named, and set right by one statement`() {
        let cases: [(DatabaseNeeds, String, String, String)] = [
            (Self.master, "read_only", "1", "SET GLOBAL read_only=0"), (Self.slave, "read_only", "0", "SET GLOBAL read_only=1"),
            (Self.master, "rpl_semi_sync_master_enabled", "0", "SET GLOBAL rpl_semi_sync_master_enabled=1"),
            (Self.slave, "rpl_semi_sync_master_enabled", "1", "SET GLOBAL rpl_semi_sync_master_enabled=0"),
            (Self.master, "rpl_semi_sync_master_wait_point", "AFTER_COMMIT", "SET GLOBAL rpl_semi_sync_master_wait_point='AFTER_SYNC'"),
            (Self.master, "server_id", "1", "SET GLOBAL server_id=7"), (Self.master, "sync_binlog", "0", "SET GLOBAL sync_binlog=1"),
            (Self.master, "max_connections", "10", "SET GLOBAL max_connections=128"),
            (Self.slave, "init_connect", "SELECT 1", "SET GLOBAL init_connect=''"),
            (Self.slave, "binlog_format", "STATEMENT", "SET GLOBAL binlog_format='ROW'"),
        ]
        for (needs, variable, value, statement) in cases {
            var found = fit(needs)
            found[variable] = value
            let unmet = needs.unmet { found[$0] }
            #expect(unmet.map(\.statement) == [statement])
            #expect(unmet.first?.words(found: value).hasPrefix("\(variable) was \(value) in place of ") == true)
        }
    }

    @Test func `more connections than needed are right, and a slave's durability is its own`() {
        var found = fit(Self.slave)
        found["max_connections"] = "5000"
        found["sync_binlog"] = "0"
        found["expire_logs_days"] = "0.000000"
        #expect(Self.slave.unmet { found[$0] }.isEmpty)
    }

    @Test func `the gate is let be while it changes, and set up before it is closed`() {
        var needs = Self.master
        needs.holdsCommits = nil
        #expect(!needs.all.contains { $0.variable.hasPrefix("rpl_") })
        #expect(Self.master.all.last?.variable == "rpl_semi_sync_master_enabled")
    }

    @Test func `of a server that others run only what the node itself sets, and its log, is looked at`() {
        var needs = Self.master
        needs.isPrivate = false
        #expect(!needs.all.contains { ["max_connections", "init_connect", "local_infile"].contains($0.variable) })
        #expect(needs.all.contains { $0.variable == "binlog_format" })
    }
}

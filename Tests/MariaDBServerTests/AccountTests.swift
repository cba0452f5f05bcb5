import ClusterModel
import MariaDBServer
import Testing

@Suite(.serialized)
struct AccountTests {
    @Test(arguments: Role.allCases)
    func `the accounts have their rights and no more, and are in no binlog`(_ role: Role) async throws {
        let lab = try Lab()
        let watched = Watched(lab.options(role))
        _ = try await watched.ready()
        #expect(
            lab.sql("SELECT CURRENT_USER(), @@read_only, @@sync_binlog").output
                == (role == .master ? "gate@localhost\t0\t1\n" : "gate@localhost\t1\t0\n"))
        let grants = lab.sql("SHOW GRANTS").output
        #expect(grants.contains("SELECT, INSERT, CREATE, CREATE ROUTINE ON *.*") && !grants.contains("SUPER"), "\(grants)")
        #expect(lab.sql("SET GLOBAL read_only = 0").code != 0)
        #expect(lab.sql("SELECT @@gtid_binlog_pos", as: "root").output == "\n")
        #expect(
            lab.sql("SELECT User, Host, plugin FROM mysql.user WHERE User IN (\"\", \"root\")", as: "root").output == "root\tlocalhost\tunix_socket\n"
        )
        #expect(lab.sql("SHOW DATABASES LIKE \"test\"", as: "root").output.isEmpty)
        let binlog = Lab.shell("mariadb-binlog --no-defaults '\(lab.directory)/mariadb/'binlog.0*")
        #expect(binlog.code == 0 && !binlog.output.contains("gate") && !binlog.output.contains("GRANT"), "\(binlog.output)")
        try await watched.stop()
    }

    @Test func `what the node depends on cannot be set otherwise`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.extra += [("log-bin", "other"), ("server-id", "9"), ("skip-grant-tables", "1"), ("performance-schema", "1")].map(ServerSetting.init)
        let watched = Watched(options)
        _ = try await watched.ready()
        let values = lab.sql("SELECT @@server_id, @@log_bin_basename, @@performance_schema, @@skip_networking, CURRENT_USER()").output
        #expect(values == "7\t\(lab.directory)/mariadb/binlog\t1\t1\tgate@localhost\n")
        try await watched.stop()
    }
}

import ClusterModel
import Glibc
import MariaDBServer
import Testing

@Suite(.serialized)
struct ServerProblemTests {
    @Test func `a missing program is said at once, with what to install`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.program = "mariadbd-nowhere"
        let watched = Watched(options)
        let problem = try await watched.problem(within: 5)
        #expect(problem == .programMissing("mariadbd-nowhere"))
        #expect(problem.description.contains("apt-get install mariadb-server") && problem.description.contains("database.program"))
        try await watched.stop()
    }

    @Test func `a missing installer is said at once`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.installProgram = "/nowhere/mariadb-install-db"
        let watched = Watched(options)
        #expect(try await watched.problem(within: 5) == .programMissing("/nowhere/mariadb-install-db"))
        try await watched.stop()
    }

    @Test func `an installer that fails shows its last words`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.installProgram = lab.directory + "/installer"
        #expect(
            Lab.shell(
                "mkdir -p '\(lab.directory)'; cd '\(lab.directory)'; printf '#!/bin/sh\\necho ERROR: no luck; echo advice; exit 3' > installer; chmod +x installer"
            )
            .code == 0)
        let watched = Watched(options)
        #expect(try await watched.problem() == .creationFailed(how: "ended with exit code 3", lastLogLines: ["ERROR: no luck"]))
        try await watched.stop()
    }

    @Test func `a directory that cannot be made is said with its reason`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.directory = "/proc/ddbnode"
        let watched = Watched(options)
        let problem = try await watched.problem(within: 5)
        #expect(problem.description.hasPrefix("cannot create the directory /proc/ddbnode: "), "\(problem)")
        try await watched.stop()
        options.directory = "relative/path"
        let other = Watched(options)
        #expect(try await other.problem(within: 5) == .directoryNotAbsolute("relative/path"))
        try await other.stop()
    }

    @Test func `a full disk is said before anything is made`() async throws {
        guard geteuid() == 0 else { return }
        let lab = try Lab()
        #expect(Lab.shell("mkdir -p '\(lab.directory)' && mount -t tmpfs -o size=8m none '\(lab.directory)'").code == 0)
        let watched = Watched(lab.options())
        let problem = try await watched.problem(within: 5)
        try await watched.stop()
        #expect(Lab.shell("umount '\(lab.directory)'").code == 0)
        #expect(
            problem == .noSpace(path: lab.directory, freeMiB: 7, neededMiB: 256)
                || problem == .noSpace(path: lab.directory, freeMiB: 8, neededMiB: 256))
    }

    @Test func `an option that mariadbd does not know fails the first start after three tries, with its words`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.extra = [ServerSetting(name: "no-such-option", value: "1")]
        let watched = Watched(options)
        let problem = try await watched.problem()
        #expect(problem.description.contains("unknown variable 'no-such-option=1'"), "\(problem)")
        #expect(watched.all.count { if case .starting = $0 { true } else { false } } == 3)
        try await watched.stop()
    }

    @Test func `an account that the server refuses fails the start`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.accounts[0].privileges = ["NONSENSE ON *.*"]
        let watched = Watched(options)
        guard case .accountsRefused(let line) = try await watched.problem() else {
            Issue.record("\(watched.all)")
            return
        }
        #expect(line.contains("1064"))
        try await watched.stop()
        #expect(access(lab.directory + "/mariadb.accounts.sql", F_OK) != 0)
    }

    @Test func `an account with a line break in it is refused`() async throws {
        let lab = try Lab()
        var options = lab.options()
        options.accounts[0].password = "a\nDROP DATABASE mysql;"
        let watched = Watched(options)
        guard case .unwritable = try await watched.problem() else {
            Issue.record("\(watched.all)")
            return
        }
        try await watched.stop()
    }
}

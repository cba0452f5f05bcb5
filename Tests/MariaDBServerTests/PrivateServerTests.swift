import ClusterModel
import Glibc
import MariaDBServer
import Testing

@Suite(.serialized)
struct PrivateServerTests {
    @Test func `the first start makes the files, a later one uses them`() async throws {
        let lab = try Lab()
        let first = Watched(lab.options())
        let running = try await first.ready(within: 20)
        #expect(running.version.hasPrefix("1") && running.version.contains("MariaDB"))
        #expect(running.socket == lab.directory + "/mariadb.sock")
        #expect(first.all.first == .creating)
        try await first.stop()
        let again = Watched(lab.options())
        _ = try await again.ready(within: 10)
        #expect(!again.all.contains(.creating))
        try await again.stop()
    }

    @Test func `after stop neither process nor socket is left`() async throws {
        let lab = try Lab()
        let watched = Watched(lab.options())
        let running = try await watched.ready()
        try await watched.stop()
        #expect(isGone(running.pid))
        #expect(access(running.socket, F_OK) != 0)
        #expect(Lab.shell("ls '\(lab.directory)'").output == "files\nmariadb\nmariadb.lock\nmariadb.log\nmariadb.tmp\n")
    }

    @Test func `letting go of a server stops it`() async throws {
        let lab = try Lab()
        var watched: Watched? = Watched(lab.options())
        let running = try #require(try await watched?.ready())
        watched = nil
        #expect(try await eventually(20) { isGone(running.pid) ? true : nil } == true)
    }

    @Test func `a killed server is started again and has what was committed`() async throws {
        let lab = try Lab()
        let watched = Watched(lab.options())
        let running = try await watched.ready()
        #expect(lab.sql("CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (41)").code == 0)
        kill(running.pid, SIGKILL)
        let end = try await watched.first { if case .exited(let end) = $0 { end } else { nil } }
        #expect(end.words == "was killed by signal 9" && end.restartInMs == 200 && end.failuresInARow == 1)
        #expect(!end.lastLogLines.isEmpty && end.lastLogLines.count <= 15)
        let again = try await watched.ready(2)
        #expect(again.pid != running.pid)
        #expect(lab.sql("SELECT a FROM shop.t").output == "41\n")
        try await watched.stop()
    }

    @Test func `a stop breaks off the creation and leaves nothing half-made`() async throws {
        let lab = try Lab()
        let watched = Watched(lab.options())
        try await watched.first { $0 == .creating ? () : nil }
        try await watched.stop()
        #expect(watched.all == [.creating, .stopped])
        #expect(access(lab.directory + "/mariadb", F_OK) != 0 && access(lab.directory + "/mariadb.creating", F_OK) != 0)
        #expect(!Lab.shell("cat /proc/*/cmdline | tr '\\0' ' '").output.contains("--datadir=\(lab.directory)/"))
    }

    @Test func `a stop during a start need not wait for its end`() async throws {
        let lab = try Lab()
        let watched = Watched(lab.options())
        let pid = try await watched.first { if case .starting(let pid) = $0 { pid } else { nil } }
        try await watched.stop(within: 5)
        #expect(isGone(pid))
    }

    @Test func `files half-made by a crash are made anew`() async throws {
        let lab = try Lab()
        #expect(Lab.shell("mkdir -p '\(lab.directory)/mariadb.creating/mysql'; echo x > '\(lab.directory)/mariadb.creating/ibdata1'").code == 0)
        let watched = Watched(lab.options())
        _ = try await watched.ready()
        #expect(watched.all.first == .creating && access(lab.directory + "/mariadb.creating", F_OK) != 0)
        try await watched.stop()
    }

    @Test func `a server left behind on the directory is stopped first`() async throws {
        let lab = try Lab()
        let maker = Watched(lab.options())
        _ = try await maker.ready()
        try await maker.stop()
        let data = lab.directory + "/mariadb"
        let user = geteuid() == 0 ? "--user=root" : ""
        let left = Lab.shell(
            "mariadbd --no-defaults '--datadir=\(data)' '--socket=\(data)/x.sock' --skip-networking \(user) > '\(data)/x.log' 2>&1 & echo $!")
        let pid = try #require(Int32(left.output.dropLast()))
        #expect(try await eventually(20) { lab.sql("SELECT 1", socket: data + "/x.sock").code == 0 ? true : nil } == true)
        let watched = Watched(lab.options())
        _ = try await watched.ready()
        #expect(watched.all.first == .orphanStopped(pid: pid))
        #expect(isGone(pid))
        try await watched.stop()
    }

    @Test func `a directory serves one node at a time`() async throws {
        let lab = try Lab()
        let first = Watched(lab.options())
        let running = try await first.ready()
        let second = Watched(lab.options())
        #expect(try await second.problem() == .directoryInUse(lab.directory))
        try await second.stop()
        #expect(!isGone(running.pid))
        try await first.stop()
    }

    @Test func `a path too long for a socket puts it into a private directory elsewhere`() async throws {
        let lab = try Lab(below: String(repeating: "deep/", count: 20) + "node")
        let watched = Watched(lab.options())
        let running = try await watched.ready()
        #expect(running.socket.hasPrefix("/tmp/ddbnode-\(geteuid())/") && running.socket.utf8.count < 108)
        #expect(lab.sql("SELECT 1", socket: running.socket).output == "1\n")
        try await watched.stop()
        #expect(access(running.socket, F_OK) != 0)
    }
}

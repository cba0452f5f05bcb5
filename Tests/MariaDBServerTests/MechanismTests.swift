import Glibc
import Synchronization
import Testing

@testable import MariaDBServer

struct MechanismTests {
    private final class Spawned: Sendable {
        let pid = Mutex<Int32?>(nil)
        let mayEnd = StopRequest()
    }

    @Test func `a child dies with the thread that spawned it`() async throws {
        let lab = try Lab(below: "log")
        let (path, spawned) = (lab.directory, Spawned())
        let code = SpawningThread.run {
            guard let log = try? ServerLog(path: path), let child = try? ChildProcess("sleep", ["1000"], in: "/", log: log) else { return }
            spawned.pid.withLock { $0 = child.pid }
            // Never let go of: its deinit would end the child itself.
            _ = Unmanaged.passRetained(child)
            _ = spawned.mayEnd.wait(ms: 60_000)
        }
        #expect(code == nil)
        let pid = try #require(try await eventually(10) { spawned.pid.withLock { $0 } })
        #expect(!isGone(pid))
        spawned.mayEnd.make()
        #expect(try await eventually(10) { isGone(pid) ? true : nil } == true)
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid && status & 0x7F == SIGKILL)
    }

    @Test func `a child that runs has not ended, whatever became of its descriptor`() throws {
        let lab = try Lab(below: "log")
        let child = try ChildProcess("sleep", ["1000"], in: "/", log: try ServerLog(path: lab.directory))
        func isSeenRunning() -> Bool { child.wait(stop: nil, untilMs: System.monotonicMs() + 20) == .timeout }
        #expect(isSeenRunning())
        close(child.descriptor)
        #expect(isSeenRunning())
        // A file of somebody else's that is always readable.
        let (stolen, other) = (child.descriptor, open("/dev/zero", O_RDONLY))
        #expect(dup2(other, stolen) == stolen)
        #expect(isSeenRunning())
        #expect(fcntl(stolen, F_GETFD) >= 0 && child.descriptor != stolen)
        for file in [stolen, other] { close(file) }
        kill(child.pid, SIGKILL)
        #expect(child.wait(stop: nil, untilMs: System.monotonicMs() + 10_000) == .exit)
        #expect(child.reap() == "was killed by signal 9")
    }

    @Test func `a program that cannot be run is an error with its reason, and leaves no zombie`() throws {
        let lab = try Lab(below: "log")
        let log = try ServerLog(path: lab.directory)
        #expect(throws: ServerProblem.system(trying: "run", path: "/etc", code: EACCES)) { try ChildProcess("/etc", [], in: "/", log: log) }
    }

    @Test func `restarts wait longer and longer, and a minute of health forgives`() {
        var policy = RestartPolicy()
        policy.becameReady()
        let delays = (0..<8).map { _ in policy.ended(healthyMs: 1000) }
        #expect(delays == [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .restart(inMs: $0) })
        #expect(policy.ended(healthyMs: 60_000) == .restart(inMs: 200))
        #expect(policy.failuresInARow == 1)
    }

    @Test func `a server that never was ready is given up after three starts`() {
        var policy = RestartPolicy()
        #expect((0..<3).map { _ in policy.ended(healthyMs: 0) } == [.restart(inMs: 200), .restart(inMs: 400), .giveUp])
    }

    @Test func `a greeting tells the version, an error packet none`() {
        #expect(Greeting.version(in: [9, 0, 0, 0, 10, 0x31, 0x30, 0x2E, 0x31, 0, 7, 7]) == "10.1")
        #expect(Greeting.version(in: [0, 0, 0, 0, 10] + "5.5.5-10.11.19-MariaDB".utf8 + [0]) == "10.11.19-MariaDB")
        #expect(Greeting.version(in: [3, 0, 0, 0, 0xFF, 0x10, 0x04]) == nil)
        #expect(Greeting.version(in: [3, 0]) == nil)
    }

    @Test func `a socket directory that others can enter is refused`() throws {
        let lab = try Lab(below: "open")
        #expect(mkdir(lab.directory, 0o755) == 0)
        #expect(throws: ServerProblem.socketDirectoryUnsafe(path: lab.directory, why: "other users have access to it")) {
            try ServerPaths.verifyPrivate(lab.directory)
        }
        #expect(symlink("/tmp", lab.directory + "/link") == 0)
        #expect(throws: ServerProblem.socketDirectoryUnsafe(path: lab.directory + "/link", why: "it is not a directory itself")) {
            try ServerPaths.verifyPrivate(lab.directory + "/link")
        }
    }

    @Test func `a big log is put aside once`() throws {
        let lab = try Lab(below: "log")
        #expect(Lab.shell("truncate -s 17M '\(lab.directory)'").code == 0)
        let log = try ServerLog(path: lab.directory)
        #expect(log.bytes == 0 && access(lab.directory + ".1", F_OK) == 0)
    }
}

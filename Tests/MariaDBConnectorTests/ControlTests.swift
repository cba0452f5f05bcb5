import EventLoop
import MariaDBConnector
import TestSupport
import Testing

@Suite(.serialized, .server)
struct ControlTests {
    private let server: TestServer

    init() throws { server = try #require(TestServer.shared) }

    @LoopActor private final class Replies {
        var list: [(String, Result<SmallResult, DatabaseError>)] = []
        nonisolated init() {}

        func ask(_ control: ControlConnection, _ sql: String) { control.query(sql) { self.list.append((sql, $0)) } }
    }

    @Test func `statements run in order, and several until one fails`() async throws {
        let target = server.target()
        let replies = Replies()
        let control = try await onLoop { loop in
            let control = ControlConnection(loop)
            replies.ask(control, "SELECT 0")
            control.use(target)
            for number in 1...5 { replies.ask(control, "SELECT \(number)") }
            return control
        }
        try await until("six replies") { replies.list.count == 6 }
        #expect(await replies.list.map { try? $0.1.get().first } == [nil, "1", "2", "3", "4", "5"])
        let failed: Result<Void, DatabaseError> = try await answer { _, done in
            control.queries(["SET @a=1", "SET @a=nowhere.b", "SET @a=3"]) { done($0) }
        }
        guard case .failure(let error) = failed else { return #expect(Bool(false), "it did not fail") }
        #expect(error.number > 1000)
        let kept: Result<SmallResult, DatabaseError> = try await answer { _, done in control.query("SELECT @a AS a") { done($0) } }
        #expect(try kept.get()["a"] == "1")
        try await onLoop { _ in control.use(nil) }
    }

    @Test func `a login that outlives its database does not answer for the next one`() async throws {
        let directory = try TestDirectory()
        let silent = try SilentServer(path: directory.path + "/s")
        let replies = Replies()
        let target = server.target()
        let control = try await onLoop { loop in
            let control = ControlConnection(loop)
            var hung = target
            hung.endpoint = .socket(directory.path + "/s")
            hung.connectTimeoutMs = 100
            control.use(hung)
            replies.ask(control, "SELECT 'first'")
            control.use(target)
            replies.ask(control, "SELECT SLEEP(0.3)")
            return control
        }
        try await until("both replies") { replies.list.count >= 2 }
        let _: Bool = try await answer { loop, done in loop.after(milliseconds: 100) { done(true) } }
        let list = await replies.list
        #expect(list.map(\.0) == ["SELECT 'first'", "SELECT SLEEP(0.3)"])
        #expect((try? list.last?.1.get().first) == "0")
        try await onLoop { _ in control.use(nil) }
        silent.close()
    }
}

import EventLoop
import Glibc
import TestSupport
import Testing

@Suite(.serialized)
struct ConnectTests {
    @LoopActor private final class Door {
        var accepted: [Int32] = []
        var exhausted = 0
        var listener: Listener?

        func open(_ loop: EventLoop, host: String) throws -> UInt16 {
            let listener = try Listener(loop, host: host, port: 0, accepted: { self.accepted.append($0) }, exhausted: { _ in self.exhausted += 1 })
            self.listener = listener
            return listener.port
        }

        func close() {
            listener?.close()
            for descriptor in accepted { Glibc.close(descriptor) }
        }
    }

    private func dial(_ host: String, _ port: UInt16, timeoutMs: Int = 5000) async throws -> Result<Int32, SystemError> {
        @LoopActor final class Keeper { var dialer: Dialer? }
        let keeper = Keeper()
        return try await answer("the dialer") { loop, done in
            keeper.dialer = Dialer(loop, for: keeper, host: host, port: port, timeoutMs: timeoutMs) { keeper, result in
                keeper.dialer = nil
                done(result)
            }
        }
    }

    @Test(arguments: [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.0.0.1", "localhost"), ("0.0.0.0", "127.0.0.1")])
    func `a listener is reached`(_ listens: String, _ dialled: String) async throws {
        let door = Door()
        let port = try await onLoop { try door.open($0, host: listens) }
        let descriptor = try await dial(dialled, port).get()
        try await until("the accepted socket") { door.accepted.count == 1 }
        close(descriptor)
        try await onLoop { _ in door.close() }
    }

    @Test func `a closed port refuses`() async throws {
        let taken = try plainListener(backlog: 1)
        close(taken.descriptor)
        let before = ProcessFacts.openDescriptors
        #expect(try await dial("127.0.0.1", taken.port) == .failure(SystemError("connect", ECONNREFUSED)))
        #expect(ProcessFacts.openDescriptors == before)
    }

    @Test func `a name that is none says so`() async throws {
        guard case .failure(let error) = try await dial("no such host", 1) else { return #expect(Bool(false), "it connected") }
        #expect(error.call == "cannot resolve no such host")
    }

    /// A listener that takes no connection, and what keeps it so.
    private func fullListener() throws -> (port: UInt16, descriptors: [Int32]) {
        let full = try plainListener(backlog: 0)
        let fillers = (0..<3).map { _ in
            let filler = plainSocket()
            _ = fcntl(filler, F_SETFL, O_NONBLOCK)
            plainConnect(filler, port: full.port)
            return filler
        }
        return (full.port, fillers + [full.descriptor])
    }

    @Test func `a listener whose queue is full times out`() async throws {
        let full = try fullListener()
        let before = ProcessFacts.openDescriptors
        let began = EventLoop.nowMs()
        #expect(try await dial("127.0.0.1", full.port, timeoutMs: 200) == .failure(SystemError("connect", ETIMEDOUT)))
        #expect((195..<3000).contains(EventLoop.nowMs() - began))
        #expect(ProcessFacts.openDescriptors == before)
        for descriptor in full.descriptors { close(descriptor) }
    }

    @LoopActor private final class Owner {}

    @Test func `what was dialled for an owner that is gone is closed`() async throws {
        let listener = try plainListener(backlog: 64)
        let before = ProcessFacts.openDescriptors
        try await onLoop { loop in
            for _ in 0..<20 {
                let owner = Owner()
                _ = Dialer(loop, for: owner, host: "127.0.0.1", port: listener.port, timeoutMs: 5000) { _, _ in Issue.record("it was told") }
            }
        }
        // Each is dialled all the same, or was given up before: one that is told shows that those before it are through.
        let last = try await dial("127.0.0.1", listener.port).get()
        close(last)
        try await until("all are closed") { ProcessFacts.openDescriptors == before }
        close(listener.descriptor)
    }

    @Test(arguments: [0, 20])
    func `a cancelled dialer says nothing and leaves nothing open`(_ cancelMs: Int) async throws {
        let full = try fullListener()
        let before = ProcessFacts.openDescriptors
        let _: Bool = try await answer { loop, done in
            let owner = Owner()
            let dialer = Dialer(loop, for: owner, host: "127.0.0.1", port: full.port, timeoutMs: 50) { _, _ in Issue.record("it was told") }
            if cancelMs == 0 { dialer.cancel() } else { loop.after(milliseconds: cancelMs) { dialer.cancel() } }
            loop.after(milliseconds: 100) { withExtendedLifetime(owner) { done(true) } }
        }
        #expect(ProcessFacts.openDescriptors == before)
        for descriptor in full.descriptors { close(descriptor) }
    }

    @Test func `a port in use is refused in words`() async throws {
        let taken = try plainListener(backlog: 1)
        let before = ProcessFacts.openDescriptors
        let error = await #expect(throws: SystemError.self) {
            _ = try await onLoop { try Listener($0, host: "127.0.0.1", port: taken.port, accepted: { _ in }, exhausted: { _ in }) }
        }
        #expect(error?.description == "bind: Address already in use")
        #expect(ProcessFacts.openDescriptors == before)
        close(taken.descriptor)
    }

    @Test func `without descriptors a newcomer is told, and later ones are let in`() async throws {
        let door = Door()
        let port = try await onLoop { try door.open($0, host: "127.0.0.1") }
        let clients = (0..<3).map { _ in plainSocket() }
        try await withDescriptorLimit(ProcessFacts.openDescriptors + 40) {
            var fillers: [Int32] = []
            while case let filler = open("/dev/null", O_RDONLY), filler >= 0 { fillers.append(filler) }
            #expect(fillers.count > 10)
            for client in clients.prefix(2) {
                #expect(plainConnect(client, port: port) == 0)
                let words = await offThread { () -> String in
                    var bytes = [UInt8](repeating: 0, count: 500)
                    let count = read(client, &bytes, bytes.count)
                    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
                }
                #expect(words.hasPrefix("ERR TOO-MANY-CONNECTIONS 08004 ") && words.hasSuffix("\n"))
            }
            for filler in fillers { close(filler) }
        }
        #expect(await door.exhausted >= 2)
        #expect(await door.accepted.isEmpty)
        #expect(plainConnect(clients[2], port: port) == 0)
        try await until("the third") { door.accepted.count == 1 }
        try await onLoop { _ in door.close() }
        for client in clients { close(client) }
    }
}

import ClusterModel
import EventLoop
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

@Suite(.serialized)
struct CommitmentNewsTests {
    @LoopActor private final class Slaves {
        private var news: CommitmentNews?
        private(set) var told = 0
        private var sequence: UInt64 = 0

        nonisolated init() {}

        func begin(_ loop: EventLoop) { news = CommitmentNews(loop) { self.told += 1 } }
        func all() { news?.moved(to: .all) }

        func commit(_ count: UInt64) {
            sequence += count
            news?.moved(to: .upTo(Position(GTID(domain: 0, server: 1, sequence: sequence))))
        }
    }

    /// Slaves that heard of so much, so often, that they hear of more for many transactions at once.
    private func busy() async throws -> Slaves {
        let slaves = Slaves()
        try await onLoop {
            slaves.begin($0)
            slaves.commit(1)
        }
        try await until("the first time is told at once") { slaves.told == 1 }
        // The rate is that of the last 20 ms.
        let began = EventLoop.nowMs()
        try await until("many came") {
            slaves.commit(100)
            return EventLoop.nowMs() > began + 100
        }
        let _: Bool = try await answer { loop, done in loop.after(milliseconds: 10) { done(true) } }
        return slaves
    }

    @Test func `under load many transactions are told of at once, the last of them too`() async throws {
        let slaves = try await busy()
        let before = await slaves.told
        let during = try await onLoop { _ in
            for _ in 0..<10 { slaves.commit(1) }
            return slaves.told
        }
        #expect(during == before)
        try await until("the last is told") { slaves.told == before + 1 }
    }

    @Test func `that commits wait, or do not, is told at the turn's end`() async throws {
        let slaves = try await busy()
        let before = await slaves.told
        try await onLoop { _ in slaves.all() }
        // The next turn.
        #expect(try await onLoop { _ in slaves.told } == before + 1)
        try await onLoop { _ in slaves.commit(1) }
        #expect(try await onLoop { _ in slaves.told } == before + 2)
    }
}

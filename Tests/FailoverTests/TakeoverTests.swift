import ClusterModel
import Failover
import Testing

@Suite struct TakeoverTests {
    /// Node 2 has won epoch 3 with a log that ends at 1-10, and went on up to this phase.
    private func takeover(_ phase: Takeover.Phase) throws -> Takeover {
        var (takeover, actions) = try #require(Takeover.begun(epoch(3), own: node(2), logEnd: at(1, 1, 10)))
        #expect(actions == [.appendMarker(gtid(3, 2, 11)), .shipJournal])
        if phase == .shipping { return takeover }
        #expect(takeover.watermarkMoved(to: at(3, 2, 11)) == [.apply(through: at(3, 2, 11))])
        if phase == .applying { return takeover }
        #expect(takeover.applied(to: at(3, 2, 11)) == [.open(server: 514)])
        if phase == .opening { return takeover }
        #expect(takeover.opened() == [.serve])
        return takeover
    }

    @Test func `a winner ships, applies, opens and serves, in this order`() throws {
        var takeover = try takeover(.shipping)
        #expect(takeover.applied(to: at(3, 2, 11)) == [] && takeover.opened() == [])
        #expect(takeover.phase == .shipping)
        #expect(try self.takeover(.serving).phase == .serving)
    }

    @Test func `nothing is applied before the marker is committed`() throws {
        var takeover = try takeover(.shipping)
        #expect(takeover.watermarkMoved(to: at(1, 1, 10)) == [])
        #expect(takeover.phase == .shipping)
    }

    @Test func `it opens only when all of the tail is applied`() throws {
        var takeover = try takeover(.applying)
        #expect(takeover.applied(to: at(1, 1, 10)) == [])
        #expect(takeover.phase == .applying)
    }

    @Test func `a deposed master's waiting commits are taken back`() throws {
        for phase in [Takeover.Phase.opening, .serving] {
            var takeover = try takeover(phase)
            #expect(takeover.leadershipLost() == [.restartAsSlave])
            #expect(takeover.leadershipLost() == [])
        }
    }

    @Test func `one that wrote nothing yet just follows again`() throws {
        for phase in [Takeover.Phase.shipping, .applying] {
            var takeover = try takeover(phase)
            #expect(takeover.leadershipLost() == [])
            #expect(takeover.watermarkMoved(to: at(3, 2, 11)) == [] && takeover.applied(to: at(3, 2, 11)) == [] && takeover.opened() == [])
        }
    }

    @Test func `a database that fails ends the lead`() throws {
        var applying = try takeover(.applying)
        #expect(applying.databaseFailed() == [.resign(.databaseFailed)])
        var opening = try takeover(.opening)
        #expect(opening.databaseFailed() == [.restartAsSlave, .resign(.databaseFailed)])
        #expect(opening.databaseFailed() == [])
    }

    @Test func `a read is answered after a round of beats that left after it came`() throws {
        let serving = try takeover(.serving)
        #expect(!serving.mayAnswerRead(arrivedMs: 100, confirmedMs: nil))
        #expect(!serving.mayAnswerRead(arrivedMs: 100, confirmedMs: 100))
        #expect(serving.mayAnswerRead(arrivedMs: 100, confirmedMs: 101))
        #expect(!(try takeover(.opening).mayAnswerRead(arrivedMs: 100, confirmedMs: 101)))
    }

    @Test func `an epoch that no number can name is not led`() {
        #expect(Takeover.begun(epoch(1 << 24), own: node(2), logEnd: .start) == nil)
    }
}

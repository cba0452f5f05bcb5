import ClusterModel
import EventLoop
import LineProtocol
import Replication

/// Reads here that ask the master what they must see.
extension MasterConnection {
    private static let askedMax = 100_000

    /// Asks the master, which makes sure that it is that still.
    func ask(_ done: @escaping @LoopActor (Result<Position, ReplyError>) -> Void) {
        guard link.isReceiving, asked.count < Self.askedMax else { return done(.failure(unreachable)) }
        lastAsked += 1
        asked[lastAsked] = done
        link.ask(lastAsked)
    }

    func answered(_ number: UInt64, _ position: Position, _ refusal: String) {
        guard let done = asked.removeValue(forKey: number) else { return }
        done(refusal.isEmpty ? .success(position) : .failure(ReplyError(.noQuorum, refusal)))
    }

    private var unreachable: ReplyError {
        ReplyError(
            .masterUnreachable, "the master at \(node.masterWords) can't be asked what a linearizable read must see; .consistency session reads on")
    }

    func failAsked() {
        let all = asked
        asked = [:]
        for (_, done) in all.sorted(by: { $0.key < $1.key }) { done(.failure(unreachable)) }
    }
}

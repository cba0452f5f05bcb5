import ClusterModel
import EventLoop
import LineProtocol
import Verification

/// A node's verifications: the one that it drives, and the one that reads its database, of which there is one at a time.
@LoopActor final class Verifier {
    static let peersMax = 64

    private unowned let node: Node
    private(set) var run: VerifyRun?
    private var worker: VerifyWorker?
    /// Nodes that are connected to ask.
    var peers: [ObjectIdentifier: PeerServer] = [:]
    /// What came of the last run that this node drove.
    private var last: String?

    init(_ node: Node) { self.node = node }

    /// Begins to compare; nil while another one is under way. `done` is called once, unless it is cancelled.
    func begin(_ scope: VerifyScope, done: @escaping @LoopActor (VerifyOutcome) -> Void) -> VerifyRun? {
        guard run == nil else { return nil }
        let run = VerifyRun(node, scope)
        self.run = run
        run.begin { [self] outcome in
            self.run = nil
            last = outcome.words
            done(outcome)
        }
        return run
    }

    func cancel(_ run: VerifyRun) {
        guard self.run === run else { return }
        self.run = nil
        last = "ended before it was through: its client left"
        run.cancel()
    }

    /// This node's part in a verification; nil while it takes part in another one.
    func lease() -> VerifyWorker? {
        guard worker == nil, !node.isStopping else { return nil }
        let worker = VerifyWorker(node)
        self.worker = worker
        return worker
    }

    func release(_ worker: VerifyWorker?) {
        guard let worker else { return }
        worker.close()
        if self.worker === worker { self.worker = nil }
    }

    var statusRows: [[String?]] {
        var rows: [[String?]] = []
        if let words = run?.progress ?? last { rows.append(["verify", words]) }
        if worker != nil, run == nil { rows.append(["verify.read_by", "another node, which compares this one with the master"]) }
        return rows
    }

    func stop() {
        run?.stop()
        for peer in peers.values { peer.close() }
        release(worker)
    }
}

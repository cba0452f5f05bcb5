package import ClusterModel

/// The master's side of a link to one slave: proves, admits, then ships.
///
///     challenged ──hello──► admitting ──admitted()──► welcomed ──resume──► shipping
///                                                              └─ack──► welcomed: it takes a snapshot elsewhere, and only tells how far it is
package struct MasterLink: Sendable {
    package enum Action: Equatable, Sendable {
        case send(Frame)
        /// Find or make the id of this node, then call `admitted` or `refused`.
        case admit(Frame.Hello)
        /// Find the last transaction that both logs have, of each of whose writers this is the last; then call `resumed`.
        case resume([GTID])
        /// A client of the slave's reads: confirm that this node leads, then answer.
        case readIndex(UInt64)
        /// The slave said how far it is.
        case progressed(Frame.Ack)
        /// Close when everything is sent.
        case close(LinkRefusal)
        /// The peer refused, and closes.
        case peerRefused(LinkRefusal)
    }

    private enum State: Equatable {
        case challenged
        case admitting(Frame.Hello)
        case welcomed
        case shipping
        case closed
    }

    private let identity: LinkIdentity
    private let challenge: Frame.Challenge
    private let timeoutMs: Int
    private var state = State.challenged
    private var lastHeardMs: Int

    /// `nonce`: 32 random bytes, used for this link alone.
    package init(_ identity: LinkIdentity, master: NodeID, epoch: Epoch, nonce: [UInt8], timeoutMs: Int, nowMs: Int) {
        self.identity = identity
        self.timeoutMs = timeoutMs
        challenge = identity.challenge(master, epoch, random: nonce)
        lastHeardMs = nowMs
    }

    /// The first thing the master says.
    package var opening: [Action] { [.send(.challenge(challenge))] }

    package mutating func received(_ frame: Frame, nowMs: Int) -> [Action] {
        lastHeardMs = nowMs
        switch (state, frame) {
        case (.closed, _): return []
        case (_, .refused(let refusal)):
            state = .closed
            return [.peerRefused(refusal)]
        case (.challenged, .hello(let hello)): return greeted(hello)
        case (.welcomed, .resume(let ends)):
            state = .shipping
            return [.resume(ends)]
        case (.shipping, .readIndex(let number)): return [.readIndex(number)]
        case (.shipping, .ack(let ack)), (.welcomed, .ack(let ack)): return [.progressed(ack)]
        case (_, .challenge), (_, .hello), (_, .welcome), (_, .resume), (_, .resumeAt), (_, .members), (_, .events), (_, .packedEvents), (_, .gone),
            (_, .beat), (_, .ack),
            (_, .committed), (_, .readIndex), (_, .readAnswer), (_, .ask), (_, .told), (_, .notTold), (_, .snapshotWanted), (_, .snapshotQueued),
            (_, .snapshotData), (_, .snapshotDone):
            return refuse(LinkRefusal(.badFrame, "a frame came that does not belong here"))
        }
    }

    private mutating func greeted(_ hello: Frame.Hello) -> [Action] {
        guard hello.cluster == identity.cluster else {
            return refuse(
                LinkRefusal(.otherCluster, "this node belongs to cluster \"\(identity.cluster)\", not to \"\(hello.cluster)\"; check cluster.name"))
        }
        guard hello.proof.isEmpty == (identity.prove == nil) else {
            let words =
                hello.proof.isEmpty
                ? "this cluster has a secret and the joining node has none; name the file with it there as cluster.secretFile"
                : "the joining node has a cluster secret and this one has none; name the same secret on both as cluster.secretFile"
            return refuse(LinkRefusal(.secretMissing, words))
        }
        guard identity.equal(identity.slaveProof(challenge, hello), hello.proof) else {
            return refuse(LinkRefusal(.badProof, "the joining node's cluster secret is not this cluster's"))
        }
        state = .admitting(hello)
        return [.admit(hello)]
    }

    /// The slave has an id, durably.
    package mutating func admitted(_ id: NodeID) -> [Action] {
        guard case .admitting(let hello) = state else { return [] }
        state = .welcomed
        return [.send(.welcome(Frame.Welcome(id: id, proof: identity.masterProof(challenge, hello, id: id))))]
    }

    package mutating func refuse(_ refusal: LinkRefusal) -> [Action] {
        state = .closed
        return [.send(.refused(refusal)), .close(refusal)]
    }

    /// Called from time to time: a silent peer is given up.
    package mutating func ticked(nowMs: Int) -> [Action] {
        guard state != .closed, nowMs - lastHeardMs > timeoutMs else { return [] }
        state = .closed
        return [.close(LinkRefusal(.silent, "nothing was heard for \(nowMs - lastHeardMs) ms"))]
    }

    package func lastSeenMs(nowMs: Int) -> Int { nowMs - lastHeardMs }
}

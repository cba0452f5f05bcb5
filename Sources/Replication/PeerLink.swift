package import ClusterModel

/// The answering side of a connection between peers, behind the line `.peer 1`: proves, then answers one request after another.
///
///     challenged ──hello──► ready ──ask──► answering ──answered()──► ready …
///                             └─snapshotWanted──► giving ──given()──► ready
package struct PeerAnswerer: Sendable {
    package enum Action: Equatable, Sendable {
        case send(Frame)
        /// Do it, then call `answered`.
        case answer([String?])
        /// Send a copy of the database, then call `given`, or `refuse`.
        case giveSnapshot(SnapshotKind)
        /// Close when everything is sent.
        case close(LinkRefusal)
    }

    private enum State: Equatable {
        case challenged
        case ready
        case answering
        case giving
        case closed
    }

    private let identity: LinkIdentity
    private let challenge: Frame.Challenge
    private let own: NodeID
    private var state = State.challenged
    /// Who asks, once it has proved that.
    package private(set) var peer: Frame.Hello?
    private var lastHeardMs: Int
    private let idleMsMax: Int

    /// `nonce`: 32 random bytes, used for this connection alone. A peer that asks nothing for `idleMsMax` is given up.
    package init(_ identity: LinkIdentity, own: NodeID, epoch: Epoch, nonce: [UInt8], idleMsMax: Int, nowMs: Int) {
        self.identity = identity.ofPeer
        self.own = own
        self.idleMsMax = idleMsMax
        challenge = identity.challenge(own, epoch, random: nonce)
        lastHeardMs = nowMs
    }

    package var opening: [Action] { [.send(.challenge(challenge))] }

    package mutating func received(_ frame: Frame, nowMs: Int) -> [Action] {
        lastHeardMs = nowMs
        switch (state, frame) {
        case (.closed, _): return []
        case (.challenged, .hello(let hello)):
            guard hello.cluster == identity.cluster, hello.proof.isEmpty == (identity.prove == nil),
                identity.equal(identity.slaveProof(challenge, hello), hello.proof)
            else { return refuse(LinkRefusal(.badProof, "the asking node is of another cluster, or does not hold this cluster's secret")) }
            state = .ready
            peer = hello
            return [.send(.welcome(Frame.Welcome(id: own, proof: identity.masterProof(challenge, hello, id: own))))]
        case (.ready, .ask(let fields)):
            state = .answering
            return [.answer(fields)]
        case (.ready, .snapshotWanted(let kind)):
            state = .giving
            return [.giveSnapshot(kind)]
        case (_, .challenge), (_, .hello), (_, .welcome), (_, .refused), (_, .resume), (_, .resumeAt), (_, .members), (_, .events),
            (_, .packedEvents), (_, .gone), (_, .beat),
            (_, .ack),
            (_, .committed), (_, .readIndex), (_, .readAnswer), (_, .snapshotWanted), (_, .snapshotQueued), (_, .snapshotData), (_, .snapshotDone),
            (_, .ask),
            (_, .told), (_, .notTold):
            return refuse(LinkRefusal(.badFrame, "a frame came that does not belong here"))
        }
    }

    /// The answer to what was asked.
    package mutating func answered(_ frame: Frame, nowMs: Int) -> [Action] {
        guard state == .answering else { return [] }
        lastHeardMs = nowMs
        state = .ready
        return [.send(frame)]
    }

    /// All of the copy was sent.
    package mutating func given(_ done: Frame.SnapshotDone, nowMs: Int) -> [Action] {
        guard state == .giving else { return [] }
        lastHeardMs = nowMs
        state = .ready
        return [.send(.snapshotDone(done))]
    }

    package mutating func refuse(_ refusal: LinkRefusal) -> [Action] {
        state = .closed
        return [.send(.refused(refusal)), .close(refusal)]
    }

    /// Called from time to time.
    package mutating func ticked(nowMs: Int) -> [Action] {
        guard state == .challenged || state == .ready, nowMs - lastHeardMs > idleMsMax else { return [] }
        return refuse(LinkRefusal(.silent, "nothing was asked for \(nowMs - lastHeardMs) ms"))
    }
}

/// The asking side.
///
///     connected ──challenge──► greeted ──welcome──► ready ──ask()──► asking ──told──► ready …
///                                                     └─wantSnapshot()──► taking ──snapshotDone──► ready
package struct PeerAsker: Sendable {
    package enum Action: Equatable, Sendable {
        case send(Frame)
        /// The other side is whom it should be: `ask` may be called.
        case ready
        /// The answer to the last `ask`: `told` or `notTold`.
        case answered(Frame)
        case snapshot(SnapshotStep)
        case close(LinkRefusal)
    }

    /// What comes of a snapshot that was asked for.
    package enum SnapshotStep: Equatable, Sendable {
        /// So many others get theirs before; also told as a sign of life.
        case queued(ahead: Int)
        case piece([UInt8])
        /// All of the stream is here, by its length.
        case done(Frame.SnapshotDone)
    }

    private enum State: Equatable {
        case connected
        case greeted(Frame.Challenge, Frame.Hello)
        case ready
        case asking
        /// So many bytes of a snapshot came.
        case taking(bytes: UInt64)
        case closed
    }

    private let identity: LinkIdentity
    private let wanted: NodeID
    private let wantedUUID: String?
    private var hello: Frame.Hello
    private var state = State.connected

    /// `wanted`: who should answer there, and of which folder, if that is known. `hello`: who asks; its nonce: 32 random bytes, used for this connection
    /// alone.
    package init(_ identity: LinkIdentity, wanted: NodeID, uuid: String? = nil, hello: Frame.Hello) {
        wantedUUID = uuid
        self.identity = identity.ofPeer
        self.wanted = wanted
        self.hello = hello
    }

    package mutating func received(_ frame: Frame) -> [Action] {
        switch (state, frame) {
        case (.closed, _): return []
        case (_, .refused(let refusal)):
            state = .closed
            return [.close(refusal)]
        case (.connected, .challenge(let challenge)):
            guard challenge.cluster == identity.cluster, challenge.secured == (identity.prove != nil) else {
                return refuse(LinkRefusal(.otherCluster, "the node there is of another cluster, or only one of the two has a cluster secret"))
            }
            guard challenge.master == wanted else {
                return refuse(LinkRefusal(.idTaken, "node \(challenge.master) answers there, not node \(wanted)"))
            }
            // An answer of another folder under its id is no answer of that node's: no vote, no copy, no sum.
            if let wantedUUID, let uuid = challenge.uuid, uuid != wantedUUID {
                return refuse(LinkRefusal(.idTaken, "another data folder answers there as node \(wanted): its uuid is \(uuid), not \(wantedUUID)"))
            }
            hello.proof = identity.slaveProof(challenge, hello)
            state = .greeted(challenge, hello)
            return [.send(.hello(hello))]
        case (.greeted(let challenge, let hello), .welcome(let welcome)):
            guard welcome.id == wanted, identity.equal(identity.masterProof(challenge, hello, id: welcome.id), welcome.proof) else {
                return refuse(LinkRefusal(.badProof, "the node there does not hold this cluster's secret"))
            }
            state = .ready
            return [.ready]
        case (.asking, .told), (.asking, .notTold):
            state = .ready
            return [.answered(frame)]
        case (.taking, .snapshotQueued(let ahead)): return [.snapshot(.queued(ahead: Int(ahead)))]
        case (.taking(let bytes), .snapshotData(let piece)):
            state = .taking(bytes: bytes + UInt64(piece.count))
            return [.snapshot(.piece(piece))]
        case (.taking(let bytes), .snapshotDone(let done)):
            guard done.bytes == bytes else { return refuse(LinkRefusal(.badStream, "\(bytes) bytes of the snapshot came, not \(done.bytes)")) }
            state = .ready
            return [.snapshot(.done(done))]
        case (_, .challenge), (_, .hello), (_, .welcome), (_, .resume), (_, .resumeAt), (_, .members), (_, .events), (_, .packedEvents), (_, .gone),
            (_, .beat), (_, .ack),
            (_, .committed), (_, .readIndex), (_, .readAnswer), (_, .snapshotWanted), (_, .snapshotQueued), (_, .snapshotData), (_, .snapshotDone),
            (_, .ask),
            (_, .told), (_, .notTold):
            return refuse(LinkRefusal(.badFrame, "a frame came that does not belong here"))
        }
    }

    /// Asks, once the answer to what was asked before is here.
    package mutating func ask(_ fields: [String?]) -> [Action] {
        precondition(state != .asking, "one request at a time")
        guard state == .ready else { return [] }
        state = .asking
        return [.send(.ask(fields))]
    }

    /// Asks for a copy of the database there.
    package mutating func wantSnapshot(_ kind: SnapshotKind) -> [Action] {
        guard state == .ready else { return [] }
        state = .taking(bytes: 0)
        return [.send(.snapshotWanted(kind))]
    }

    package mutating func refuse(_ refusal: LinkRefusal) -> [Action] {
        state = .closed
        return [.send(.refused(refusal)), .close(refusal)]
    }
}

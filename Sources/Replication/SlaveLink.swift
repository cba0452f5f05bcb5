package import BinlogFormat
package import ClusterModel

/// The slave's side of its link to the master: proves, joins, then takes events for the journal and tells how far it is.
///
///     connected ──challenge──► greeted ──welcome──► joined ──resume──► resuming ──resumeAt──► cutting ──matched()──► receiving
///                                                        └─watch()──► watching
package struct SlaveLink: Sendable {
    package enum Action: Equatable, Sendable {
        case send(Frame)
        /// The master let it in: keep this id, then call `resume`.
        case joined(id: NodeID, master: NodeID, epoch: Epoch)
        /// The two logs have this in common: cut the journal there, then call `matched`.
        case resumeAt(Position)
        /// Who belongs to the cluster, to be kept.
        case members(String)
        /// The events that follow are in this format.
        case format(FormatDescription)
        /// Write these whole events to the journal. `through` is the last transaction that is whole with them, and `wholeBytes` how many of the
        /// bytes come up to its end. All of them are of one writer.
        case append([UInt8], through: GTID?, wholeBytes: Int)
        /// The transaction under way broke off in the master's binlog: forget what was written of it.
        case dropOpenGroup
        case heard(Frame.Beat)
        case readAnswer(UInt64, Position, refusal: String)
        /// So much may be applied.
        case committed(Commitment)
        /// The master can't send what comes next; why, in its words.
        case gone(String)
        case close(LinkRefusal)
    }

    private enum State: Equatable {
        case connected
        case greeted(Frame.Challenge, Frame.Hello)
        case joined
        case resuming
        case cutting
        case receiving
        /// It takes a snapshot over another connection: here it only hears and tells how far everybody is.
        case watching
        case closed
    }

    private let identity: LinkIdentity
    private let checksum: Checksum
    private let timeoutMs: Int
    private var hello: Frame.Hello
    private let members: [NodeID: String]
    private var state = State.connected
    private var lastHeardMs: Int
    private var groups = GroupTracker()
    private var last = Position.start

    /// `hello` says who the slave is; its proof is made here. Its nonce: 32 random bytes, used for this link alone. `members`: the folders' uuids, as far
    /// as the slave knows its cluster.
    package init(
        _ identity: LinkIdentity, hello: Frame.Hello, members: [NodeID: String] = [:], checksum: @escaping Checksum, timeoutMs: Int, nowMs: Int
    ) {
        self.members = members
        self.identity = identity
        self.hello = hello
        self.checksum = checksum
        self.timeoutMs = timeoutMs
        lastHeardMs = nowMs
    }

    package var isReceiving: Bool { state == .receiving }

    package mutating func received(_ frame: Frame, nowMs: Int) -> [Action] {
        lastHeardMs = nowMs
        switch (state, frame) {
        case (.closed, _): return []
        case (_, .refused(let refusal)):
            state = .closed
            return [.close(refusal)]
        case (.connected, .challenge(let challenge)): return challenged(challenge)
        case (.greeted(let challenge, let hello), .welcome(let welcome)): return welcomed(welcome, challenge, hello)
        case (.receiving, .events(let events)): return received(events: events)
        case (.resuming, .gone(let words)), (.receiving, .gone(let words)): return [.gone(words)]
        case (.resuming, .resumeAt(let position)):
            state = .cutting
            last = position
            groups.reset()
            return [.resumeAt(position)]
        case (.receiving, .members(let text)): return [.members(text)]
        // What is committed means nothing before the logs are known to be one.
        case (.joined, .beat(let beat)), (.resuming, .beat(let beat)), (.watching, .beat(let beat)): return [.heard(beat)]
        case (.receiving, .beat(let beat)): return [.committed(beat.committed), .heard(beat)]
        case (.receiving, .readAnswer(let number, let position, let refusal)): return [.readAnswer(number, position, refusal: refusal)]
        case (.receiving, .committed(let commitment)): return [.committed(commitment)]
        case (_, .challenge), (_, .hello), (_, .welcome), (_, .resume), (_, .resumeAt), (_, .members), (_, .events), (_, .packedEvents), (_, .gone),
            (_, .beat), (_, .ack),
            (_, .committed), (_, .readIndex), (_, .readAnswer), (_, .ask), (_, .told), (_, .notTold), (_, .snapshotWanted), (_, .snapshotQueued),
            (_, .snapshotData), (_, .snapshotDone):
            return refuse(LinkRefusal(.badFrame, "a frame came that does not belong here"))
        }
    }

    private mutating func challenged(_ challenge: Frame.Challenge) -> [Action] {
        guard challenge.cluster == identity.cluster else {
            return refuse(
                LinkRefusal(
                    .otherCluster, "the master belongs to cluster \"\(challenge.cluster)\", not to \"\(identity.cluster)\"; check cluster.name"))
        }
        guard challenge.secured == (identity.prove != nil) else {
            let words =
                challenge.secured
                ? "the master's cluster has a secret and this node has none; name the file with it as cluster.secretFile"
                : "this node has a cluster secret and the master has none; name the same secret on both as cluster.secretFile"
            return refuse(LinkRefusal(.secretMissing, words))
        }
        if let words = strangeness(of: challenge) { return refuse(LinkRefusal(.idTaken, words)) }
        hello.proof = identity.slaveProof(challenge, hello)
        state = .greeted(challenge, hello)
        return [.send(.hello(hello))]
    }

    /// Why the node at the other end is not the one of this cluster that it says it is; nil where it may be.
    private func strangeness(of challenge: Frame.Challenge) -> String? {
        guard let uuid = challenge.uuid else { return nil }
        if let known = members[challenge.master], known != uuid {
            return """
                another data folder answers there as node \(challenge.master) than the cluster's: its uuid is \(uuid), not \(known). \
                A new cluster was begun there, or another node given that id; this node stays with its own cluster
                """
        }
        if let other = members.first(where: { $0.value == uuid && $0.key != challenge.master })?.key {
            return "the node there says that it is node \(challenge.master), and by the list of members its data folder is node \(other)'s"
        }
        return nil
    }

    private mutating func welcomed(_ welcome: Frame.Welcome, _ challenge: Frame.Challenge, _ hello: Frame.Hello) -> [Action] {
        guard identity.equal(identity.masterProof(challenge, hello, id: welcome.id), welcome.proof) else {
            return refuse(LinkRefusal(.badProof, "the master does not hold this cluster's secret"))
        }
        guard welcome.id != challenge.master, members[welcome.id].map({ $0 == hello.uuid }) ?? true else {
            return refuse(
                LinkRefusal(
                    .idTaken,
                    """
                    the master, node \(challenge.master), gave this node the id \(welcome.id), which is another node's: its list of members is wrong; \
                    stop all nodes and see "The list of members is wrong" in Docs/Operations.md
                    """))
        }
        state = .joined
        return [.joined(id: welcome.id, master: challenge.master, epoch: challenge.epoch)]
    }

    /// Asks for what comes next. `ends`: of each writer of the journal the last transaction, oldest first.
    package mutating func resume(_ ends: [GTID]) -> [Action] {
        guard state == .joined else { return [] }
        state = .resuming
        return [.send(.resume(Array(ends.suffix(Frame.writersMax))))]
    }

    /// The journal ends where the two logs part: what comes may be taken. No frame may be handed in between `resumeAt` and this.
    package mutating func matched() {
        if state == .cutting { state = .receiving }
    }

    package var isCutting: Bool { state == .cutting }

    /// Takes no events: it only hears and tells how far everybody is.
    package mutating func watch() {
        if state == .joined { state = .watching }
    }

    /// Asks up to where a read must see.
    package func ask(_ number: UInt64) -> [Action] { isReceiving ? [.send(.readIndex(number))] : [] }

    /// Tells how far this node is, if anybody listens.
    package func progressed(_ ack: Frame.Ack) -> [Action] {
        switch state {
        case .receiving, .watching: [.send(.ack(ack))]
        case .connected, .greeted, .joined, .resuming, .cutting, .closed: []
        }
    }

    package mutating func refuse(_ refusal: LinkRefusal) -> [Action] {
        state = .closed
        return [.send(.refused(refusal)), .close(refusal)]
    }

    /// The master is not silent, whatever it is that it says.
    package mutating func heardSomething(nowMs: Int) { lastHeardMs = nowMs }

    /// Called from time to time: a silent master is given up.
    package mutating func ticked(nowMs: Int) -> [Action] {
        guard state != .closed, nowMs - lastHeardMs > timeoutMs else { return [] }
        state = .closed
        return [.close(LinkRefusal(.silent, "nothing was heard for \(nowMs - lastHeardMs) ms"))]
    }

    // MARK: Events

    private mutating func received(events: [UInt8]) -> [Action] {
        var actions: [Action] = []
        var walk = Walk()
        do throws(LinkRefusal) {
            while walk.end < events.count { try step(events, &walk, &actions) }
        } catch {
            return actions + refuse(error)
        }
        flush(events, &walk, &actions)
        return actions
    }

    /// Where a walk over a frame's events is: what is already judged but not yet handed on.
    private struct Walk {
        var start = 0
        var end = 0
        var wholeEnd: Int?
        var through: GTID?
    }

    private mutating func step(_ events: [UInt8], _ walk: inout Walk, _ actions: inout [Action]) throws(LinkRefusal) {
        let at = walk.end
        let (header, step) = try judge(events, at)
        switch step {
        case .success(.groupBegan(let gtid)):
            try accept(gtid)
            // Transactions of one writer only: the journal's history grows by the last of what it is given.
            if let through = walk.through, through.server != gtid.server { flush(events, &walk, &actions) }
            walk.end = at + header.eventBytes
        case .success(.groupContinued):
            walk.end = at + header.eventBytes
        case .success(.groupEnded(let gtid)):
            last = Position(gtid)
            walk.end = at + header.eventBytes
            walk.wholeEnd = walk.end
            walk.through = gtid
        case .success(.formatDescription):
            flush(events, &walk, &actions)
            actions.append(.format(try format(events, at, header)))
            walk.end = at + header.eventBytes
            walk.start = walk.end
        case .success(.ignored):
            flush(events, &walk, &actions)
            walk.end = at + header.eventBytes
            walk.start = walk.end
        case .failure(.groupInterrupted):
            // The master's database died while it wrote this transaction. The event at hand is judged again, between groups.
            flush(events, &walk, &actions)
            actions.append(.dropOpenGroup)
        case .failure(let error):
            throw LinkRefusal(.badStream, error.description)
        }
    }

    private mutating func judge(_ events: [UInt8], _ at: Int) throws(LinkRefusal) -> (EventHeader, Result<EventStep, BinlogError>) {
        var groups = self.groups
        defer { self.groups = groups }
        let judged: (EventHeader, Result<EventStep, BinlogError>)? = events.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
            guard let header = EventHeader(rest), header.eventBytes >= EventHeader.byteCount, header.eventBytes <= rest.count else { return nil }
            let event = UnsafeRawBufferPointer(rebasing: rest[..<header.eventBytes])
            guard header.type == .formatDescription || verifyChecksum(event: event, checksum) else { return (header, .failure(.badChecksum)) }
            return (header, Result { () throws(BinlogError) in try groups.received(event) })
        }
        guard let judged else { throw LinkRefusal(.badStream, BinlogError.truncated.description) }
        return judged
    }

    private func accept(_ gtid: GTID) throws(LinkRefusal) {
        guard gtid.domain == 0 else {
            throw LinkRefusal(.badStream, "transaction \(gtid) is not of domain 0: the master's database must keep gtid_domain_id=0")
        }
        guard gtid.sequence > last.sequence else {
            throw LinkRefusal(.badStream, "transaction \(gtid) came after \(last): the master's binlog goes backwards")
        }
        // Lost on the way it comes over the next link; missing in the binlog, that is what the master says then.
        guard last.isFollowed(by: gtid) else { throw LinkRefusal(.badStream, BinlogError.gap(gtid, after: last).description) }
    }

    private func format(_ events: [UInt8], _ at: Int, _ header: EventHeader) throws(LinkRefusal) -> FormatDescription {
        let result = events.withUnsafeBytes { bytes in
            Result { () throws(BinlogError) in
                try FormatDescription(event: UnsafeRawBufferPointer(rebasing: bytes[at..<(at + header.eventBytes)]), checksum: checksum)
            }
        }
        switch result {
        case .success(let format): return format
        case .failure(let error): throw LinkRefusal(.badStream, error.description)
        }
    }

    private func flush(_ events: [UInt8], _ walk: inout Walk, _ actions: inout [Action]) {
        if walk.end > walk.start {
            let whole = walk.start == 0 && walk.end == events.count
            let bytes = whole ? events : Array(events[walk.start..<walk.end])
            actions.append(.append(bytes, through: walk.through, wholeBytes: walk.wholeEnd.map { $0 - walk.start } ?? 0))
        }
        walk.start = walk.end
        walk.wholeEnd = nil
        walk.through = nil
    }
}

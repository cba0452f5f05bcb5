import ClusterModel
import Digests
import EventLoop
import Failover
import LineProtocol
import NodeConfig
import Replication

/// The master's end of one slave's link: feeds the machine, does what it says.
@LoopActor final class SlaveConnection: ChannelHandler {
    private static let beatBytesMax = 1 << 20

    /// Held until the channel is gone: it may have something to tell until then.
    private let master: MasterLife
    private let channel: Channel
    private var link: MasterLink
    private var frames = FrameReader(takesEvents: false)
    private(set) var member: Member?
    private(set) var feed: SlaveFeed?
    /// A witness, which gets beats and no log.
    private var isAttending = false
    private(set) var ack = Frame.Ack(received: .start, applied: .start, state: "joining", beat: 0)
    /// Why the slave can't be fed; nil while it can.
    private(set) var gone: String?
    /// Why this end closes the link, where it is known.
    private var reason: String?

    init(_ master: MasterLife, _ channel: Channel) throws(Digests.NoRandomness) {
        self.master = master
        self.channel = channel
        let node = master.node
        link = MasterLink(
            node.linkIdentity, master: node.id, epoch: node.epoch, nonce: try Digests.random(32),
            timeoutMs: node.settings.replication.peerTimeoutMs, nowMs: EventLoop.nowMs())
        channel.highWater = node.settings.replication.sendBufferBytes
    }

    func begin(rest: [UInt8]) {
        perform(link.opening)
        rest.withUnsafeBytes { received($0) }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        frames.append(bytes)
        do throws(LinkRefusal) {
            while channel.isOpen, let frame = try frames.next() { perform(link.received(frame, nowMs: EventLoop.nowMs())) }
        } catch {
            perform(link.refuse(error))
        }
    }

    private func perform(_ actions: [MasterLink.Action]) {
        for action in actions {
            switch action {
            case .send(let frame): channel.write { frame.encode(into: &$0) }
            case .admit(let hello): admit(hello)
            case .resume(let ends): resume(ends)
            case .progressed(let ack):
                let before = self.ack
                self.ack = ack
                master.progressed(self, since: before)
            case .readIndex(let number): confirm(number)
            case .close(let refusal):
                master.node.log.warning("link to a slave ended", ["slave": name, "why": refusal.words])
                reason = refusal.words
                endFeeding()
                channel.closeWhenSent()
            case .peerRefused(let refusal):
                reason = refusal.words
                master.node.log.warning("a slave refused this master", ["slave": name, "why": refusal.words])
                channel.close()
            }
        }
    }

    private var name: String { member.map { "\($0.id)@\($0.address)" } ?? "unknown" }

    private func admit(_ hello: Frame.Hello) {
        do throws(Roster.Problem) {
            let member = try master.admit(hello)
            self.member = member
            master.node.unproven.leave(self)
            perform(link.admitted(member.id))
            master.node.log.notice(isWitness ? "witness joined" : "slave joined", ["slave": name])
        } catch {
            perform(link.refuse(error.told(to: hello)))
        }
    }

    /// The slave told who wrote its log.
    private func resume(_ ends: [GTID]) {
        guard !isWitness else { return attend() }
        let runs = ends.map { LogHistory.Run(server: $0.server, last: $0.sequence) }
        // Whether the log reaches back to its beginning is seen by who reads it.
        let common = runs.isEmpty ? .start : LogHistory(runs, isComplete: false).flatMap { master.history?.resumePoint(for: $0) }
        guard let common else {
            let end = Position(ends.last)
            return isGone(at: end, "the slave's log, which ends at \(end), has nothing in common with this master's as far as that is known")
        }
        channel.write { Frame.resumeAt(common).encode(into: &$0) }
        ship(after: common)
    }

    private func attend() {
        channel.write { Frame.resumeAt(.start).encode(into: &$0) }
        isAttending = true
        tell(.members(master.node.membership.text))
        beat(master.currentBeat)
    }

    var isWitness: Bool { member?.kind == .witness }

    private func isGone(at position: Position, _ words: String) {
        gone = words
        if let member { master.gate.resumed(by: member.id, at: .start) }
        master.node.log.error("the slave's position is not in this master's log", ["slave": name, "position": "\(position)", "why": words])
        channel.write { Frame.gone(words).encode(into: &$0) }
    }

    private func ship(after position: Position) {
        guard let member else { return }
        let node = master.node
        master.gate.resumed(by: member.id, at: position)
        ack.received = position
        let feed = SlaveFeed(
            node, master.broadcast, channel, after: position, serverID: member.id.rawValue, journal: master.journal)
        feed.gone = { [weak self] words in self?.isGone(at: position, words) }
        feed.matched = { [weak self] in if let self { self.master.matched(self, member.id) } }
        self.feed = feed
        tell(.members(node.membership.text))
        feed.begin()
        beat(master.currentBeat)
        node.log.notice("slave streaming", ["slave": name, "after": "\(position)"])
    }

    /// Its log is known to be this master's, up to where it is.
    var isMatched: Bool { isReceiving && (isAttending || feed?.hasFormat ?? false) }

    var isReceiving: Bool { (feed != nil || isAttending) && gone == nil && channel.isOpen }

    func tell(_ frame: Frame) {
        guard isReceiving else { return }
        channel.write { frame.encode(into: &$0) }
    }

    private func endFeeding() { feed?.close() }

    private func confirm(_ number: UInt64) {
        master.confirmedPosition { [weak self] result in
            switch result {
            case .success(let position): self?.tell(.readAnswer(number, position, refusal: ""))
            case .failure(let error): self?.tell(.readAnswer(number, .start, refusal: String(decoding: error.message, as: UTF8.self)))
            }
        }
    }

    /// In the slave's own words.
    private var stateWord: String { String(ack.state.prefix { $0 != " " }) }

    /// Why its database can't apply what it receives; nil: it can, as far as it told.
    var applyTrouble: String? {
        let words = ack.state.split(separator: " ", maxSplits: 1)
        return words.first == "apply-failed" ? words.dropFirst().first.map(String.init) ?? "its .status says why" : nil
    }

    func refuse(_ words: String) { perform(link.refuse(LinkRefusal(.removed, words))) }

    func beat(_ beat: Frame.Beat) {
        perform(link.ticked(nowMs: EventLoop.nowMs()))
        // A slave that takes all it can get hears its master still; one that does not read at all gets no more on top of what waits for it.
        guard member != nil, channel.isOpen, channel.outboundBytes < channel.highWater + Self.beatBytesMax else { return }
        let frame = Frame.beat(beat)
        channel.write { frame.encode(into: &$0) }
    }

    func status(master position: Position, lag: inout LagTracker) -> NodeStatus? {
        guard let member else { return nil }
        let now = EventLoop.nowMs()
        let state = gone != nil ? "needs-snapshot" : stateWord
        return NodeStatus(
            id: member.id, role: isWitness ? .witness : .slave, address: member.address.description, state: state, received: ack.received,
            applied: ack.applied, lagMs: isWitness ? nil : lag.lagMs(of: ack.applied, master: position, nowMs: now),
            lastSeenMs: lastSeenMs(nowMs: now))
    }

    func lastSeenMs(nowMs: Int) -> Int { link.lastSeenMs(nowMs: nowMs) }

    func drained() { feed?.drained() }

    func inputEnded() { close("the slave closed the link") }

    func ended(_ end: ChannelEnd) {
        endFeeding()
        if member != nil { master.node.log.notice("slave left", ["slave": name, "why": reason ?? end.description]) }
        master.ended(self)
    }

    func close(_ why: String) {
        reason = reason ?? why
        endFeeding()
        channel.close()
    }
}

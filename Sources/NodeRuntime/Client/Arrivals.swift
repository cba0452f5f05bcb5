import EventLoop
import LineProtocol
import NodeConfig

/// How connections come in: clients while there are places for them, other nodes always.
extension Node {
    /// Time to show who it is, for a connection without a client's place and for a link without its proof.
    static let proofMs = 1000
    static let newcomersMax = 64
    static let unprovenMax = 64
    /// Time to log in, or to ask something else, where clients have accounts.
    private static let loginMs = 10_000

    func accepted(_ descriptor: Int32) {
        let channel = Channel(loop, descriptor)
        if isStopping { return Deaf.turnAway(channel, ReplyError(.shuttingDown, "this node is stopping; connect to another one")) }
        if !hasPlace { giveUpStranger() }
        do throws(SystemError) {
            if hasPlace {
                let session = newSession(channel)
                try channel.start(session)
                serve(session)
            } else {
                let newcomer = Newcomer(self, channel)
                try channel.start(newcomer)
                newcomers.enter(newcomer, placesMax: Self.newcomersMax) { [unowned newcomer] _ in newcomer.turnAway() }
            }
        } catch {
            log.warning("a client could not be served", ["error": "\(error)"])
        }
    }

    private var hasPlace: Bool { sessions.count < settings.limits.connectionsMax }

    var noPlace: ReplyError {
        ReplyError(.tooManyConnections, "this node serves \(sessions.count) clients already (limits.connectionsMax); try again later")
    }

    /// With all places taken, the client that has not logged in for longest gives way.
    private func giveUpStranger() {
        while !strangers.isEmpty {
            guard let session = sessions[strangers.removeFirst()], !session.isAllowed, session.isIdle else { continue }
            return session.turnOut(noPlace)
        }
    }

    /// Clients that do not say who they are hold a place for a while only.
    func sweepStrangers() {
        guard settings.authentication == .accounts else { return }
        let old = EventLoop.nowMs() - Self.loginMs
        for session in Array(sessions.values) where !session.isAllowed && session.isIdle && session.lastActiveMs < old {
            session.turnOut(ReplyError(.idleTimeout, "no login came for \(Self.loginMs) ms; connect again, and say .auth <user> <password> first"))
        }
    }
}

extension ClientSession {
    /// Nothing came for longer than the limit.
    func tooIdle(_ limitMs: Int) {
        turnOut(ReplyError(.idleTimeout, "nothing was asked for \(limitMs) ms (limits.idleMs); connect again"))
    }

    /// Ends it while nothing of it runs, and says why.
    func turnOut(_ error: ReplyError) {
        channel.write { writer.error(error, into: &$0) }
        channel.closeWhenSent()
    }
}

/// A connection beyond the clients' places: another node, which shows that in its first line, or a client, which is told that there is no room.
@LoopActor private final class Newcomer: ChannelHandler {
    private static let lineBytesMax = 64
    private static let beginnings = [".link ", ".peer "].map { Array($0.utf8) }

    private let node: Node
    private let channel: Channel
    private var bytes: [UInt8] = []

    init(_ node: Node, _ channel: Channel) {
        self.node = node
        self.channel = channel
    }

    func received(_ new: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: new)
        guard Self.beginnings.contains(where: { bytes.starts(with: $0.prefix(bytes.count)) }) else { return turnAway() }
        guard bytes.prefix(Self.lineBytesMax).contains(UInt8(ascii: "\n")) else {
            if bytes.count > Self.lineBytesMax { turnAway() }
            return
        }
        node.newcomers.leave(self)
        // It takes no client's place: its first request makes it a link.
        let session = node.newSession(channel)
        channel.handOver(to: session)
        bytes.withUnsafeBytes { session.received($0) }
    }

    func turnAway() {
        node.newcomers.leave(self)
        channel.handOver(to: Deaf())
        channel.write { ReplyWriter().error(node.noPlace, into: &$0) }
        channel.closeWhenSent()
    }

    func drained() {}
    func inputEnded() { turnAway() }
    func ended(_ end: ChannelEnd) { node.newcomers.leave(self) }
}

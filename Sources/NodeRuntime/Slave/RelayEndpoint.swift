import BinlogFormat
import ClusterModel
import Digests
import Dispatch
import EventLoop
import MySQLProtocol
import Replication

/// Where the slave's own database replicates from: a listener on loopback that serves the journal as a MariaDB master would.
@LoopActor final class RelayEndpoint {
    /// The account the database's replica logs in with; the password lives as long as this process.
    struct Login: Sendable {
        let user: String
        let password: String
    }

    /// Connections of the database's replica. Others can't log in, and are gone after a second.
    private static let sessionsMax = 8
    private static let unprovenMax = 32
    private static let proofMs = 1000

    fileprivate let loop: EventLoop
    fileprivate let log: NodeLog
    fileprivate let journal: Journal
    let login: Login
    private let unproven: Doorstep
    private var listener: Listener?
    private var sessions: [ObjectIdentifier: RelaySession] = [:]
    /// How many replicas have connected so far.
    private(set) var lastConnection: UInt32 = 0
    var port: UInt16 { listener?.port ?? 0 }

    /// The last sequence that the database may apply.
    var limit: UInt64 = 0 {
        didSet { if limit > oldValue { journalGrew() } }
    }

    /// While set, no more than this is handed out, whatever the limit is; see `ApplyHold`.
    var hold: UInt64? {
        didSet { journalGrew() }
    }

    /// The last sequence that may be handed out now.
    fileprivate var upTo: UInt64 { min(limit, hold ?? .max) }

    /// The journal no longer holds, or never held, what the database asked for.
    var notReaching: (@LoopActor (Position) -> Void)?
    /// What the journal's file holds is not what was written to it.
    var damaged: (@LoopActor () -> Void)?

    init(_ loop: EventLoop, _ log: NodeLog, _ journal: Journal) throws {
        self.loop = loop
        self.log = log
        self.journal = journal
        unproven = Doorstep(loop, milliseconds: Self.proofMs)
        login = Login(user: "ddbnode_relay", password: try Digests.randomHex(16))
        listener = try Listener(loop, host: "127.0.0.1", port: 0) { [weak self] in
            self?.accepted($0)
        } exhausted: { _ in
            log.warning("relay endpoint: no descriptor left for the database's replica")
        }
    }

    private func accepted(_ descriptor: Int32) {
        let channel = Channel(loop, descriptor)
        lastConnection &+= 1
        do {
            let session = try RelaySession(self, channel, connectionID: lastConnection)
            try channel.start(session)
            sessions[ObjectIdentifier(session)] = session
            unproven.enter(session, placesMax: Self.unprovenMax) { [unowned session] _ in session.close() }
            session.begin()
        } catch {
            log.warning("relay endpoint: the database's replica could not be served", ["error": "\(error)"])
            channel.close()
        }
    }

    /// More of the journal is durable.
    func journalGrew() {
        for session in sessions.values { session.pump() }
    }

    /// It logged in; false when there is no room, which only the database itself can bring about.
    fileprivate func proved(_ session: RelaySession) -> Bool {
        unproven.leave(session)
        return sessions.count - unproven.count <= Self.sessionsMax
    }

    fileprivate func ended(_ session: RelaySession) {
        unproven.leave(session)
        sessions[ObjectIdentifier(session)] = nil
    }

    func close() {
        listener?.close()
        for session in sessions.values { session.close() }
    }
}

/// One connection of the database's replica.
@LoopActor private final class RelaySession: ChannelHandler {
    /// Time to log in and ask for the journal; whoever only holds a place is turned out.
    private static let startMsMax = 10_000
    private static let cachedReadsMax = 4
    private static let readQueue = DispatchQueue(label: "ddbnode.relay-read")

    /// Held until the channel is gone: it may have something to tell until then.
    private let endpoint: RelayEndpoint
    private let channel: Channel
    private var session: ReplicaSession
    private var packets = PacketReader(payloadBytesMax: ReplicaSession.payloadBytesMax)
    private var reader: JournalReader?
    private var isProven = false
    private var isReading = false
    private var isPumping = false
    private var heartbeatMs = 0
    private var lastSentMs = 0

    init(_ endpoint: RelayEndpoint, _ channel: Channel, connectionID: UInt32) throws {
        self.endpoint = endpoint
        self.channel = channel
        let login = endpoint.login
        let salt = try Digests.random(20).map { $0 == 0 ? 1 : $0 }
        session = ReplicaSession(
            serverVersion: "10.11.0-MariaDB-ddbnode", connectionID: connectionID, salt: salt, masterServerID: RelaySession.masterServerID
        ) { user, salt, response in
            Digests.equal(user, Array(login.user.utf8)) && Digests.verifiesNativePassword(Array(login.password.utf8), salt: salt, response: response)
        }
    }

    /// No node's id, nor that of a slave without one: the database only checks that it is not its own.
    private static let masterServerID = UInt32.max - 1

    func begin() {
        perform(session.started())
        endpoint.loop.after(milliseconds: Self.startMsMax) { [weak self] in
            guard let self, self.reader == nil else { return }
            self.channel.close()
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        packets.append(bytes)
        let now = Int64(WallClock.milliseconds() / 1000)
        do throws(PacketError) {
            while channel.isOpen,
                let actions = try packets.next({ payload, sequence in session.received(payload: payload, sequence: sequence, now: now) })
            {
                perform(actions)
                if !isProven, session.isAuthenticated {
                    isProven = true
                    if !endpoint.proved(self) { channel.close() }
                }
            }
        } catch {
            endpoint.log.warning("relay endpoint: the database's replica sent no packet", ["error": "\(error)"])
            channel.close()
        }
    }

    private func perform(_ actions: [ReplicaSession.Action]) {
        for action in actions {
            switch action {
            case .send(let bytes): channel.write(bytes)
            case .startDump(let request): startDump(request)
            case .disconnect(let problem):
                if problem != .quit { endpoint.log.warning("relay endpoint: connection ended", ["why": "\(problem)"]) }
                channel.closeWhenSent()
            }
        }
    }

    private func startDump(_ request: DumpRequest) {
        endpoint.log.debug("relay endpoint: the database replicates", ["after": request.position.description])
        reader = JournalReader(
            directory: endpoint.journal.directory, after: request.position, serverID: Self.masterServerID, sequence: request.nextSequence)
        heartbeatMs = Int(request.heartbeatPeriodNanoseconds / 1_000_000)
        lastSentMs = EventLoop.nowMs()
        scheduleHeartbeat()
        pump()
    }

    /// Sends what the journal has, as fast as the replica takes it.
    func pump() {
        // Writing may lead back here, when the replica took all of it at once.
        guard let reader, !isReading, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        let (index, limit) = (endpoint.journal.index, endpoint.upTo)
        // What was just written is in memory. A long way behind it the queue reads, so that others get their turns.
        for _ in 0..<Self.cachedReadsMax {
            guard channel.isOpen, !channel.isFull, let packets = reader.readCached(index, upTo: limit) else { break }
            send(packets)
        }
        guard channel.isOpen, !channel.isFull, reader.hasMore(in: index, upTo: limit) else { return }
        isReading = true
        let loop = endpoint.loop
        Self.readQueue.async {
            let result: Result<[UInt8], JournalReadProblem>
            do throws(JournalReadProblem) { result = .success(try reader.read(index, upTo: limit)) } catch { result = .failure(error) }
            loop.post { self.read(result) }
        }
    }

    private func read(_ result: Result<[UInt8], JournalReadProblem>) {
        isReading = false
        guard channel.isOpen else { return }
        switch result {
        case .success(let packets):
            send(packets)
            pump()
        case .failure(let problem):
            endpoint.log.error("relay endpoint: the journal can't be read", ["error": "\(problem)"])
            switch problem {
            case .notReaching(let position): endpoint.notReaching?(position)
            case .damaged: endpoint.damaged?()
            case .system: break
            }
            channel.close()
        }
    }

    private func send(_ packets: [UInt8]) {
        lastSentMs = EventLoop.nowMs()
        channel.write(packets)
    }

    private func scheduleHeartbeat() {
        guard heartbeatMs > 0 else { return }
        endpoint.loop.after(milliseconds: heartbeatMs) { [weak self] in self?.heartbeat() }
    }

    private func heartbeat() {
        guard channel.isOpen else { return }
        if let reader, !isReading, !reader.fileName.isEmpty, EventLoop.nowMs() - lastSentMs >= heartbeatMs, channel.outboundBytes == 0 {
            channel.write(reader.heartbeat())
        }
        scheduleHeartbeat()
    }

    func drained() { pump() }
    func inputEnded() { channel.close() }
    func ended(_ end: ChannelEnd) { endpoint.ended(self) }
    func close() { channel.close() }
}

import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig
import StatementGate

/// A slave session's side on the master: one connection, over which what the session may not do here is passed on, and the replies back.
@LoopActor final class ForwardedSession: ChannelHandler {
    enum Outcome {
        /// The master's reply is written to the client.
        case replied(FramedReply)
        /// The statement never left this node.
        case unreachable(String)
        /// The connection broke after the statement was sent, and the client has its reply up to the cut.
        case lost(ReplyFramer.Cut)
        /// The connection broke before, and the session's transaction and settings on the master with it; the statement never left this node.
        case stateLost
    }

    private struct Step {
        let request: [UInt8]
        /// The client's own request; the others only bring the connection to where the session is.
        let isStatement: Bool
    }

    private static let connectTimeoutMs = 3000
    /// Set again on a new connection, at most so many; a session that sets more stays on the connection it has.
    private static let settingsMax = 256
    private static let formatVerb = Array(".format ".utf8)

    private let node: NodeContext
    private let client: Channel
    private var dialer: Dialer?
    private var channel: Channel?
    private var framer = ReplyFramer()
    private var trailer: [UInt8] = []
    private var awaitsTrailer = false
    private var ended: FramedReply?
    private var steps: [Step] = []
    private var done: (@LoopActor (Outcome) -> Void)?
    private var statementSent = false
    private var isGreeted = false
    private var sentFormat = ReplyFormat.tsv
    private var sentDatabase: [UInt8]?
    private var settings: [[UInt8]] = []
    private var sentSettings = 0

    /// What the session holds on the master, as it told after its last reply.
    private(set) var hold: SessionHold = []
    /// How the master reads the session's SQL, as it told after its last reply.
    private(set) var mode: LexicalMode?
    /// State was lost with the connection, and the client has not been told.
    private var lostState = false
    /// The session's last write there.
    private(set) var lastWrite = Position.start

    init(_ node: NodeContext, _ client: Channel) {
        self.node = node
        self.client = client
    }

    /// What the session has prepared there.
    private(set) var prepared = PreparedStatements()
    /// The session set a variable or chose a database there that is not so here.
    private var differs = false

    /// Whether reads, too, must go to the master: the session has there what it does not have here.
    var holdsState: Bool { lostState || differs || !hold.subtracting(.variables).isEmpty }

    /// A statement was passed on and succeeded.
    func ran(_ what: Classification) {
        prepared.applied(what)
        let chooses = what.statementClass == .session && what.facts.isEmpty
        if chooses || !what.facts.isDisjoint(with: [.setsSessionVariable, .setsUserVariable]) { differs = true }
    }

    var canRemember: Bool { settings.count < Self.settingsMax }

    /// Remembers a `SET` that succeeded here, for the session's side on the master.
    func remember(setting: [UInt8]) { settings.append(setting) }

    // MARK: Passing on

    func run(_ sql: [UInt8], account: DatabaseAccount?, database: [UInt8]?, format: ReplyFormat, done: @escaping @LoopActor (Outcome) -> Void) {
        self.done = done
        if lostState {
            lostState = false
            return finish(.stateLost)
        }
        statementSent = false
        steps = []
        if !isGreeted {
            steps.append(Step(request: Array(".forwarded\n".utf8), isStatement: false))
            if let account { steps.append(Step(request: Array(".auth \(account.user) \(account.password)\n".utf8), isStatement: false)) }
            isGreeted = true
        }
        if sentFormat != format {
            steps.append(Step(request: Array(".format \(format.rawValue)\n".utf8), isStatement: false))
        }
        if let database, database != sentDatabase {
            steps.append(Step(request: Self.framed(SQLText.use(database)), isStatement: false))
        }
        for setting in settings[sentSettings...] { steps.append(Step(request: Self.framed(setting), isStatement: false)) }
        pendingFormat = format
        pendingDatabase = database ?? sentDatabase
        steps.append(Step(request: Self.framed(sql), isStatement: true))
        if channel == nil { connect() } else { next() }
    }

    private var pendingFormat = ReplyFormat.tsv
    private var pendingDatabase: [UInt8]?

    private static func framed(_ sql: [UInt8]) -> [UInt8] { Array(".sql \(sql.count)\n".utf8) + sql + [UInt8(ascii: "\n")] }

    private func connect() {
        guard let master = node.masterAddress else { return finish(.unreachable("no master is known")) }
        dialer = Dialer(node.loop, host: master.host, port: master.port, timeoutMs: Self.connectTimeoutMs) { [weak self] result in
            guard let self else { return }
            self.dialer = nil
            do {
                let channel = Channel(self.node.loop, try result.get())
                try channel.start(self)
                self.channel = channel
                self.next()
            } catch {
                self.drop()
                self.finish(.unreachable("\(master): \(error)"))
            }
        }
    }

    private func next() {
        guard let step = steps.first, let channel else { return }
        if step.isStatement {
            statementSent = true
            sentFormat = pendingFormat
            sentDatabase = pendingDatabase
            sentSettings = settings.count
        }
        // The reply to .format comes in the new form already.
        if step.request.starts(with: Self.formatVerb) { framer.format = pendingFormat }
        channel.write(step.request)
    }

    // MARK: Replies

    func received(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty, channel != nil, let step = steps.first {
            if awaitsTrailer {
                takeTrailer(&rest)
                continue
            }
            let (count, reply) = framer.take(rest)
            if step.isStatement { client.write(UnsafeRawBufferPointer(rebasing: rest[..<count])) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            if let reply {
                ended = reply
                awaitsTrailer = true
            }
        }
        if client.isFull { channel?.pauseReading() }
    }

    private func takeTrailer(_ rest: inout UnsafeRawBufferPointer) {
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        trailer.append(contentsOf: rest[..<(end ?? rest.count)])
        rest = UnsafeRawBufferPointer(rebasing: rest[(end.map { $0 + 1 } ?? rest.count)...])
        guard end != nil, let reply = ended, let step = steps.first else { return }
        guard let told = SessionTrailer(line: String(decoding: trailer, as: UTF8.self)) else { return lose() }
        hold = told.hold
        mode = LexicalMode(bits: told.lexicalBits)
        trailer = []
        awaitsTrailer = false
        ended = nil
        steps.removeFirst()
        answered(step, reply)
    }

    private func answered(_ step: Step, _ reply: FramedReply) {
        if let gtid = reply.gtid, lastWrite < gtid, step.isStatement { lastWrite = gtid }
        if step.isStatement { return finish(.replied(reply)) }
        switch reply.kind {
        case .ok, .rows:
            next()
        case .error, .rowsFailed, .unintelligible:
            // The session can't be brought there: told as the statement's own failure, and tried anew with the next.
            let what = String(decoding: step.request.prefix(80).filter { $0 >= 0x20 }, as: UTF8.self)
            let code = reply.code ?? "?"
            let hadState = holdsState
            drop()
            guard !hadState else { return finish(.stateLost) }
            finish(.unreachable("the master answered \(code) to \(what.hasPrefix(".auth") ? ".auth" : what)"))
        }
    }

    // MARK: Ends

    func inputEnded() { lose() }
    func ended(_ end: ChannelEnd) { if channel != nil { lose() } }
    func drained() {}

    /// The client has read some: more may come.
    func resume() { channel?.resumeReading() }

    private func lose() {
        let hadState = holdsState
        let (cut, reply) = (framer.cut, steps.first?.isStatement == true ? ended : nil)
        let sent = statementSent
        drop()
        if let reply {
            // Only what the session holds there since is not known.
            lostState = true
            finish(.replied(reply))
        } else if done == nil {
            lostState = hadState
        } else {
            finish(sent ? .lost(cut) : hadState ? .stateLost : .unreachable("the master closed the connection"))
        }
    }

    /// Closes the connection; the session's state there is gone with it.
    func drop() {
        let channel = self.channel
        self.channel = nil
        dialer?.cancel()
        dialer = nil
        channel?.close()
        framer = ReplyFramer()
        trailer = []
        awaitsTrailer = false
        ended = nil
        steps = []
        isGreeted = false
        sentFormat = .tsv
        sentDatabase = nil
        sentSettings = 0
        hold = []
        prepared = PreparedStatements()
        differs = false
        mode = nil
        lostState = false
    }

    /// Drops the connection and the settings: the session is as new.
    func reset() {
        drop()
        settings = []
        lastWrite = .start
    }

    private func finish(_ outcome: Outcome) {
        let done = self.done
        self.done = nil
        statementSent = false
        done?(outcome)
    }
}

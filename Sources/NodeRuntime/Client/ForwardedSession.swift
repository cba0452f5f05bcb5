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
        /// The master does not follow the session to where it is, and says why; the statement never left this node.
        case refused(ReplyError)
        /// The statement never left this node.
        case unreachable(String)
        /// The connection broke after the statement was sent, and the client has its reply up to the cut.
        case lost(Cut)
        /// The connection broke before, and the session's transaction and settings on the master with it; the statement never left this node.
        case stateLost
    }

    enum Cut {
        /// Nothing, or whole parts: an error may follow as it is.
        case betweenParts
        case betweenRows
        case withinRow
    }

    private static let connectTimeoutMs = 3000
    /// Set again on a new connection, at most so many; a session that sets more stays on the connection it has.
    private static let settingsMax = 256
    /// What is kept of a reply that is read here: an error's line is shorter.
    private static let toldBytesMax = 4096
    /// Of a row, before it goes to the client; a longer one goes as it comes.
    private static let heldBytesMax = 4 << 20

    /// The line after a reply is shorter.
    private static let trailerBytesMax = 64

    private let node: NodeContext
    private let client: Channel
    private var dialer: Dialer?
    private var connectedTo: NodeAddress?
    private var channel: Channel?
    private var framer = ReplyFramer()
    /// Of the client's own reply: what it gets of it can be ended by an error.
    private var rows = WholeRows(heldBytesMax: heldBytesMax)
    private var trailer: [UInt8] = []
    private var awaitsTrailer = false
    private var ended: FramedReply?
    private var steps: [ForwardedStep] = []
    private var progress = ForwardedProgress()
    /// What came of the beginning of the client's own reply while that may say that this is no master; nil: it is another reply.
    private var head: [UInt8]?
    /// The reply to a step that is not the client's own.
    private var told: [UInt8] = []
    private var done: (@LoopActor (Outcome) -> Void)?
    private var settings: [[UInt8]] = []

    /// What the session holds on the master, as it told after its last reply.
    private(set) var hold: SessionHold = []
    /// How the master reads the session's SQL, as it told after its last reply.
    private(set) var mode: LexicalMode?
    /// What was lost with a connection, or by the master itself, until that was noted.
    private var gone: SessionHold = []
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
    /// Settings are here, too, and values of sequences only what asks for them needs.
    var holdsState: Bool { lostState || differs || !hold.subtracting([.variables, .lastValues]).isEmpty }

    /// What is there and nowhere else, so that it can't be set again.
    private var held: SessionHold { hold.subtracting([.variables, .lastValues]).union(differs ? .variables : []) }

    /// What the session lost since this was asked for last.
    func takeGone() -> SessionHold {
        defer { gone = [] }
        return gone
    }

    /// Closes the connection; gives what the session loses by that.
    func dropState() -> SessionHold {
        gone.formUnion(held)
        drop()
        return takeGone()
    }

    /// Whether the session may have an insert's id, a sequence's value or a GTID of its own there.
    var hasWritten: Bool { lastWrite > .start || hold.contains(.lastValues) }

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

    func run(
        _ sql: [UInt8], id: TransactionID?, account: DatabaseAccount?, database: [UInt8]?, consistency: ReadConsistency, format: ReplyFormat,
        done: @escaping @LoopActor (Outcome) -> Void
    ) {
        self.done = done
        if lostState {
            lostState = false
            return finish(.stateLost)
        }
        let goal = ForwardedGoal(account: account, database: database, settings: settings, consistency: consistency, format: format)
        steps = progress.steps(to: goal) + (id.map { [.id($0)] } ?? []) + [.sql(sql, for: .statement)]
        if channel == nil { connect() } else { next() }
    }

    /// Asks the master what has nothing to do with what the session holds there.
    func ask(_ command: String, account: DatabaseAccount?, format: ReplyFormat, done: @escaping @LoopActor (Outcome) -> Void) {
        self.done = done
        let done = Array(settings.prefix(progress.settings))
        let goal = ForwardedGoal(account: account, database: nil, settings: done, consistency: progress.consistency, format: format)
        steps = progress.steps(to: goal) + [ForwardedStep(purpose: .statement, request: Array("\(command)\n".utf8))]
        if channel == nil { connect() } else { next() }
    }

    private func connect() {
        guard let master = node.masterAddress else { return finish(.unreachable("no master is known")) }
        connectedTo = master
        dialer = Dialer(node.loop, for: self, host: master.host, port: master.port, timeoutMs: Self.connectTimeoutMs) { this, result in
            this.dialer = nil
            do {
                let channel = Channel(this.node.loop, try result.get())
                try channel.start(this)
                this.channel = channel
                this.next()
            } catch {
                this.drop()
                this.finish(.unreachable("\(master): \(error)"))
            }
        }
    }

    private func next() {
        guard let step = steps.first, let channel else { return }
        head = step.purpose == .statement ? [] : nil
        // The reply to .format comes in the new form already.
        if case .format(let format) = step.purpose {
            framer.format = format
            rows.format = format
        }
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
            let bytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
            if step.purpose == .statement {
                take(bytes, isLast: reply != nil)
                // The client may have gone meanwhile, and its session with it.
                guard channel != nil else { return }
            } else {
                told.append(contentsOf: bytes.prefix(Self.toldBytesMax - told.count))
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            guard let reply else { continue }
            if step.purpose == .greeting, reply.kind == .error {
                // It is no master, and tells nothing more.
                refused(step)
                told = []
            } else {
                ended = reply
                awaitsTrailer = true
            }
        }
        if client.isFull { channel?.pauseReading() }
    }

    /// Of the client's own reply: it gets all but the words that this is no master any more, which it need not know.
    private func take(_ bytes: UnsafeRawBufferPointer, isLast: Bool) {
        guard let began = head else { return pass(bytes) }
        let words = framer.format == .tsv ? Self.notMasterTSV : Self.notMasterJSON
        let known = began + bytes.prefix(words.count - began.count)
        if words.starts(with: known), !isLast || known.count == words.count { return head = known }
        head = nil
        began.withUnsafeBytes { pass($0) }
        pass(bytes)
    }

    private static let notMasterTSV = Array("ERR \(ProtocolErrorCode.notMaster.rawValue) ".utf8)
    private static let notMasterJSON = Array(#"{"error":{"code":"\#(ProtocolErrorCode.notMaster.rawValue)""#.utf8)

    private func pass(_ bytes: UnsafeRawBufferPointer) {
        let passed = rows.take(bytes)
        if !passed.held.isEmpty { client.write(passed.held) }
        client.write(passed.bytes)
    }

    private func takeTrailer(_ rest: inout UnsafeRawBufferPointer) {
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        let line = rest[..<(end ?? rest.count)]
        guard line.count <= Self.trailerBytesMax - trailer.count else { return distrust() }
        trailer.append(contentsOf: line)
        rest = UnsafeRawBufferPointer(rebasing: rest[(end.map { $0 + 1 } ?? rest.count)...])
        guard end != nil, let reply = ended, let step = steps.first else { return }
        guard let told = SessionTrailer(line: String(decoding: trailer, as: UTF8.self)) else { return distrust() }
        let before = held
        hold = told.hold
        // The master's node lives, but not the database connection that the session kept there.
        if let code = reply.code, ProtocolErrorCode(rawValue: code) != nil { gone.formUnion(before.subtracting(hold)) }
        mode = LexicalMode(bits: told.lexicalBits)
        trailer = []
        awaitsTrailer = false
        ended = nil
        steps.removeFirst()
        answered(step, reply)
    }

    private func answered(_ step: ForwardedStep, _ reply: FramedReply) {
        // The master's node lives, but not the database connection that the session kept there.
        if reply.code == ProtocolErrorCode.connectionLost.rawValue, hold.isEmpty { forgetState() }
        if step.purpose == .statement {
            if head != nil {
                let hadState = holdsState
                gone = dropState()
                return finish(hadState ? .stateLost : .unreachable("the node there is no longer master"))
            }
            if let gtid = reply.gtid, lastWrite < gtid { lastWrite = gtid }
            return finish(.replied(reply))
        }
        defer { told = [] }
        switch reply.kind {
        case .ok, .rows:
            progress.succeeded(step.purpose)
            next()
        case .error, .rowsFailed, .unintelligible: refused(step)
        }
    }

    /// The master does not follow the session: told as the statement's own failure.
    private func refused(_ step: ForwardedStep) {
        steps = []
        guard let error = toldError else { return lose("what answers at \(node.masterWords) is no node") }
        switch step.purpose {
        case .greeting, .format, .consistency, .id, .statement:
            drop()
            finish(.unreachable("the master answered \(error.words)"))
        case .login:
            drop()
            let isAuth = error.code == .node(.auth)
            finish(.refused(isAuth ? ReplyError(.auth, "the master does not let this account in (\(error.text)); this was not run") : error))
        case .database: finish(.refused(error.adding("the master's answer to this session's USE; this was not run")))
        case .setting: finish(.refused(forgetSetting(error)))
        }
    }

    /// Tried again with every statement, a setting that the master never takes would let none through.
    private func forgetSetting(_ error: ReplyError) -> ReplyError {
        let text = String(decoding: settings[progress.settings].prefix(80).filter { $0 >= 0x20 }, as: UTF8.self)
        guard error.isOfRequest else { return error.adding("the master's answer to this session's \(text); this was not run") }
        settings.remove(at: progress.settings)
        return error.adding("the master's answer to this session's \(text), which does not count there from now on; this was not run")
    }

    /// What the master answered to a step that is not the client's own, where that was an error.
    private var toldError: ReplyError? {
        var reader = ReplyReader(lineBytesMax: Self.toldBytesMax)
        told.withUnsafeBytes { reader.append($0) }
        guard case .error(let failure)? = try? reader.next() else { return nil }
        return ReplyError(failure)
    }

    /// The client was told that its state on the master is gone; what it set here is set there again.
    private func forgetState() {
        progress.lostState()
        prepared = PreparedStatements()
        differs = false
    }

    // MARK: Ends

    func inputEnded() { lose() }
    func ended(_ end: ChannelEnd) { if channel != nil { lose() } }
    func drained() {}

    /// The master is another one: what the session has at the old one is of no use.
    func masterChanged() {
        guard channel != nil || dialer != nil, connectedTo != node.masterAddress else { return }
        guard done != nil, steps.first?.purpose == .statement, let asked = channel else { return lose("the master is another node now") }
        // The old one may still tell what became of the statement.
        node.loop.after(milliseconds: node.settings.failover.electionTimeoutMs) { [weak self] in
            guard let self, self.channel === asked, self.connectedTo != self.node.masterAddress else { return }
            self.lose("the master is another node now")
        }
    }

    /// The client has read some: more may come.
    func resume() { channel?.resumeReading() }

    private var cut: Cut {
        switch rows.cut {
        case .withinRow: .withinRow
        case .betweenRows: .betweenRows
        case .betweenLines: framer.isInRows ? .betweenRows : .betweenParts
        }
    }

    /// What the session holds there can't be known, so nothing more is asked over this connection.
    private func distrust() {
        let why = "what answers at \(node.masterWords) does not tell what the session holds, as a node of this version does"
        node.log.warning("a session's connection to the master was dropped", ["why": why])
        lose(why)
    }

    private func lose(_ reason: String = "the connection to it ended") {
        let hadState = holdsState
        let sent = steps.first?.purpose == .statement
        let (cut, reply) = (cut, sent ? ended : nil)
        let why = toldError.map { "the master answered \($0.words)" } ?? reason
        gone = dropState()
        if let reply {
            gone.insert(.transaction)
            // Only what the session holds there since is not known.
            lostState = true
            finish(.replied(reply))
        } else if done == nil {
            lostState = hadState
        } else {
            finish(sent ? .lost(cut) : hadState ? .stateLost : .unreachable(why))
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
        rows = WholeRows(heldBytesMax: Self.heldBytesMax)
        trailer = []
        awaitsTrailer = false
        ended = nil
        head = nil
        steps = []
        told = []
        progress = ForwardedProgress()
        hold = []
        prepared = PreparedStatements()
        differs = false
        mode = nil
        lostState = false
    }

    /// Drops the connection and the settings: the session is as new.
    func reset() {
        forget()
        gone = []
        lastWrite = .start
    }

    /// As `reset`, but its reads still see its writes.
    func forget() {
        drop()
        settings = []
    }

    private func finish(_ outcome: Outcome) {
        let done = self.done
        self.done = nil
        done?(outcome)
    }
}

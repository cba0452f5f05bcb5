import ClusterModel
import EventLoop
import Glibc
import LineProtocol
import MariaDBConnector
import NodeConfig
import StatementGate

/// One client: reads its requests, answers them in order.
@LoopActor final class ClientSession: ChannelHandler, TurnEndWork {
    let node: NodeContext
    let number: UInt64
    let channel: Channel
    let local: LocalSession
    var writer = ReplyWriter()
    /// Made when something is passed on for the first time.
    var forwarded: ForwardedSession?
    /// The last statement ran on the master: what it left to ask about is there.
    var lastWasPassedOn = false
    /// Another node passes its client's session on through this one.
    private(set) var tellsHold = false
    /// How long the statement at hand may wait for a master, by the loop's clock.
    private var waitsUntilMs = 0
    private var reader: RequestReader
    private(set) var queue = RequestQueue()
    private var isBusy = false
    /// The statement at hand may write, here.
    private var runsWrite = false
    /// What it does here would be broken off by a change of master.
    var isOpen: Bool { runsWrite || local.inTransaction }
    /// Requests that run together with the one at hand.
    private var together = 0
    private var inputIsOver = false
    /// How often the client sent something when it had been given the answers to all it had sent before.
    private(set) var turn: UInt64 = 0
    var lost: LostState?
    private var isReadingPaused = false
    /// A login is under way: what comes behind it is read by what comes of it.
    private var awaitsLogin = false
    var isAuthenticated = false
    var appliedWait: AppliedPosition.WaitID?
    var consistency = ReadConsistency.session
    var confirmation: ReadConfirmation?
    var maxStalenessMs: Int?
    /// Of the next statement's transaction, and of the one at hand.
    var nextID, id: TransactionID?
    /// Of a transaction of several statements that has ids: the one that is to get it, and the one that has it on the master.
    var awaited, carried: TransactionID?
    /// What it has the node verify.
    var verification: VerifyRun?
    private(set) var lastActiveMs = EventLoop.nowMs()

    init(_ node: NodeContext, number: UInt64, _ channel: Channel) {
        self.node = node
        self.number = number
        self.channel = channel
        local = LocalSession(node, number: number, channel)
        reader = RequestReader(lineBytesMax: 0)
        channel.highWater = node.settings.limits.outputBufferBytes
        local.nextRead = { [unowned self] in nextRead($0) }
    }

    // MARK: The channel

    func received(_ bytes: UnsafeRawBufferPointer) {
        lastActiveMs = EventLoop.nowMs()
        if isIdle, reader.isBetweenRequests, channel.outboundBytes == 0 { turn += 1 }
        reader.append(bytes)
        gather()
        proceed()
    }

    func inputEnded() {
        gather()
        inputIsOver = true
        proceed()
        // It may wait for its replies, or be gone: then what it runs is ended.
        if channel.isOpen { channel.watchPeer() }
    }

    func drained() {
        local.resume()
        forwarded?.resume()
        proceed()
    }

    func ended(_ end: ChannelEnd) {
        local.abandon()
        forwarded?.reset()
        node.applied.cancel(appliedWait)
        if let verification { node.verifier.cancel(verification) }
        queue.drop()
        node.sessionEnded(self)
    }

    private static let lineBytesMaxBeforeLogin = 4096

    /// Takes requests off the reader, as many as may wait; with more at hand the client is not read any further.
    private func gather() {
        let limits = node.settings.limits
        // Who has not said who it is need not say much.
        reader.lineBytesMax = isAllowed ? limits.lineBytes : min(limits.lineBytes, Self.lineBytesMaxBeforeLogin)
        while !awaitsLogin, !queue.isFull(requestsMax: limits.pipelinedRequests), let request = reader.next() {
            queue.append(request)
            if case .command(.auth) = request { awaitsLogin = true }
        }
        let isFull = awaitsLogin || queue.isFull(requestsMax: limits.pipelinedRequests)
        if isFull != isReadingPaused {
            isReadingPaused = isFull
            if isFull { channel.pauseReading() } else { channel.resumeReading() }
        }
    }

    /// Begins the next request when the one before is answered and the client reads its replies.
    private func proceed() {
        while !isBusy, channel.isOpen, !channel.isFull {
            if queue.isEmpty { gather() }
            if queue.isEmpty, inputIsOver, let last = reader.ended() { queue.append(last) }
            guard let request = queue.beginNext() else { break }
            isBusy = true
            perform(request)
        }
        guard !isBusy, queue.isEmpty, channel.isOpen else { return }
        if inputIsOver || node.isStopping { channel.closeWhenSent() }
    }

    /// The request at hand is answered.
    func finishRequest() {
        if tellsHold { channel.write(SessionTrailer(hold: isStuck ? local.hold.union(.transaction) : local.hold, lexicalBits: local.mode.bits).line) }
        guard together == 0 else { return together -= 1 }
        isBusy = false
        if queue.isEmpty { awaitsLogin = false }
        runsWrite = false
        lastActiveMs = EventLoop.nowMs()
        // Not from within the answer of the one before: many cheap requests would nest.
        node.loop.atTurnEnd(self)
    }

    func turnEnded() { proceed() }

    /// Takes the next request, where it is a read that may run together with the one at hand: it goes where that one went.
    private func nextRead(_ isWelcome: (Classification) -> Bool) -> LocalStatement? {
        guard mayJoinNext, let sql = queue.nextStatement, !node.isStopping, case (let mode, nil) = modes else { return nil }
        let read = read(sql, mode)
        guard refusal(of: read) == nil, let what = try? read.get(), isWelcome(what) else { return nil }
        _ = queue.beginNext()
        together += 1
        return LocalStatement(sql, what, writer) { [self] _ in finishRequest() }
    }

    var isIdle: Bool { !isBusy && queue.isEmpty }

    // MARK: Ending

    /// The node stops: what runs may finish, what waits is refused.
    func drain() {
        if isIdle { channel.closeWhenSent() }
    }

    // MARK: Requests

    private func perform(_ request: Request) {
        switch request {
        case .sql(let sql): perform(sql)
        case .command(let command): perform(command)
        case .malformed(let code, let message): answer(ReplyError(code, message))
        case .fatal(let code, let message):
            answer(ReplyError(code, message))
            channel.closeWhenSent()
        }
    }

    func answer(_ error: ReplyError) {
        channel.write { writer.error(error, into: &$0) }
        finishRequest()
    }

    func answer(_ fields: [ReplyField]) {
        channel.write { writer.ok(fields, into: &$0) }
        finishRequest()
    }

    private func perform(_ command: Command) {
        switch command {
        case .ping: return answer(.pong(node: node.id, role: node.roleWord))
        case .help:
            channel.write { writer.help(into: &$0) }
            return finishRequest()
        case .quit:
            answer(.bye)
            return channel.closeWhenSent()
        case .auth(let user, let password): return authenticate(user, password)
        case .forwarded:
            // Whoever passes on goes to the master itself.
            guard node.role == .master else { return answer(ReplyError(.notMaster, "this is no master; the master is at \(node.masterWords)")) }
            tellsHold = true
            return answer([])
        case .link(let version):
            return node.linkArrived(self, version: version, rest: reader.takeRest())
        case .peer(let version): return node.peerArrived(self, version: version, rest: reader.takeRest())
        case .role, .status, .nodes, .format, .wait, .reset, .remove, .rebuild, .promote, .switchover, .consistency, .maxStaleness, .verify, .id,
            .outcome:
            break
        }
        guard isAllowed else { return answer(authRequired) }
        if node.isWitness, command.isAboutData { return answer(node.witnessRefusal) }
        switch command {
        case .role: answer(.role(node.roleWord, node: node.id, epoch: node.epoch, master: node.masterAddress))
        case .status: answerTable(["name", "value"], node.statusRows())
        case .nodes: answerTable(NodesTable.columns, NodesTable.rows(node.nodes()))
        case .format(let format):
            writer.format = format
            answer(.format(format))
        case .wait(let position, let milliseconds): wait(for: position, milliseconds)
        case .remove(let id): remove(id)
        case .rebuild: rebuild()
        case .promote(let force): promote(force: force)
        case .switchover(let id): switchOver(to: id)
        case .id(let id):
            nextID = id
            answer([.text("id", id.description)])
        case .outcome(let id): outcome(id)
        case .consistency(let wanted):
            consistency = wanted
            answer([.text("consistency", wanted.rawValue)])
        case .maxStaleness(let milliseconds):
            maxStalenessMs = milliseconds.map { Int(clamping: $0) }
            answer([.text("max_staleness_ms", milliseconds.map { "\($0)" } ?? "off")])
        case .reset:
            local.reset()
            forwarded?.reset()
            lastWasPassedOn = false
            (consistency, maxStalenessMs, confirmation) = (.session, nil, nil)
            forgetIDs()
            lost = nil
            answer([])
        case .verify(let scope): verify(scope)
        case .ping, .help, .quit, .auth, .forwarded, .link, .peer: preconditionFailure("answered above")
        }
    }

    func answerTable(_ columns: [String], _ rows: [[String?]]) {
        channel.write { writer.table(columns, rows, into: &$0) }
        finishRequest()
    }

    // MARK: Statements

    private func perform(_ sql: [UInt8]) {
        (id, nextID) = (nextID, nil)
        waitsUntilMs = EventLoop.nowMs() + node.settings.failover.clientWaitMs
        attempt(sql, isFirst: true)
    }

    /// Tries again in a moment what was not run for want of a master; false when that was tried for long enough.
    func attemptAgain(_ sql: [UInt8]) -> Bool {
        guard EventLoop.nowMs() < waitsUntilMs, !node.isStopping, node.wasReady, !tellsHold || node.holdsWrites else { return false }
        node.loop.after(milliseconds: Self.attemptMs) { [weak self] in
            guard let self, self.channel.isOpen else { return }
            self.attempt(sql)
        }
        return true
    }

    private static let attemptMs = 20

    func attempt(_ sql: [UInt8], isFirst: Bool = false) {
        guard isAllowed else { return answer(authRequired) }
        if node.isWitness { return answer(node.witnessRefusal) }
        if node.isStopping { return answer(ReplyError(.shuttingDown, "this node is stopping; connect to another one")) }
        let (mode, other) = modes
        let first = read(sql, mode)
        if isFirst, let lost {
            switch lost.fate(of: try? first.get(), inTurn: turn) {
            case .refuse(let error): return answer(local.stuck ?? awaited.map { .idGone($0) } ?? error)
            case .run: self.lost = nil
            case .switchAutocommitOff:
                (self.lost, local.stuck, awaited) = (nil, nil, nil)
                return attempt(LostState.autocommitOff, isFirst: true)
            }
        }
        if losesState(under: (try? first.get()) ?? Classification()) { return answer(Self.stateOfRoleLost) }
        if let error = refusal(of: first) { return answer(error) }
        var what = try? first.get()
        // Where it may run under either of two modes, the stricter reading counts.
        if let other {
            let second = read(sql, other)
            if let error = refusal(of: second) { return answer(error) }
            if let second = try? second.get(), second.isWrite { what = second }
        }
        guard let what else { return }
        if isFirst, let error = obstacle(what) { return answer(error) }
        switch node.role {
        case .master:
            if let forwarded, forwarded.holdsState {
                noteLoss(forwarded.dropState(), under: what, nil)
                return answer(Self.stateLost)
            }
            if node.holdsWrites, !local.inTransaction, what.isWrite || what.transaction != nil {
                if !attemptAgain(sql) { refuse(what, ReplyError(.notReady, "the master is being changed; try again shortly")) }
                return
            }
            if let error = node.writeRefusal,
                what.isWrite || (what.transaction?.commits == true || what.facts.contains(.implicitlyCommits)) && local.hasWritten
            {
                return answer(error)
            }
            runsWrite = what.isWrite || what.transaction != nil
            if consistency == .linearizable, what.mayShowData || local.hold.contains(.handlers) { readHere(sql, what) } else { runHere(sql, what) }
        case .slave:
            if tellsHold { return answer(ReplyError(.notMaster, "this node is no longer master; this was not run")) }
            route(sql, what)
        }
    }

    static let stateLost = ReplyError(
        .connectionLost, "the connection to the master broke and the session's transaction and settings there are gone; this was not run, begin anew"
    )

    /// The master is another one from now on.
    func masterChanged() { forwarded?.masterChanged() }

    private func read(_ sql: [UInt8], _ mode: LexicalMode) -> Result<Classification, Unsorted> {
        sql.withUnsafeBytes { classify($0, mode: mode, prepared: prepared) }
    }

    private func refusal(of result: Result<Classification, Unsorted>) -> ReplyError? {
        // As MariaDB answers where nothing but comments or semicolons came.
        if case .failure(let unsorted) = result, unsorted.reason == .empty {
            return ReplyError(number: 1065, state: "42000", message: Array("Query was empty".utf8))
        }
        // What a slave passed on is held to a slave's rules here, too.
        return (tellsHold ? refusal(of: result, as: .slave) : nil) ?? refusal(of: result, as: node.role)
    }

    private func refusal(of result: Result<Classification, Unsorted>, as role: Role) -> ReplyError? {
        guard case .refuse(let refusal) = decide(result, role: role, options: node.gateOptions, session: local.shape, master: node.masterWords)
        else { return nil }
        return ReplyError(ProtocolErrorCode(rawValue: refusal.code.rawValue) ?? .unknownStatement, refusal.message)
    }

    func runHere(_ sql: [UInt8], _ what: Classification, succeeded: (@LoopActor () -> Void)? = nil) {
        if let error = node.notReady {
            if !attemptAgain(sql) { refuse(what, error) }
            return
        }
        let identity: Identity?
        do throws(ReplyError) { identity = try local.admit(id, what) } catch {
            awaited = nil
            return answer(error)
        }
        lastWasPassedOn = false
        // Strong, until it is answered: a weak reference would slow down every use of the session.
        let statement = LocalStatement(sql, what, writer, identity) { [self] success in
            if success { succeeded?() } else { noteLocalLoss(under: what) }
            if success || local.isIdentified || !what.begins && !local.inTransaction { awaited = nil }
            finishRequest()
        }
        local.run(statement)
    }

    /// On a slave, what is prepared is prepared on the master, but for what a READ ONLY transaction prepares here.
    private var prepared: PreparedStatements { local.inTransaction ? local.prepared : forwarded?.prepared ?? local.prepared }
}

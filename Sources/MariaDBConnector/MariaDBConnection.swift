package import ClusterModel
package import EventLoop
import MySQLProtocol

/// One connection to MariaDB, on the event loop: requests are written as packets of our own to a socket that libmariadb has logged in on.
///
/// Requests may be sent without waiting for the replies of those before; the server answers them in order.
@LoopActor package final class MariaDBConnection: ChannelHandler {
    /// A request on its way, and who hears of it.
    private struct Run {
        var sink: any ResultSink
        /// How much had been written to the channel before it.
        let offset: UInt64
    }

    package let loop: EventLoop
    package let target: DatabaseTarget
    private let channel: Channel
    private var packets = PacketReader(payloadBytesMax: StatementReply.payloadBytesMax)
    private var reply = StatementReply()
    /// The first is the one that the server's next packet belongs to.
    private var runs: [Run] = []
    private var answered = 0
    private var status: ServerStatus
    private var isPaused = false
    private var isDelivering = false

    /// The server's number of this connection, for `KILL`.
    package let connectionID: UInt
    package let serverVersion: String
    /// As the server last told it, over its session tracking.
    package private(set) var sqlMode: String?
    /// Other variables that its setup has the server tell of, those that were set.
    package private(set) var variables: [String: String] = [:]
    package private(set) var database: [UInt8]?
    /// Which session ran the last statement: its diagnostics are still there.
    package var lastUser: UInt64 = 0 {
        didSet { if oldValue != 0, oldValue != lastUser { isMixed = true } }
    }
    /// Several sessions have run statements since it was opened or renewed.
    package private(set) var isMixed = false
    /// What `@@last_gtid` is, as far as the server has told.
    package private(set) var lastGTID: GTID?
    /// Whose `LAST_INSERT_ID()` the connection holds; nil where that is not known.
    package var insertIDOwner: UInt64?
    /// What that is.
    package var insertID: UInt64 = 0
    /// A session may have left something that nobody kept track of: whoever comes next renews it.
    package var isTainted = false
    /// The id that a client gave the transaction that is open on it.
    package var transactionID: TransactionID?
    /// Its statements run as long as they like, whatever its setup says.
    package var isUnlimited = false
    /// How old the account's rights are that it has: see `AccountRights`.
    var rightsAge: UInt64 = 0
    /// Told once, when the connection is lost while no statement runs.
    package var lostWhileIdle: (@LoopActor () -> Void)?

    init(_ loop: EventLoop, _ target: DatabaseTarget, _ login: LoggedIn) throws(SystemError) {
        self.loop = loop
        self.target = target
        connectionID = login.connectionID
        serverVersion = login.serverVersion
        status = login.status
        channel = Channel(loop, login.descriptor)
        // Probes a server on another machine: one that lost its power would be waited for without end.
        if case .tcp = target.endpoint { KeepAlive.toServer.set(on: login.descriptor) }
        try channel.start(self)
    }

    /// True until it was closed or the server went away.
    package var isOpen: Bool { channel.isOpen }
    package var isIdle: Bool { isOpen && inFlight == 0 }
    /// Requests that are not answered.
    package var inFlight: Int { runs.count - answered }
    package var inTransaction: Bool { isOpen && status.contains(.inTransaction) }
    package var autocommit: Bool { isOpen && status.contains(.autocommit) }

    // MARK: Requests

    private enum Request {
        static let quit: UInt8 = 0x01
        static let query: UInt8 = 0x03
        static let reset: UInt8 = 0x1f
    }

    /// Sends one request; the sink hears everything of it.
    package func execute(_ sql: [UInt8], _ sink: any ResultSink) {
        sql.withUnsafeBytes { send(Request.query, $0, sink) }
    }

    /// Makes the session as a new one that has run the target's setup; the database it is in stays. `done` hears when that is through.
    package func renew(done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) {
        sqlMode = nil
        variables = [:]
        isTainted = false
        isUnlimited = false
        insertIDOwner = nil
        lastGTID = nil
        lastUser = 0
        isMixed = false
        let first = FirstAnswer(done)
        send(Request.reset, UnsafeRawBufferPointer(start: nil, count: 0), CollectedRows { if case .failure = $0 { first.heard($0) } })
        for statement in target.setup.dropLast() { query(statement) { if case .failure = $0 { first.heard($0) } } }
        query(target.setup.last ?? "DO 0") { first.heard($0) }
    }

    /// A connection that breaks fails every request under way; who waits for them all is told once.
    private final class FirstAnswer {
        private var done: (@LoopActor (Result<SmallResult, DatabaseError>) -> Void)?

        init(_ done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) { self.done = done }

        @LoopActor func heard(_ result: Result<SmallResult, DatabaseError>) {
            let done = self.done
            self.done = nil
            done?(result)
        }
    }

    private func send(_ command: UInt8, _ payload: UnsafeRawBufferPointer, _ sink: any ResultSink) {
        guard isOpen else { return sink.failed(.closed) }
        runs.append(Run(sink: sink, offset: channel.writtenTotal))
        channel.write {
            var sequence: UInt8 = 0
            PacketWriter.frame(lead: command, payload, sequence: &sequence, into: &$0)
        }
    }

    /// Runs a small statement of the node's own and gives its rows back as text; at most 1,000 rows.
    package func query(_ sql: String, done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) { query(Array(sql.utf8), done: done) }

    package func query(_ sql: [UInt8], done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) {
        execute(sql, CollectedRows(done))
    }

    /// Gives the sink that is at work, and those behind it that are others: these hear nothing any more, `replacement` hears in their place.
    func disown(_ replacement: () -> any ResultSink) -> (first: (any ResultSink)?, others: [any ResultSink]) {
        let first = answered < runs.count ? runs[answered].sink : nil
        var others: [any ResultSink] = []
        for index in runs.indices.dropFirst(answered) where runs[index].sink !== first {
            others.append(runs[index].sink)
            runs[index].sink = replacement()
        }
        return (first, others)
    }

    // MARK: Replies

    package func received(_ bytes: UnsafeRawBufferPointer) {
        packets.append(bytes)
        deliver()
    }

    /// Passes on what is at hand while the sinks want it. How much that is at a time, the channel bounds.
    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        do throws(PacketError) {
            while !isPaused, isOpen, try packets.next({ payload, _ in self.take(payload) }) != nil {}
        } catch {
            lose(DatabaseError.malformed)
        }
        compact()
    }

    private func take(_ payload: UnsafeRawBufferPointer) {
        // What an idle connection says is its end: the server shuts down, or was told to end this session.
        guard answered < runs.count else { return lose(DatabaseError.closed) }
        let sink = runs[answered].sink
        switch reply.received(payload) {
        case .partial: break
        case .columns(let columns): sink.columns(columns)
        case .row:
            if !sink.row(ResultRow(payload: payload)) { pause() }
        case .ended(let end): ended(end, sink)
        case .failed(let error):
            answered += 1
            failed(DatabaseError(error), sink)
        case .unintelligible: lose(DatabaseError.malformed)
        }
    }

    private func ended(_ end: StatementEnd, _ sink: any ResultSink) {
        status = end.status
        // A routine of another database leaves that and comes back, which is told as a change whatever else it did.
        let isAmbiguous = end.session.schema.map { $0 == database ?? [] } ?? false
        if isAmbiguous { isTainted = true }
        if end.status.contains(.sessionChanged) { note(end.session) }
        if let gtid = end.session.gtid { lastGTID = gtid }
        let more = end.status.contains(.moreResults)
        if !more { answered += 1 }
        sink.ended(
            ResultSummary(
                affected: end.affected, insertID: end.insertID, warnings: UInt32(end.warnings), gtid: end.session.gtid,
                changedSession: end.session.isAny && !isAmbiguous, more: more))
    }

    private func note(_ change: SessionChange) {
        if let mode = change.sqlMode { sqlMode = mode }
        for (name, value) in change.variables { variables[name] = value }
        if let schema = change.schema { database = schema.isEmpty ? nil : schema }
    }

    private func failed(_ error: DatabaseError, _ sink: any ResultSink) {
        // The server closes after these; nothing that was sent behind is answered.
        if error.lostConnection { lose(DatabaseError.lost) }
        sink.failed(error)
    }

    /// Drops what is answered, not at every reply: many are answered in one go.
    private func compact() {
        if answered == runs.count {
            runs.removeAll(keepingCapacity: runs.capacity <= 64)
        } else if answered >= 64 {
            runs.removeSubrange(..<answered)
        } else {
            return
        }
        answered = 0
    }

    // MARK: Pauses

    private func pause() {
        isPaused = true
        channel.pauseReading()
    }

    /// Goes on after a sink's pause.
    package func resume() {
        guard isPaused else { return }
        isPaused = false
        deliver()
        if !isPaused { channel.resumeReading() }
    }

    // MARK: Ending

    package func drained() {}

    package func inputEnded() { lose(DatabaseError.lost) }

    package func ended(_ end: ChannelEnd) {
        guard end != .closedHere else { return }
        failAll(DatabaseError.lost)
    }

    private func lose(_ error: DatabaseError) {
        channel.close()
        failAll(error)
    }

    private func failAll(_ error: DatabaseError) {
        let left = runs[answered...]
        answered = runs.count
        compact()
        let sent = channel.sentTotal
        // The server had it, at least in part, or never saw it.
        for run in left { run.sink.failed(run.offset < sent ? error : DatabaseError.closed) }
        guard left.isEmpty else { return }
        let lost = lostWhileIdle
        lostWhileIdle = nil
        lost?()
    }

    /// Closes at once. What is under way is given up without a word to its sinks; the server rolls its transaction back.
    package func close() {
        guard isOpen else { return }
        if isIdle { channel.sendAtOnce(PacketWriter.framed([Request.quit], sequence: 0)) }
        answered = runs.count
        channel.close()
        // Sinks may hold the connection.
        compact()
    }

    /// Gives the socket away, for a protocol that follows on a login; this runs no statement any more.
    func handOver(to handler: any ChannelHandler) -> Channel {
        precondition(isIdle, "a connection is handed over between statements")
        channel.handOver(to: handler)
        return channel
    }
}

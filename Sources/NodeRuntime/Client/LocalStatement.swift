import EventLoop
import LineProtocol
import MariaDBConnector
import StatementGate

/// One statement of a session on this node's own database, until its reply is written.
struct LocalStatement {
    private(set) var sql: [UInt8]
    let what: Classification
    let writer: ReplyWriter
    let done: @LoopActor (Bool) -> Void
    /// Its transaction's id, and what that asks for next; nil: it has none, or nothing is to be done for it.
    var identity: Identity?
    var mayRetry: Bool
    /// The clock, and the channel's bytes, when it was sent to the database.
    private(set) var beganAt: UInt64 = 0
    private(set) var beganAtByte: UInt64 = 0

    /// It is a USE and nothing else.
    var onlyEntersDatabase: Bool { what.database != nil && what.statementCount == 1 }

    @LoopActor mutating func began(_ channel: Channel) {
        beganAt = EventLoop.now()
        beganAtByte = channel.writtenTotal
    }

    /// Names the engine that the session's CREATE TABLE is to have, for the other nodes.
    mutating func name(engine: String) {
        guard let place = what.repetition.engineAt else { return }
        sql.insert(contentsOf: Array(" ENGINE=".utf8) + SQLText.quoted(name: Array(engine.utf8)) + [UInt8(ascii: " ")], at: place)
    }

    init(_ sql: [UInt8], _ what: Classification, _ writer: ReplyWriter, _ identity: Identity? = nil, done: @escaping @LoopActor (Bool) -> Void) {
        self.sql = sql
        self.what = what
        self.writer = writer
        self.done = done
        self.identity = identity
        mayRetry = identity == nil && what.statementClass == .read && what.statementCount == 1
    }
}

extension Classification {
    /// Whether the statement may read `LAST_INSERT_ID()`, itself or by a trigger, or a later one that finds the connection kept.
    var mayNeedInsertID: Bool { isWrite || statementCount > 1 || transaction != nil || !facts.isDisjoint(with: .readsOrKeepsInsertID) }
}

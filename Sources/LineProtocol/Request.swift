package import ClusterModel

/// One request of a client, in the order the client sent them; each gets exactly one reply.
package enum Request: Equatable, Sendable {
    /// A statement: the bytes as they were sent, without the line end. A trailing `;` is still there.
    case sql([UInt8])
    case command(Command)
    /// Not a request: answered with this error in its place; the connection goes on.
    case malformed(code: ProtocolErrorCode, message: String)
    /// Where the next request begins can't be told: answered with this error, then the connection is closed.
    case fatal(code: ProtocolErrorCode, message: String)
}

/// A request that begins with a dot.
package enum Command: Equatable, Sendable {
    case ping
    case role
    case status
    case nodes
    case format(ReplyFormat)
    /// Until the node has applied the position; the node's own limit holds where `milliseconds` is nil.
    case wait(Position, milliseconds: UInt64?)
    case reset
    /// Compares the nodes' data with the master's.
    case verify(VerifyScope)
    case auth(user: [UInt8], password: [UInt8])
    case consistency(ReadConsistency)
    /// Reads must not be older; nil: as old as may be.
    case maxStaleness(milliseconds: UInt64?)
    case remove(NodeID)
    case rebuild
    /// Makes this node master; `force`: though acknowledged writes may be lost by it.
    case promote(force: Bool)
    /// Makes another node master; nil: the one that has most.
    case switchover(NodeID?)
    /// Names the transaction that the next statement belongs to.
    case id(TransactionID)
    /// What became of the transaction of that id.
    case outcome(TransactionID)
    case help
    case quit
    /// From another node: what follows this line is the link between nodes, no longer text. Not listed by `.help`.
    case link(version: Int)
    /// From another node: what follows this line are requests between peers, no longer text. Not listed by `.help`.
    case peer(version: Int)
    /// From a slave that passes its clients' statements on: from here each reply is followed by a line that tells what the session holds
    /// (see `SessionHold`). Not listed by `.help`.
    case forwarded
}

/// What a connection's reads promise.
package enum ReadConsistency: String, CaseIterable, Sendable {
    /// Whatever is applied on the node.
    case local
    /// At least what the connection itself wrote and read.
    case session
    /// Everything that anybody was told is written before the read came.
    case linearizable
}

/// How the replies of a connection are written.
package enum ReplyFormat: String, CaseIterable, Sendable {
    case tsv
    case json
}

package import ClusterModel

/// What a statement without a result set, or the end of a result set, tells.
package struct StatementFields: Equatable, Sendable {
    /// Rows changed; of no meaning at the end of a result set, where the rows are counted.
    package var affected: UInt64
    /// The first AUTO_INCREMENT value the statement made; 0 for none.
    package var insertID: UInt64
    package var warnings: UInt64
    /// Of a write its own position, of a read the one the answering node has applied; nil when unknown, and then left out.
    package var gtid: Position?
    /// Another result of the same request follows: a procedure's next result set, or the next of several statements.
    package var more: Bool

    package init(affected: UInt64 = 0, insertID: UInt64 = 0, warnings: UInt64 = 0, gtid: Position? = nil, more: Bool = false) {
        self.affected = affected
        self.insertID = insertID
        self.warnings = warnings
        self.gtid = gtid
        self.more = more
    }
}

/// A part of the `OK` that answers a command.
package enum ReplyField: Equatable, Sendable {
    /// A word without a value.
    case word(String)
    case text(String, String)
    case number(String, UInt64)
}

/// The replies to the commands whose answer is a single line.
extension [ReplyField] {
    package static func pong(node: NodeID, role: String) -> [ReplyField] {
        [.word("pong"), .number("node", UInt64(node.rawValue)), .text("role", role)]
    }

    /// `master` is where the master's clients connect; nil while none is known.
    package static func role(_ role: String, node: NodeID, epoch: Epoch, master: NodeAddress?) -> [ReplyField] {
        [
            .number("node", UInt64(node.rawValue)), .text("role", role), .number("epoch", epoch.rawValue),
            .text("master", master?.description ?? "-"),
        ]
    }

    package static func format(_ format: ReplyFormat) -> [ReplyField] { [.text("format", format.rawValue)] }

    package static var bye: [ReplyField] { [.word("bye")] }
}

/// An error as a client is told it.
package struct ReplyError: Error, Equatable, Sendable {
    package enum Code: Equatable, Sendable {
        /// MariaDB's own.
        case database(UInt16)
        case node(ProtocolErrorCode)
    }

    package let code: Code
    /// The SQLSTATE: five characters.
    package let state: String
    /// Any bytes, UTF-8 as a rule; control characters are written as spaces.
    package let message: [UInt8]

    /// MariaDB's own error.
    package init(number: UInt16, state: String, message: [UInt8]) {
        self.code = .database(number)
        self.state = state
        self.message = message
    }

    /// An error of the node: what was refused or failed, why, and what to do next.
    package init(_ code: ProtocolErrorCode, _ message: String) {
        self.code = .node(code)
        self.state = code.state
        self.message = Array(message.utf8)
    }

    /// What another node told, to be told again; nil where its code is none that this node knows.
    package init?(_ failure: ReplyFailure) {
        if let number = UInt16(failure.code) {
            code = .database(number)
        } else if let word = ProtocolErrorCode(rawValue: failure.code) {
            code = .node(word)
        } else {
            return nil
        }
        state = failure.state
        message = failure.message
    }

    private init(code: Code, state: String, message: [UInt8]) {
        self.code = code
        self.state = state
        self.message = message
    }

    /// The same error, and in parentheses what it is about.
    package func adding(_ words: String) -> ReplyError {
        ReplyError(code: code, state: state, message: message + Array(" (\(words))".utf8))
    }

    package var text: String { String(decoding: message, as: UTF8.self) }

    /// Code and message.
    package var words: String {
        switch code {
        case .database(let number): "\(number): \(text)"
        case .node(let word): "\(word.rawValue): \(text)"
        }
    }
}

/// How a request's reply ended.
package enum ReplyEnd: Equatable, Sendable {
    case ok
    /// The server refused or failed; its words, cut after 250 bytes.
    case failed(String)
    /// Bytes that are no reply: nothing after them on that connection can be told apart.
    case unintelligible
}

/// Finds where each reply ends, and keeps no more of it than the beginning of the current line or packet.
///
/// One result a request: a procedure with several would be counted as several replies.
package struct ReplyFinder: Sendable {
    private let wire: Wire
    private var lines = TextReplies()
    private var packets = PacketReplies()

    package init(_ wire: Wire) { self.wire = wire }

    /// Reads on from `offset`, which is moved behind what was read; nil when `bytes` hold no further end of a reply.
    package mutating func next(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ReplyEnd? {
        switch wire {
        case .text: lines.next(in: bytes, from: &offset)
        case .mariadb: packets.next(in: bytes, from: &offset)
        }
    }

    /// The first column of the last row read, up to 250 bytes; empty for NULL, or before any row.
    package var lastValue: String {
        switch wire {
        case .text: lines.lastValue
        case .mariadb: packets.lastValue
        }
    }
}

/// Longest beginning of a line or packet that is looked at.
let headBytesMax = 256

package import ClusterModel

/// A whole reply that was passed on.
package struct FramedReply: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case ok
        case error
        case rows
        /// A result set that an error ended.
        case rowsFailed
        /// None of the protocol's replies: the other side can't be trusted with more.
        case unintelligible
    }

    package let kind: Kind
    /// Of an `OK` or the end of a result set, where it tells one.
    package let gtid: Position?
    /// Of an error, MariaDB's number or the node's word; nil where a long message in JSON pushed it out of sight.
    package let code: String?

    package init(kind: Kind, gtid: Position? = nil, code: String? = nil) {
        self.kind = kind
        self.gtid = gtid
        self.code = code
    }
}

/// Finds the end of each reply for someone who passes them on byte for byte.
///
/// Keeps the first 256 and the last 512 bytes of the line under way and no more, whatever the size of a reply.
package struct ReplyFramer: Sendable {
    /// The form the replies are in. Set it between replies only.
    package var format: ReplyFormat

    private static let headBytesMax = 256
    private static let tailBytesMax = 512

    /// The beginning and the end of the line under way; of a short line both are all of it.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    /// Within a result set, in the tsv form.
    package private(set) var isInRows = false

    package init(format: ReplyFormat = .tsv) { self.format = format }

    /// True before the first byte of a reply: at the end of input nothing is missing.
    package var isAtBoundary: Bool { head.isEmpty && !isInRows }

    /// Reads on in the current reply. `count` bytes, from the first, belong to it; when `reply` is not nil it ends with them, and
    /// the bytes after are of the next.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) -> (count: Int, reply: FramedReply?) {
        var offset = 0
        while offset < bytes.count {
            guard let end = bytes.firstLineFeed(from: offset) else {
                keep(bytes.slice(offset..<bytes.count))
                break
            }
            let line = bytes.slice(offset..<end)
            offset = end + 1
            // Rows pass by the thousand: the whole ones are not even looked into.
            if isInRows, head.isEmpty, !line.starts(withASCII: "\\.") { continue }
            keep(line)
            let reply = lineEnded()
            head.removeAll(keepingCapacity: true)
            tail.removeAll(keepingCapacity: true)
            if let reply { return (offset, reply) }
        }
        return (bytes.count, nil)
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        head.append(contentsOf: bytes.prefix(Self.headBytesMax - head.count))
        tail.append(contentsOf: bytes.suffix(Self.tailBytesMax))
        if tail.count > Self.tailBytesMax { tail.removeFirst(tail.count - Self.tailBytesMax) }
    }

    private mutating func lineEnded() -> FramedReply? {
        switch format {
        case .tsv: isInRows ? rowLineEnded() : replyLineEnded()
        case .json: jsonLineEnded()
        }
    }
}

// The tsv form.
extension ReplyFramer {
    private mutating func replyLineEnded() -> FramedReply? {
        if head.elementsEqual("OK".utf8) || head.starts(withASCII: "OK ") {
            return hasMore(" more=1") ? nil : FramedReply(kind: .ok, gtid: gtid(after: " gtid="))
        }
        if head.starts(withASCII: "ERR ") { return FramedReply(kind: .error, code: ReplyFailure(head.dropFirst(4)).code) }
        guard head.starts(withASCII: "ROWS ") else { return FramedReply(kind: .unintelligible) }
        isInRows = true
        return nil
    }

    private mutating func rowLineEnded() -> FramedReply? {
        guard head.starts(withASCII: "\\.") else { return nil }
        isInRows = false
        guard head.starts(withASCII: "\\. ERR ") else {
            return hasMore(" more=1") ? nil : FramedReply(kind: .rows, gtid: gtid(after: " gtid="))
        }
        return FramedReply(kind: .rowsFailed, code: ReplyFailure(head.dropFirst(7)).code)
    }
}

// The json form: a reply is a line. Its marks hold quotes, which within a JSON string would be escaped, so no value looks like them.
extension ReplyFramer {
    private func jsonLineEnded() -> FramedReply? {
        if hasMore(#","more":1}}"#) { return nil }
        if head.starts(withASCII: #"{"ok":{"#) { return FramedReply(kind: .ok, gtid: gtid(after: #""gtid":""#)) }
        if head.starts(withASCII: #"{"error":{"#) { return FramedReply(kind: .error, code: code(in: head)) }
        guard head.starts(withASCII: #"{"columns":["#) else { return FramedReply(kind: .unintelligible) }
        guard tail.offset(after: #"],"end":{"#) != nil else { return FramedReply(kind: .rowsFailed, code: code(in: tail)) }
        return FramedReply(kind: .rows, gtid: gtid(after: #""gtid":""#))
    }

    private func code(in line: [UInt8]) -> String? {
        line.offset(after: #""error":{"code":"#).map { start in
            let value = line[start...].drop { $0 == .quote }
            return String(decoding: value.prefix { $0 != .quote && $0 != .comma }, as: UTF8.self)
        }
    }
}

extension ReplyFramer {
    /// Whether the line says that another result of the same request follows.
    private func hasMore(_ mark: StaticString) -> Bool { tail.offset(after: mark) == tail.count }

    /// The position behind `mark`, if there is one. Both forms tell it at the end of a line.
    private func gtid(after mark: StaticString) -> Position? {
        guard let start = tail.offset(after: mark) else { return nil }
        let text = String(decoding: tail[start...].prefix { $0 != .space && $0 != .quote }, as: UTF8.self)
        return text == "-" ? .start : GTID(text).map { Position($0) }
    }
}

extension [UInt8] {
    /// Where the last `mark` ends.
    fileprivate func offset(after mark: StaticString) -> Int? {
        let length = mark.utf8CodeUnitCount
        var start = count - length
        while start >= 0 {
            if self[start...].starts(withASCII: mark) { return start + length }
            start -= 1
        }
        return nil
    }
}

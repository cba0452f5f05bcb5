/// What a client reads from a node, in the `tsv` form; a result set is `columns`, any number of `row`, then `end` or `endError`.
package enum ReplyEvent: Equatable, Sendable {
    case ok(ReplyPairs)
    case error(ReplyFailure)
    case columns([[UInt8]])
    /// A value a column; nil is NULL.
    case row([[UInt8]?])
    case end(ReplyPairs)
    /// The result set ended in the middle, by an error.
    case endError(ReplyFailure)
}

/// The `key=value` parts of a reply, in their order; a word without a value has an empty one.
package struct ReplyPairs: Equatable, Sendable {
    package struct Pair: Equatable, Sendable {
        package let key: String
        package let value: String
    }

    package let all: [Pair]

    init(_ text: ArraySlice<UInt8>) {
        all = text.split(separator: .space).map { part in
            let key = part.prefix { $0 != 0x3D }
            return Pair(key: String(decoding: key, as: UTF8.self), value: String(decoding: part[key.endIndex...].dropFirst(), as: UTF8.self))
        }
    }

    package subscript(key: String) -> String? { all.first { $0.key == key }?.value }
}

/// An `ERR`, as a client reads it.
package struct ReplyFailure: Equatable, Sendable {
    /// MariaDB's number, or the node's word.
    package let code: String
    /// The SQLSTATE.
    package let state: String
    package let message: [UInt8]

    /// Reads what follows `ERR `.
    init(_ text: ArraySlice<UInt8>) {
        let code = text.prefix { $0 != .space }
        let rest = text[code.endIndex...].dropFirst()
        let state = rest.prefix { $0 != .space }
        self.code = String(decoding: code, as: UTF8.self)
        self.state = String(decoding: state, as: UTF8.self)
        self.message = Array(rest[state.endIndex...].dropFirst())
    }
}

/// Why a node's replies can't be read on; the connection is of no use any more.
package enum ReplyReadError: Error, Equatable {
    /// A line is longer than `lineBytesMax`.
    case lineTooLong
    /// A reply that begins with none of the protocol's words: its first bytes. The other side may not be a node.
    case unintelligible([UInt8])
}

/// Turns a node's replies, in the `tsv` form, into events, however the bytes are cut.
package struct ReplyReader: Sendable {
    /// The longest line in bytes: a row is one line.
    package let lineBytesMax: Int

    private var buffer: [UInt8] = []
    private var head = 0
    private var searched = 0
    private var isInRows = false

    package init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// True between replies: at the end of input nothing is missing.
    package var isAtBoundary: Bool { head == buffer.count && !isInRows }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if head > 0, head >= buffer.count - head {
            buffer = Array(buffer[head...])
            searched -= head
            head = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next event; nil when more bytes are needed.
    package mutating func next() throws(ReplyReadError) -> ReplyEvent? {
        guard let end = buffer.withUnsafeBytes({ $0.firstLineFeed(from: searched) }) else {
            searched = buffer.count
            guard buffer.count - head <= lineBytesMax else { throw .lineTooLong }
            return nil
        }
        let line = buffer[head..<end]
        head = end + 1
        searched = head
        guard line.count <= lineBytesMax else { throw .lineTooLong }
        return isInRows ? rowEvent(line) : try replyEvent(line)
    }

    private mutating func replyEvent(_ line: ArraySlice<UInt8>) throws(ReplyReadError) -> ReplyEvent {
        if line.elementsEqual("OK".utf8) { return .ok(ReplyPairs([])) }
        if line.starts(withASCII: "OK ") { return .ok(ReplyPairs(line.dropFirst(3))) }
        if line.starts(withASCII: "ERR ") { return .error(ReplyFailure(line.dropFirst(4))) }
        guard line.starts(withASCII: "ROWS ") else { throw .unintelligible(Array(line.prefix(80))) }
        isInRows = true
        return .columns(Self.values(line.dropFirst(5)).map { $0 ?? [] })
    }

    private mutating func rowEvent(_ line: ArraySlice<UInt8>) -> ReplyEvent {
        guard line.starts(withASCII: "\\.") else { return .row(Self.values(line)) }
        isInRows = false
        if line.starts(withASCII: "\\. ERR ") { return .endError(ReplyFailure(line.dropFirst(7))) }
        return .end(ReplyPairs(line.dropFirst(2)))
    }

    private static func values(_ line: ArraySlice<UInt8>) -> [[UInt8]?] {
        line.split(separator: .tab, omittingEmptySubsequences: false).map(TSV.unescaped)
    }
}

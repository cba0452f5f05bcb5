import Glibc

/// Finds the ends of replies in a node's lines of text (its tsv form).
struct TextReplies: Sendable {
    /// The beginning of a line whose end has not come.
    private var head: [UInt8] = []
    private var isInRows = false
    /// The beginning of the last row.
    private var row: [UInt8] = []

    mutating func next(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ReplyEnd? {
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard let end = rest.lineFeed else {
                keep(rest)
                offset = bytes.count
                return nil
            }
            let line = UnsafeRawBufferPointer(rebasing: rest[..<end])
            offset += end + 1
            if let reply = ended(line) { return reply }
        }
        return nil
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer) {
        head.append(contentsOf: part.prefix(headBytesMax - head.count))
    }

    private mutating func ended(_ line: UnsafeRawBufferPointer) -> ReplyEnd? {
        guard !head.isEmpty else { return take(line) }
        keep(line)
        let whole = head
        head.removeAll(keepingCapacity: true)
        return whole.withUnsafeBytes { take($0) }
    }

    private mutating func take(_ line: UnsafeRawBufferPointer) -> ReplyEnd? {
        if isInRows {
            guard line.begins(with: "\\.") else {
                row.removeAll(keepingCapacity: true)
                row.append(contentsOf: line.prefix(headBytesMax))
                return nil
            }
            isInRows = false
            return line.begins(with: "\\. ERR ") ? .failed(line.words(after: 7)) : .ok
        }
        if line.begins(with: "OK") { return .ok }
        if line.begins(with: "ERR ") { return .failed(line.words(after: 4)) }
        guard line.begins(with: "ROWS ") else { return .unintelligible }
        isInRows = true
        return nil
    }

    var lastValue: String {
        let value = String(decoding: row.prefix { $0 != UInt8(ascii: "\t") }, as: UTF8.self)
        return value == "\\N" ? "" : value
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var lineFeed: Int? {
        guard let base = baseAddress, let found = memchr(base, 0x0A, count) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    fileprivate func begins(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length, let base = baseAddress else { return false }
        return memcmp(base, text.utf8Start, length) == 0
    }

    /// The text from `start`, cut after 250 bytes.
    func words(after start: Int) -> String {
        String(decoding: dropFirst(start).prefix(250), as: UTF8.self)
    }
}

/// Turns a client's bytes into requests, however they are cut.
///
/// Takes time linear in the bytes, and holds none while no request is under way. It keeps no more of a request than `lineBytesMax`
/// and what the last `append` brought.
package struct RequestReader: Sendable {
    /// The longest request in bytes, without its line end; longer ones are skipped, not kept.
    package var lineBytesMax: Int

    private var buffer: [UInt8] = []
    /// The first byte of `buffer` that is not read yet.
    private var head = 0
    /// Up to here there is no line feed after `head`, so that no byte is searched twice.
    private var searched = 0
    private var state = State.line

    private enum State: Sendable {
        case line
        /// The rest of a line that is too long. The buffer is empty.
        case skippingLine
        /// So many bytes, then a line end, are a statement; or, `skipped`, only the line end is still to come.
        case body(bytes: Int, skipped: Bool)
        /// The rest of a body that is too long. The buffer is empty.
        case skippingBody(bytes: UInt64)
        /// After `.link`: bytes are only kept for `takeRest`.
        case handedOver
        /// After a fatal error or the end of input.
        case closed
    }

    package init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// Bytes that came and are no part of a request given out yet.
    package var unreadBytes: Int { buffer.count - head }

    /// What came so far ends with a request.
    package var isBetweenRequests: Bool { if case .line = state { unreadBytes == 0 } else { false } }

    /// Adds what came from the client. Call `next` until it gives nil before adding more, so that the buffer stays small.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .line, .body, .handedOver: store(bytes)
        case .skippingLine:
            guard let lineFeed = bytes.firstLineFeed(from: 0) else { return }
            state = .line
            store(bytes.slice(lineFeed + 1..<bytes.count))
        case .skippingBody(let left):
            let skipped = Int(min(left, UInt64(bytes.count)))
            skipBody(left - UInt64(skipped))
            store(bytes.slice(skipped..<bytes.count))
        case .closed: break
        }
    }

    /// The next whole request; nil when more bytes are needed.
    package mutating func next() -> Request? {
        while true {
            switch state {
            case .line:
                guard let end = findLineFeed() else { return cutLongLine() }
                if let request = readLine(to: end, next: end + 1) { return request }
            case .body(let bytes, let skipped):
                switch readBody(bytes, skipped: skipped) {
                case .incomplete:
                    compact()
                    return nil
                case .skipped: continue
                case .request(let request): return request
                }
            case .skippingLine, .skippingBody, .handedOver, .closed:
                compact()
                return nil
            }
        }
    }

    /// At the end of input, after `next` gave nil: a last line without its line end is a request too. Nothing comes after it.
    package mutating func ended() -> Request? {
        defer { close() }
        if case .line = state, let request = readLine(to: buffer.count, next: buffer.count) { return request }
        guard case .body(let bytes, skipped: false) = state else { return nil }
        // A lone carriage return is the half of a line end.
        if unreadBytes == bytes || (unreadBytes == bytes + 1 && buffer.last == .carriageReturn) {
            return .sql(take(head..<head + bytes, next: buffer.count))
        }
        return .malformed(code: .badRequest, message: "the input ended after \(unreadBytes) of the \(bytes) bytes of .sql; it was not run")
    }

    /// After `.link`: the bytes that came behind its line, and the reader holds them no longer.
    package mutating func takeRest() -> [UInt8] {
        take(head..<buffer.count, next: buffer.count)
    }
}

// Lines.
extension RequestReader {
    private mutating func findLineFeed() -> Int? {
        let found = buffer.withUnsafeBytes { $0.firstLineFeed(from: searched) }
        searched = found ?? buffer.count
        return found
    }

    /// Reads the line `head..<end`; nil when it asks for nothing (yet).
    private mutating func readLine(to end: Int, next: Int) -> Request? {
        var end = end
        if end > head, buffer[end - 1] == .carriageReturn { end -= 1 }
        guard end - head <= lineBytesMax else {
            advance(to: next)
            return tooLong()
        }
        guard let first = buffer[head..<end].first(where: { !$0.isBlank }) else {
            advance(to: next)
            return nil
        }
        guard first == .dot, buffer[head] == .dot else { return .sql(take(head..<end, next: next)) }
        let line = DotLine(buffer[head..<end])
        advance(to: next)
        return perform(line)
    }

    private mutating func perform(_ line: DotLine) -> Request? {
        switch line {
        case .command(let command):
            if case .link = command { state = .handedOver }
            return .command(command)
        case .malformed(let code, let message):
            return .malformed(code: code, message: message)
        case .body(let bytes):
            guard bytes > UInt64(max(lineBytesMax, 0)) else {
                state = .body(bytes: Int(bytes), skipped: false)
                return nil
            }
            let skipped = Int(min(bytes, UInt64(unreadBytes)))
            advance(to: head + skipped)
            skipBody(bytes - UInt64(skipped))
            return tooLong()
        }
    }

    /// Without a line feed in sight: nothing yet, or the error of a line that is too long already.
    private mutating func cutLongLine() -> Request? {
        // One byte more may be the carriage return of a line end.
        let isLong = unreadBytes > lineBytesMax + 1 || (unreadBytes == lineBytesMax + 1 && buffer.last != .carriageReturn)
        guard isLong else {
            compact()
            return nil
        }
        advance(to: buffer.count)
        compact()
        state = .skippingLine
        return tooLong()
    }

    private func tooLong() -> Request {
        .malformed(code: .lineTooLong, message: "a request is at most \(lineBytesMax) bytes long here; this one was skipped, send it in parts")
    }
}

// Bodies of `.sql`.
extension RequestReader {
    private enum Body {
        case incomplete
        /// The end of a body that was answered already.
        case skipped
        case request(Request)
    }

    private mutating func readBody(_ bytes: Int, skipped: Bool) -> Body {
        guard unreadBytes > bytes else { return .incomplete }
        var end = head + bytes
        if buffer[end] == .carriageReturn {
            end += 1
            guard end < buffer.count else { return .incomplete }
        }
        guard buffer[end] == .lineFeed else {
            close()
            return .request(
                .fatal(code: .badRequest, message: "no line break follows the bytes of .sql, so their number is wrong; the connection is closed"))
        }
        state = .line
        guard skipped else { return .request(.sql(take(head..<head + bytes, next: end + 1))) }
        advance(to: end + 1)
        return .skipped
    }

    private mutating func skipBody(_ bytes: UInt64) {
        state = bytes == 0 ? .body(bytes: 0, skipped: true) : .skippingBody(bytes: bytes)
    }
}

// The buffer.
extension RequestReader {
    private mutating func store(_ bytes: UnsafeRawBufferPointer) {
        compact()
        buffer.append(contentsOf: bytes)
    }

    private mutating func advance(to next: Int) {
        head = next
        searched = next
    }

    /// The bytes of `range`, without a copy where they are all there is.
    private mutating func take(_ range: Range<Int>, next: Int) -> [UInt8] {
        guard range.lowerBound == 0, next == buffer.count else {
            defer { advance(to: next) }
            return Array(buffer[range])
        }
        var taken: [UInt8] = []
        swap(&taken, &buffer)
        taken.removeLast(next - range.upperBound)
        advance(to: 0)
        return taken
    }

    /// Gives back what is read, once that is at least as much as what it costs to move the rest.
    private mutating func compact() {
        guard head > 0, head >= unreadBytes else { return }
        buffer = Array(buffer[head...])
        searched -= head
        head = 0
    }

    private mutating func close() {
        buffer = []
        advance(to: 0)
        state = .closed
    }
}

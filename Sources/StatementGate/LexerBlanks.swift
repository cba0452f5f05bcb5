extension Lexer {
    /// Moves over blanks and comments, and into and out of executable comments.
    @inline(__always)
    mutating func skipBlanks() throws(Unsorted.Reason) {
        while let byte = peek() {
            if isBlank(byte) {
                position += 1
            } else if byte == 0x23 || byte == 0x2D || byte == 0x2F || byte == 0x2A {
                guard try skipComment(byte) else { return }
            } else {
                return
            }
        }
    }

    /// False where the character begins no comment.
    private mutating func skipComment(_ byte: UInt8) throws(Unsorted.Reason) -> Bool {
        switch byte {
        case 0x23:
            try skipLine()
        case 0x2D where peeks("-", at: 1) && isBlankOrControl(peek(2) ?? 0):
            try skipLine()
        case 0x2F where peeks("*", at: 1):
            try skipLongComment()
        case 0x2A where insideExecutableComment && peeks("/", at: 1):
            insideExecutableComment = false
            position += 2
        default:
            return false
        }
        return true
    }

    private mutating func skipLine() throws(Unsorted.Reason) {
        while let byte = peek(), byte != 0x0A { try skipCommented(byte) }
    }

    private mutating func skipLongComment() throws(Unsorted.Reason) {
        guard let version = VersionComment(in: text, at: position) else {
            position += 2
            return try skipToCommentEnd(nested: false)
        }
        position = version.end
        if version.isExecuted(assuming: assumedVersion) {
            // One inside another is ended with it, by the first `*/`.
            insideExecutableComment = true
        } else {
            // MariaDB lets a comment it doesn't execute hold one level of others.
            try skipToCommentEnd(nested: true)
        }
    }

    private mutating func skipToCommentEnd(nested: Bool) throws(Unsorted.Reason) {
        while let byte = peek() {
            if byte == 0x2A, peeks("/", at: 1) {
                position += 2
                return
            }
            if nested, byte == 0x2F, peeks("*", at: 1) {
                position += 2
                try skipToCommentEnd(nested: false)
            } else {
                try skipCommented(byte)
            }
        }
        throw .unterminatedComment
    }

    private mutating func skipCommented(_ byte: UInt8) throws(Unsorted.Reason) {
        if byte == 0 { throw .nulByte }
        if byte < 0x80 { position += 1 } else { _ = try readScalar() }
    }
}

/// The head of a `/*! … */` or `/*M! … */` comment.
struct VersionComment {
    /// Nil executes everywhere.
    let version: Int?
    let isMariaDBOnly: Bool
    /// Where its content begins.
    let end: Int

    /// The oldest server a node runs on: what such a server executes, all execute.
    static let oldestServer = 100_600

    init?(in text: UnsafeRawBufferPointer, at start: Int) {
        func byte(_ offset: Int) -> UInt8 { start + offset < text.count ? text[start + offset] : 0 }
        guard byte(0) == 0x2F, byte(1) == 0x2A else { return nil }
        isMariaDBOnly = byte(2) == 0x4D
        let head = isMariaDBOnly ? 4 : 3
        guard byte(head - 1) == 0x21 else { return nil }
        var digits = 0
        var value = 0
        while digits < 6, isDigit(byte(head + digits)) {
            value = value * 10 + Int(byte(head + digits) - 0x30)
            digits += 1
        }
        version = digits >= 5 ? value : nil
        end = start + head + (digits >= 5 ? digits : 0)
    }

    /// MariaDB leaves these to MySQL 5.7 and later, with which it shares no history.
    private var isMySQLOnly: Bool {
        guard let version, !isMariaDBOnly else { return false }
        return (50_700...99_999).contains(version)
    }

    /// Some server may skip it.
    var isAmbiguous: Bool {
        guard let version else { return false }
        return version > Self.oldestServer || isMySQLOnly
    }

    func isExecuted(assuming server: Int?) -> Bool {
        guard let server, let version else { return true }
        return version <= server && !isMySQLOnly
    }
}

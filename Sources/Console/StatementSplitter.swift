/// Cuts what a person types, or a script holds, into statements and commands.
///
/// It knows quotes and comments as MariaDB reads them by default, `\G`, `\g`, `\c` and `\q`, and the `DELIMITER` of scripts; what a
/// statement means is the node's business.
struct StatementSplitter {
    enum Piece: Equatable {
        case statement([UInt8], vertical: Bool)
        /// A line that begins with a dot.
        case command([UInt8])
        /// A statement longer than `statementBytesMax`; it was not kept.
        case tooLong
        case quit
    }

    let statementBytesMax: Int

    private var statement: [UInt8] = []
    private var scan = Scan.plain
    /// Within `/*! … */`, which is part of the statement: quotes and comments count in it, delimiters don't.
    private var isInExecutable = false
    /// Something that is neither blank nor comment was seen.
    private var hasSubstance = false
    private var isTooLong = false
    private var delimiter: [UInt8] = Array(";".utf8)

    private enum Scan: Equatable {
        case plain
        case quoted(by: UInt8)
        /// The byte after a backslash in quotes.
        case escaped(by: UInt8)
        case blockComment
    }

    init(statementBytesMax: Int = 64 << 20) { self.statementBytesMax = statementBytesMax }

    /// A statement was begun and not ended.
    var isInStatement: Bool { hasSubstance || scan != .plain }

    /// Adds a line, without its line end, and gives what it completes.
    mutating func add(_ line: some Sequence<UInt8>) -> [Piece] {
        let line = Array(line)
        if !isInStatement {
            // Blank lines and comments before a statement are no part of it.
            clear()
            if let whole = wholeLine(line) { return whole }
        }
        var pieces: [Piece] = []
        var offset = 0
        while offset < line.count { offset = step(line, offset, &pieces) }
        if case .escaped(let quote) = scan { scan = .quoted(by: quote) }
        keep([0x0A])
        return pieces
    }

    /// At the end of input: the last statement, which may lack its `;`.
    mutating func finish() -> Piece? {
        take(vertical: false)
    }

    /// A line that means something as a whole, where no statement was begun; nil for any other.
    private mutating func wholeLine(_ line: [UInt8]) -> [Piece]? {
        let text = line.trimmed
        if text.first == 0x2E {
            return text.lowercasedWord == ".quit" ? [.quit] : [.command(Array(text))]
        }
        switch text.lowercasedWord {
        case "quit", "exit":
            let rest = text.dropFirst(4).trimmed
            return rest.isEmpty || rest.elementsEqual(delimiter) || rest.elementsEqual(";".utf8) ? [.quit] : nil
        case "quit;", "exit;": return [.quit]
        case "delimiter":
            let words = text.split(whereSeparator: \.isBlank)
            guard words.count == 2 else { return nil }
            delimiter = Array(words[1])
            return []
        default: return nil
        }
    }

    /// Reads on at `offset`; gives the offset of what comes next.
    private mutating func step(_ line: [UInt8], _ offset: Int, _ pieces: inout [Piece]) -> Int {
        let byte = line[offset]
        let pair = line[offset...].prefix(2)
        var length = 1
        switch scan {
        case .plain: return stepPlain(line, offset, &pieces)
        case .escaped(let quote): scan = .quoted(by: quote)
        case .quoted(let quote):
            if byte == quote { scan = .plain }
            if byte == 0x5C, quote != 0x60 { scan = .escaped(by: quote) }
        case .blockComment:
            if pair.elementsEqual("*/".utf8) {
                scan = .plain
                length = 2
            }
        }
        keep(line[offset..<offset + length])
        return offset + length
    }

    private mutating func stepPlain(_ line: [UInt8], _ offset: Int, _ pieces: inout [Piece]) -> Int {
        let rest = line[offset...]
        if isInExecutable, rest.starts(with: "*/".utf8) {
            isInExecutable = false
            keep(rest.prefix(2))
            return offset + 2
        }
        if !isInExecutable, let next = stepMark(rest, &pieces) { return next }
        if Self.beginsLineComment(rest) {
            keep(rest)
            return line.count
        }
        if rest.starts(with: "/*".utf8) { return stepComment(rest) }
        let byte = line[offset]
        if byte == 0x27 || byte == 0x22 || byte == 0x60 { scan = .quoted(by: byte) }
        if !byte.isBlank { hasSubstance = true }
        keep([byte])
        return offset + 1
    }

    /// Ends the statement at a delimiter or at `\G` and its kind; nil where there is none.
    private mutating func stepMark(_ rest: ArraySlice<UInt8>, _ pieces: inout [Piece]) -> Int? {
        if rest.starts(with: delimiter) {
            if let piece = take(vertical: false) { pieces.append(piece) }
            return rest.startIndex + delimiter.count
        }
        guard rest.first == 0x5C, let end = endMark(rest.dropFirst().first, &pieces) else { return nil }
        return end ? rest.endIndex : rest.startIndex + 2
    }

    /// At a comment's beginning.
    private mutating func stepComment(_ rest: ArraySlice<UInt8>) -> Int {
        let isExecutable = rest.starts(with: "/*!".utf8) || rest.starts(with: "/*M!".utf8)
        // Dumps begin with this one, which only tells the mariadb client to run no programs: no server runs what stands in it.
        if isExecutable, !rest.starts(with: "/*M!999999\\-".utf8) {
            isInExecutable = true
            hasSubstance = true
        } else {
            scan = .blockComment
        }
        keep(rest.prefix(2))
        return rest.startIndex + 2
    }

    /// Obeys `\G` and its kind; true when the rest of the line counts no more, nil when the byte after the backslash is none of them.
    private mutating func endMark(_ byte: UInt8?, _ pieces: inout [Piece]) -> Bool? {
        switch byte {
        case 0x47, 0x67:
            if let piece = take(vertical: byte == 0x47) { pieces.append(piece) }
            return false
        case 0x63:
            clear()
            return false
        case 0x71:
            clear()
            pieces.append(.quit)
            return true
        default: return nil
        }
    }

    /// `#`, or `--` with a blank or nothing behind it.
    private static func beginsLineComment(_ rest: ArraySlice<UInt8>) -> Bool {
        rest.first == 0x23 || (rest.starts(with: "--".utf8) && (rest.dropFirst(2).first.map { $0 <= 0x20 } ?? true))
    }

    private mutating func keep(_ bytes: some Collection<UInt8>) {
        isTooLong = isTooLong || statement.count + bytes.count > statementBytesMax
        if isTooLong { statement = [] } else { statement.append(contentsOf: bytes) }
    }

    private mutating func take(vertical: Bool) -> Piece? {
        defer { clear() }
        guard hasSubstance || scan != .plain else { return nil }
        return isTooLong ? .tooLong : .statement(Array(statement.trimmed), vertical: vertical)
    }

    private mutating func clear() {
        statement = []
        scan = .plain
        isInExecutable = false
        hasSubstance = false
        isTooLong = false
    }
}

extension UInt8 {
    /// White space of ASCII.
    var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension BidirectionalCollection<UInt8> where SubSequence: BidirectionalCollection<UInt8> {
    var trimmed: SubSequence {
        guard let last = lastIndex(where: { !$0.isBlank }) else { return self[endIndex...] }
        return self[...last].drop(while: \.isBlank)
    }

    /// Up to the first blank.
    var lowercasedWord: String { String(decoding: prefix(16).prefix { !$0.isBlank }, as: UTF8.self).lowercased() }
}

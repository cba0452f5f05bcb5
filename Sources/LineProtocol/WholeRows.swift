/// Lets a reply that is passed on through in pieces that an error can follow: whole lines, or in JSON, where a result set is one line, whole
/// rows. What is not whole yet is held.
package struct WholeRows: Sendable {
    /// The form the replies are in. Set it between replies only.
    package var format: ReplyFormat

    /// A row that a reply breaks off in.
    package enum Cut: Equatable, Sendable {
        /// The client has whole lines, or nothing of this one.
        case betweenLines
        /// It has whole rows of a result set that is one line.
        case betweenRows
        /// It has a part of a row that was too long to be held.
        case withinRow
    }

    private let heldBytesMax: Int
    private var held: [UInt8] = []
    private var json = JSONRows()
    private var isWithinRow = false
    private var hasBegunLine = false

    /// A row of more than `heldBytesMax` bytes is let through as it comes.
    package init(format: ReplyFormat = .tsv, heldBytesMax: Int) {
        self.format = format
        self.heldBytesMax = heldBytesMax
    }

    /// What the client has of a reply that breaks off here.
    package var cut: Cut { isWithinRow ? .withinRow : hasBegunLine ? .betweenRows : .betweenLines }

    /// What may go to the client: what was held, then a part of the bytes just taken.
    package struct Passed {
        package let held: [UInt8]
        /// Valid as long as the bytes that were taken.
        package let bytes: UnsafeRawBufferPointer
    }

    /// Takes the next bytes. Whoever passes them on may be led back here, so that is left to the caller.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) -> Passed {
        let whole = wholeBytes(of: bytes)
        var released: [UInt8] = []
        if whole > 0 {
            swap(&released, &held)
            isWithinRow = false
            hasBegunLine = bytes[whole - 1] != .lineFeed
        }
        let rest = bytes.slice(whole..<bytes.count)
        guard !rest.isEmpty, isWithinRow || rest.count > heldBytesMax - held.count else {
            held.append(contentsOf: rest)
            return Passed(held: released, bytes: bytes.slice(0..<whole))
        }
        if whole == 0 { swap(&released, &held) }
        isWithinRow = true
        return Passed(held: released, bytes: bytes)
    }

    private mutating func wholeBytes(of bytes: UnsafeRawBufferPointer) -> Int {
        switch format {
        case .tsv: bytes.lastIndex(of: .lineFeed).map { $0 + 1 } ?? 0
        case .json: json.wholeBytes(of: bytes)
        }
    }
}

/// Finds where rows end in a line of JSON as `RowsWriter` writes it: in the second list of the object.
private struct JSONRows: Sendable {
    private var depth = 0
    private var listsEnded = 0
    private var isInString = false
    private var isEscaped = false

    /// How many of the bytes, from the first, an error may follow.
    mutating func wholeBytes(of bytes: UnsafeRawBufferPointer) -> Int {
        var whole = 0
        for (offset, byte) in bytes.enumerated() {
            if isInString {
                if isEscaped { isEscaped = false } else if byte == .backslash { isEscaped = true } else if byte == .quote { isInString = false }
                continue
            }
            switch byte {
            case .quote: isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if isBetweenRows { whole = offset + 1 }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                if isBetweenRows { whole = offset + 1 }
                if depth == 1, byte == UInt8(ascii: "]") { listsEnded += 1 }
            case .lineFeed:
                self = JSONRows()
                whole = offset + 1
            default: break
            }
        }
        return whole
    }

    private var isBetweenRows: Bool { depth == 2 && listsEnded == 1 }
}

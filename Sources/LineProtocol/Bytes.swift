import ClusterModel

// Scans and small writers over raw bytes. The loops look at every byte of a block before they branch, so that the compiler can use
// vector instructions.

extension UInt8 {
    /// A space or a tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }
    /// A control character of ASCII, line ends among them.
    var isControl: Bool { self < 0x20 || self == 0x7F }
    var isDigit: Bool { 0x30 <= self && self <= 0x39 }

    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let tab: UInt8 = 0x09
    static let space: UInt8 = 0x20
    static let backslash: UInt8 = 0x5C
    static let quote: UInt8 = 0x22
    static let comma: UInt8 = 0x2C
    static let dot: UInt8 = 0x2E
}

extension UnsafeRawBufferPointer {
    /// The offset of the first line feed at or after `start`.
    func firstLineFeed(from start: Int) -> Int? {
        var offset = start
        while count - offset >= 64 {
            var found: UInt8 = 0
            for step in 0..<64 { found |= self[offset &+ step] == .lineFeed ? 1 : 0 }
            if found != 0 { break }
            offset += 64
        }
        while offset < count {
            if self[offset] == .lineFeed { return offset }
            offset += 1
        }
        return nil
    }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }
}

extension [UInt8] {
    mutating func append(ascii text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(text: String) { append(contentsOf: text.utf8) }

    mutating func append(decimal number: UInt64) {
        guard number >= 10 else { return append(0x30 &+ UInt8(truncatingIfNeeded: number)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            var rest = number
            while rest > 0 {
                start -= 1
                digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    /// As `Position.description`.
    mutating func append(_ position: Position) {
        guard let gtid = position.gtid else { return append(0x2D) }
        append(decimal: UInt64(gtid.domain))
        append(0x2D)
        append(decimal: UInt64(gtid.server))
        append(0x2D)
        append(decimal: gtid.sequence)
    }

    /// With each control character as a space: what is one line stays one line.
    mutating func append(oneLine bytes: some Sequence<UInt8>) {
        append(contentsOf: bytes.lazy.map { $0.isControl ? .space : $0 })
    }
}

extension Collection<UInt8> {
    func starts(withASCII text: StaticString) -> Bool {
        starts(with: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

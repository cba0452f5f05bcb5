import Glibc

/// The lines of a descriptor that is no terminal. Used on one thread.
final class LineInput {
    /// A longer line is no SQL, and isn't kept.
    static let lineBytesMax = 64 << 20

    enum Line: Equatable {
        /// Without its line end.
        case line([UInt8])
        case tooLong
        case end
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var head = 0
    private var searched = 0
    private var hasEnded = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func next() -> Line {
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { (head, searched) = (end + 1, end + 1) }
                return line(head..<end)
            }
            searched = buffer.count
            if buffer.count - head > Self.lineBytesMax { return .tooLong }
            if hasEnded || !fill() {
                hasEnded = true
                guard head < buffer.count else { return .end }
                defer { head = buffer.count }
                return line(head..<buffer.count)
            }
        }
    }

    private func line(_ range: Range<Int>) -> Line {
        let line = buffer[range]
        return .line(Array(line.last == 0x0D ? line.dropLast() : line))
    }

    /// False at the end of input.
    private func fill() -> Bool {
        buffer.removeFirst(head)
        (searched, head) = (searched - head, 0)
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                buffer.append(contentsOf: chunk[..<count])
                return true
            }
            if count == 0 || errno != EINTR { return false }
        }
    }
}

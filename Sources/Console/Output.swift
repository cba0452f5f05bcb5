import Glibc

/// A descriptor to write to, gathered into large writes. Used on one thread.
final class Output {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private static let bufferBytesMax = 64 << 10

    /// The other side reads no more; what is written goes nowhere.
    private(set) var isBroken = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    var isTerminal: Bool { isatty(descriptor) == 1 }

    func write(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferBytesMax { flush() }
    }

    func write(_ text: String) { write(text.utf8) }

    func flush() {
        var rest = buffer[...]
        while !rest.isEmpty, !isBroken {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { isBroken = true }
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Why a peer's bytes are no packet that can be taken.
package enum PacketError: Error, Equatable, CustomStringConvertible {
    /// The payload is larger than the reader's limit.
    case payloadTooLarge(bytes: Int, limit: Int)

    package var description: String {
        switch self {
        case .payloadTooLarge(let bytes, let limit): "a packet of at least \(bytes) bytes is larger than can be taken (\(limit))"
        }
    }
}

/// The shape of a packet on the wire: a length of three bytes, a sequence number, the payload.
///
/// Source: https://mariadb.com/kb/en/0-packet/
package enum Packet {
    package static let headerBytes = 4
    /// A packet of this many bytes says that its payload goes on in the next one.
    package static let payloadBytesMax = 0xff_ffff
}

/// Cuts a stream of bytes into payloads, and joins those that came in several packets.
///
/// A payload in one packet is handed out where it lies; one of several is gathered first.
package struct PacketReader: Sendable {
    /// Above this an empty buffer's memory is given back.
    private static let keptBytesMax = 1 << 20
    /// Below this, what was read is left in front of the rest: moving it would cost more than it frees.
    private static let compactedBytesMin = 64 << 10

    private let payloadBytesMax: Int
    private var buffer: [UInt8] = []
    /// Where in `buffer` the next packet begins.
    private var start = 0
    /// The payload's bytes from packets that said that it goes on.
    private var gathered: [UInt8] = []
    private var isGathering = false

    /// `payloadBytesMax` bounds a joined payload.
    package init(payloadBytesMax: Int) { self.payloadBytesMax = payloadBytesMax }

    /// How many bytes are held: not yet handed out, or free for reuse.
    package var heldBytes: Int { buffer.capacity + gathered.capacity }

    /// Takes bytes as they come off the wire.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reclaim()
        buffer.append(contentsOf: bytes)
    }

    /// Calls `body` with the next payload and the sequence number of its last packet; nil when it is not all there yet.
    ///
    /// The bytes are valid during the call, which must not touch the reader. Throws as soon as a packet's header goes beyond the limit.
    package mutating func next<Value>(_ body: (_ payload: UnsafeRawBufferPointer, _ sequence: UInt8) -> Value) throws(PacketError) -> Value? {
        while let header = try nextHeader() {
            guard header.bytes == Packet.payloadBytesMax || isGathering else {
                defer { start = header.end }
                return buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[header.payload]), header.sequence) }
            }
            gathered.append(contentsOf: buffer[header.payload])
            start = header.end
            isGathering = header.bytes == Packet.payloadBytesMax
            if !isGathering {
                defer { gathered = [] }
                return gathered.withUnsafeBytes { body($0, header.sequence) }
            }
            reclaim()
        }
        return nil
    }

    private struct Header {
        let payload: Range<Int>
        let sequence: UInt8
        var bytes: Int { payload.count }
        var end: Int { payload.upperBound }
    }

    /// The header at `start`, when the packet is all there.
    private func nextHeader() throws(PacketError) -> Header? {
        guard buffer.count - start >= Packet.headerBytes else { return nil }
        let bytes = Int(buffer[start]) | Int(buffer[start + 1]) << 8 | Int(buffer[start + 2]) << 16
        guard gathered.count + bytes <= payloadBytesMax else { throw .payloadTooLarge(bytes: gathered.count + bytes, limit: payloadBytesMax) }
        let payload = start + Packet.headerBytes
        guard buffer.count - payload >= bytes else { return nil }
        return Header(payload: payload..<payload + bytes, sequence: buffer[start + 3])
    }

    /// Frees what was read: at no cost when that is all, else only when at least as much is freed as is moved.
    private mutating func reclaim() {
        if start == buffer.count {
            if buffer.capacity > Self.keptBytesMax { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
            start = 0
        } else if start >= Self.compactedBytesMin, start >= buffer.count - start {
            buffer.removeSubrange(..<start)
            start = 0
        }
    }
}

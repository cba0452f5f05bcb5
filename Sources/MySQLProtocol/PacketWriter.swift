/// Frames payloads as packets.
package enum PacketWriter {
    /// Appends `payload` to `output`, after the byte `lead` if there is one; `sequence` counts on with every packet.
    ///
    /// A payload of 16 MiB - 1 or more goes into several packets, of which the last is shorter than that, if need be empty.
    package static func frame(lead: UInt8? = nil, _ payload: UnsafeRawBufferPointer, sequence: inout UInt8, into output: inout [UInt8]) {
        var rest = payload
        var lead = lead
        var isFull = true
        while isFull {
            let room = Packet.payloadBytesMax - (lead == nil ? 0 : 1)
            let piece = rest.prefix(room)
            isFull = piece.count == room
            let bytes = Packet.payloadBytesMax - room + piece.count
            output.append(UInt8(truncatingIfNeeded: bytes))
            output.append(UInt8(truncatingIfNeeded: bytes >> 8))
            output.append(UInt8(truncatingIfNeeded: bytes >> 16))
            output.append(sequence)
            if let lead { output.append(lead) }
            output.append(contentsOf: piece)
            rest = UnsafeRawBufferPointer(rebasing: rest[piece.endIndex...])
            lead = nil
            sequence &+= 1
        }
    }

    /// Appends a binlog event as a dump sends it: after a zero byte.
    package static func event(_ event: UnsafeRawBufferPointer, sequence: inout UInt8, into output: inout [UInt8]) {
        frame(lead: 0, event, sequence: &sequence, into: &output)
    }

    /// `payload` as packets of its own.
    package static func framed(_ payload: [UInt8], sequence: UInt8) -> [UInt8] {
        var output: [UInt8] = []
        var sequence = sequence
        payload.withUnsafeBytes { frame($0, sequence: &sequence, into: &output) }
        return output
    }
}

import MySQLProtocol
import Testing

@Suite struct PacketTests {
    private func pattern(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }
            initialized = count
        }
    }

    private func framed(_ payload: [UInt8], lead: UInt8? = nil, sequence: inout UInt8) -> [UInt8] {
        var output: [UInt8] = []
        payload.withUnsafeBytes { PacketWriter.frame(lead: lead, $0, sequence: &sequence, into: &output) }
        return output
    }

    @Test(arguments: [0, 1, 0xff_fffe, 0xff_ffff, 0x100_0000, 0x1ff_fffe, 0x1ff_ffff])
    func `a payload of any size comes back whole`(count: Int) throws {
        let payload = pattern(count)
        var sequence: UInt8 = 254
        let bytes = framed(payload, sequence: &sequence)
        let packetCount = count / 0xff_ffff + 1
        #expect(bytes.count == count + 4 * packetCount)
        #expect(sequence == UInt8(truncatingIfNeeded: 254 + packetCount))
        let found = try packets(bytes)
        #expect(found.count == 1)
        #expect(found.first?.payload == payload && found.first?.sequence == sequence &- 1)
    }

    @Test(arguments: [0, 5, 0xff_fffd, 0xff_fffe, 0xff_ffff])
    func `a byte before an event counts as part of the payload`(count: Int) throws {
        let event = pattern(count)
        var sequence: UInt8 = 0
        var bytes: [UInt8] = []
        event.withUnsafeBytes { PacketWriter.event($0, sequence: &sequence, into: &bytes) }
        var other: UInt8 = 0
        #expect(bytes == framed([0] + event, sequence: &other))
        #expect(sequence == other)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `however the bytes are cut, the same payloads come out`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let payloads = (0..<60).map { _ in pattern(Int.random(in: 0...9000, using: &random)) }
        var sequence: UInt8 = 0
        let bytes = payloads.flatMap { framed($0, sequence: &sequence) }
        var reader = PacketReader(payloadBytesMax: 9000)
        var found: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + Int.random(in: 1...5000, using: &random))
            bytes[offset..<end].withUnsafeBytes { reader.append($0) }
            offset = end
            // Now and then the packets are left in the buffer for a while.
            guard offset == bytes.count || Bool.random(using: &random) else { continue }
            while let payload = try reader.next({ payload, _ in [UInt8](payload) }) { found.append(payload) }
        }
        #expect(found == payloads)
    }

    @Test func `a packet beyond the limit is refused by its header, joined ones by their sum`() throws {
        var reader = PacketReader(payloadBytesMax: 10)
        [UInt8]([11, 0, 0, 0]).withUnsafeBytes { reader.append($0) }
        #expect(throws: PacketError.payloadTooLarge(bytes: 11, limit: 10)) { try reader.next { _, _ in } }

        var joining = PacketReader(payloadBytesMax: 0xff_ffff + 2)
        var sequence: UInt8 = 0
        let bytes = framed(pattern(0xff_ffff + 3), sequence: &sequence)
        bytes[..<(bytes.count - 3)].withUnsafeBytes { joining.append($0) }
        #expect(throws: PacketError.payloadTooLarge(bytes: 0xff_ffff + 3, limit: 0xff_ffff + 2)) { try joining.next { _, _ in } }
    }

    @Test func `the memory of a large packet is given back`() throws {
        var reader = PacketReader(payloadBytesMax: 1 << 26)
        var sequence: UInt8 = 0
        framed(pattern(20 << 20), sequence: &sequence).withUnsafeBytes { reader.append($0) }
        #expect(try reader.next { payload, _ in payload.count } == 20 << 20)
        framed([1], sequence: &sequence).withUnsafeBytes { reader.append($0) }
        #expect(try reader.next { payload, _ in payload.count } == 1)
        #expect(reader.heldBytes < 1 << 10)
    }

    @Test func `a reader that is never quite empty does not grow`() throws {
        var reader = PacketReader(payloadBytesMax: 1000)
        var sequence: UInt8 = 0
        let packet = framed(pattern(1000), sequence: &sequence)
        packet[..<500].withUnsafeBytes { reader.append($0) }
        for _ in 0..<2000 {
            (packet[500...] + packet[..<500]).withUnsafeBytes { reader.append($0) }
            #expect(try reader.next { payload, _ in payload.count } == 1000)
        }
        #expect(reader.heldBytes < 1 << 18)
    }
}

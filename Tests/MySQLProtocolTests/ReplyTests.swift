import MySQLProtocol
import Testing

@Suite struct ReplyTests {
    @Test func `an OK packet reads back as it was written, and none reads from less`() {
        let packet = OKPacket(affectedRows: 70_000, lastInsertID: 1 << 40, status: 0x4002, warnings: 3)
        let payload = packet.payload
        #expect(payload.withUnsafeBytes { OKPacket(payload: $0) } == packet)
        for count in 0..<payload.count { #expect(payload[..<count].withUnsafeBytes { OKPacket(payload: $0) } == nil) }
        #expect(OKPacket().payload == [0, 0, 0, 2, 0, 0, 0])
    }

    @Test func `an ERR packet reads back as it was written, and bounds its message`() {
        let packet = ERRPacket(code: 1236, state: "HY000", message: "no such log")
        #expect(packet.payload.withUnsafeBytes { ERRPacket(payload: $0) } == packet)
        let long = ERRPacket(code: 1, state: "HY000", message: String(repeating: "x", count: 10_000))
        #expect(long.payload.count == 9 + ERRPacket.messageBytesMax)
        let stateless: [UInt8] = [0xff, 0x10, 0x04] + Array("Too many connections".utf8)
        #expect(stateless.withUnsafeBytes { ERRPacket(payload: $0) } == ERRPacket(code: 1040, state: "HY000", message: "Too many connections"))
        for short in [[], [0xff], [0xff, 1], [0, 1, 2]] as [[UInt8]] { #expect(short.withUnsafeBytes { ERRPacket(payload: $0) } == nil) }
        #expect([0xff, 1, 0, UInt8(ascii: "#"), 65].withUnsafeBytes { ERRPacket(payload: $0) }?.state == "HY000")
    }

    @Test func `an EOF packet is short`() {
        #expect(EOFPacket.payload.withUnsafeBytes { EOFPacket.matches($0) })
        #expect(![0xfe, 0, 0, 0, 0, 0, 0, 0, 0].withUnsafeBytes { EOFPacket.matches($0) })
        #expect(![].withUnsafeBytes { EOFPacket.matches($0) })
    }

    @Test func `rows go out with lengths of every size, and NULL`() throws {
        let values: [[UInt8]?] = [nil, [], Array("x".utf8)] + [250, 251, 65_535, 65_536].map { [UInt8](repeating: 7, count: $0) }
        var sequence: UInt8 = 1
        let bytes = TextResultSet(columns: values.indices.map { "c\($0)" }, rows: [values]).framed(sequence: &sequence)
        let found = try packets(bytes)
        #expect(found.map(\.sequence) == Array(1...UInt8(values.count + 4)) && sequence == UInt8(values.count + 5))
        #expect(found[0].payload == [UInt8(values.count)])
        let lengths: [[UInt8]] = [[0xfb], [0], [1], [250], [0xfc, 251, 0], [0xfc, 0xff, 0xff], [0xfd, 0, 0, 1]]
        #expect(found[found.count - 2].payload == zip(lengths, values).flatMap { $0 + ($1 ?? []) })
        #expect(found.last?.payload == EOFPacket.payload)
    }
}

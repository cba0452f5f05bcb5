import BinlogFormat
import ClusterModel
import Testing

@Suite struct EventTests {
    private func description(_ event: some Collection<UInt8>) throws -> FormatDescription {
        try Array(event).withUnsafeBytes { try FormatDescription(event: $0, checksum: crc32) }
    }

    /// The event with one byte changed, and its checksum made right again.
    private func changed(_ event: [UInt8], at offset: Int, to value: UInt8) -> [UInt8] {
        var changed = Array(event.dropLast(4))
        changed[offset] = value
        return changed + little(changed.withUnsafeBytes { crc32(0, $0) })
    }

    @Test(arguments: Golden.binlogs)
    func `every event of a real binlog has its checksum, and none has it with a bit flipped`(name: String) throws {
        for (event, _) in events(of: try Golden.binlog(name)) where event[event.startIndex + 4] != EventType.formatDescription.rawValue {
            var bytes = Array(event)
            #expect(bytes.withUnsafeBytes { verifyChecksum(event: $0, crc32) })
            bytes[bytes.count / 2] ^= 0x10
            #expect(!bytes.withUnsafeBytes { verifyChecksum(event: $0, crc32) })
        }
        #expect(![UInt8](repeating: 0, count: 22).withUnsafeBytes { verifyChecksum(event: $0, crc32) })
    }

    @Test func `a header reads as it was written`() throws {
        let bytes: [UInt8] = [1, 2, 3, 4, 162, 5, 0, 0, 0, 42, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 0x00]
        let header = try #require(bytes.withUnsafeBytes { EventHeader($0) })
        #expect(header.timestamp == 0x0403_0201 && header.type == .gtid && header.serverID == 5)
        #expect(header.eventBytes == 42 && header.endPosition == .max && header.isArtificial)
        for count in 0..<19 { #expect(bytes[..<count].withUnsafeBytes { EventHeader($0) } == nil) }
    }

    @Test func `a file in use is served as one that is not, with the checksum it has`() throws {
        let event = try Array(#require(events(of: Golden.binlog("in-use")).first).event)
        let description = try description(event)
        #expect(description.serverVersion.hasPrefix("10.11."))
        #expect(event[17] == 1 && description.served[17] == 0 && description.bytes == event)
        #expect(description.served.withUnsafeBytes { verifyChecksum(event: $0, crc32) })
        #expect(try self.description(description.served).served == description.served)
    }

    @Test func `a format description is served as the database itself would`() throws {
        let fromStart = try Golden.stream("stream-from-start")[1]
        let resumed = try Golden.stream("stream-resumed")[1]
        #expect(fromStart != resumed)
        #expect(try description(fromStart).served == fromStart)
        #expect(try description(fromStart).resumed(crc32) == resumed)
    }

    @Test func `a format description that is damaged or can't be used is refused in words`() throws {
        let event = try Array(#require(events(of: Golden.binlog("rows")).first).event)
        for count in 0..<event.count { #expect(throws: BinlogError.truncated) { try description(event[..<count]) } }
        for offset in event.indices where !(9..<13).contains(offset) && offset != 4 {
            var damaged = event
            damaged[offset] ^= 0x40
            #expect(throws: BinlogError.self) { try description(damaged) }
        }
        #expect(throws: BinlogError.checksumsOff) { try description(changed(event, at: event.count - 5, to: 0)) }
        #expect(throws: BinlogError.unsupportedVersion(3)) { try description(changed(event, at: 19, to: 3)) }
        #expect(throws: BinlogError.noFormatDescription) { try description(makeEvent(.xid)) }
        #expect(throws: BinlogError.malformed(.formatDescription)) { try description(makeEvent(.formatDescription, [4, 0])) }
        #expect("\(BinlogError.checksumsOff)".contains("binlog_checksum=CRC32"))
    }

    @Test func `made-up events are those that the database makes up`() throws {
        let stream = try Golden.stream("stream-resumed")
        let file = "golden.000001"
        #expect(ArtificialEvent.rotate(file: file, position: 4, serverID: 1, checksum: crc32) == stream[0])

        let list = try #require(stream.first { $0[4] == EventType.gtidList.rawValue && $0[17] == 0x20 })
        let gtids = try list.withUnsafeBytes { try GTIDList(event: $0).gtids }
        #expect(gtids == [GTID(domain: 0, server: 1, sequence: 2)])
        let header = try #require(list.withUnsafeBytes { EventHeader($0) })
        #expect(ArtificialEvent.gtidList(gtids, serverID: 1, endPosition: header.endPosition, checksum: crc32) == list)

        let heartbeat = try #require(stream.last)
        let position = try #require(heartbeat.withUnsafeBytes { EventHeader($0) }).endPosition
        #expect(ArtificialEvent.heartbeat(file: file, position: position, serverID: 1, checksum: crc32) == heartbeat)
    }

    @Test func `a GTID event names its group and how it ends`() throws {
        let sequence = UInt64(1) << 40
        let event = makeEvent(.gtid, server: 9, little(sequence) + little(UInt32(3)) + [GTIDEvent.standalone | GTIDEvent.ddl] + little(UInt64(0)))
        let read = try event.withUnsafeBytes { try GTIDEvent(event: $0, header: #require(EventHeader($0))) }
        #expect(read.gtid == GTID(domain: 3, server: 9, sequence: sequence))
        #expect(read.isStandalone && read.isDDL)
    }

    @Test func `a GTID list that claims more entries than it has is refused`() throws {
        var list = ArtificialEvent.gtidList([GTID(domain: 0, server: 1, sequence: 2)], serverID: 1, checksum: crc32)
        list[19] = 2
        #expect(throws: BinlogError.malformed(.gtidList)) { try list.withUnsafeBytes { try GTIDList(event: $0) } }
        list[22] = 0x0f
        #expect(throws: BinlogError.malformed(.gtidList)) { try list.withUnsafeBytes { try GTIDList(event: $0) } }
        #expect(throws: BinlogError.malformed(.gtidList)) { try list[..<20].withUnsafeBytes { try GTIDList(event: $0) } }
    }
}

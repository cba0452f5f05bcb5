import BinlogFormat
import ClusterModel
import Testing

@Suite struct JournalScannerTests {
    /// A generator whose seed reproduces a failure.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    private func scan(_ file: [UInt8], chunks: (Int) -> Int = { $0 }) -> (summary: JournalSummary, fault: JournalFault?) {
        var scanner = JournalScanner(checksum: crc32)
        var offset = 0
        do {
            while offset < file.count {
                let end = offset + min(max(1, chunks(file.count - offset)), file.count - offset)
                try file[offset..<end].withUnsafeBytes { try scanner.scan($0) }
                offset = end
            }
            return (scanner.summary, nil)
        } catch {
            return (scanner.summary, error as? JournalFault)
        }
    }

    @Test(arguments: Golden.binlogs)
    func `a real binlog is valid to its end`(name: String) throws {
        let file = try Golden.binlog(name)
        let groups = try Golden.groups(name)
        let (summary, fault) = scan(file)
        #expect(fault == nil)
        #expect(summary.first == groups.first?.gtid && summary.last == groups.last?.gtid && summary.openGroup == nil)
        #expect(summary.runs.last == summary.last)
        #expect(summary.validBytes == UInt64(file.count) && summary.scannedBytes == summary.validBytes)
        #expect(summary.formatDescription?.serverVersion.hasPrefix("10.11.") == true)
        let before = groups[0].gtid.sequence - 1
        let state = [GTID(domain: 3, server: 9, sequence: 1), GTID(domain: 0, server: 1, sequence: before)]
        #expect(summary.stateAtHead == (before == 0 ? [] : state))
    }

    @Test(arguments: Golden.binlogs, [1, 2, 3])
    func `the size of the chunks changes nothing`(name: String, seed: UInt64) throws {
        let file = try Golden.binlog(name)
        var random = Seeded(state: seed)
        #expect(scan(file).summary == scan(file, chunks: { _ in Int.random(in: 1...300, using: &random) }).summary)
        #expect(scan(file).summary == scan(file, chunks: { _ in 1 }).summary)
    }

    @Test(arguments: ["statements", "compressed", "in-use"])
    func `a file cut at any byte is valid up to its last whole transaction`(name: String) throws {
        let file = try Golden.binlog(name)
        let groups = try Golden.groups(name)
        let events = events(of: file)
        let begins = events.filter { $0.event[$0.event.startIndex + 4] == EventType.gtid.rawValue }.map(\.event.startIndex)
        let boundaries = [0, 4] + events.map(\.end).filter { end in !zip(begins, groups).contains { $0 < end && end < $1.end } }
        var scanner = JournalScanner(checksum: crc32)
        for count in 0..<file.count {
            let summary = scanner.summary
            #expect(summary.last == groups.last { $0.end <= count }?.gtid)
            #expect(summary.validBytes == boundaries.last { $0 <= count }.map(UInt64.init))
            #expect(summary.scannedBytes == UInt64(count))
            try file[count..<count + 1].withUnsafeBytes { try scanner.scan($0) }
        }
    }

    @Test func `a flipped bit anywhere is found, and what was before it stays valid`() throws {
        let file = try Golden.binlog("in-use")
        let starts = [0, 4] + events(of: file).map(\.end)
        for bit in 0..<file.count * 8 where bit != (4 + 17) * 8 {
            var damaged = file
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let (summary, fault) = scan(damaged)
            let start = UInt64(try #require(starts.last { $0 <= bit / 8 }))
            #expect(summary.validBytes <= start, "bit \(bit)")
            // A length beyond the end of the file looks like a tail that is torn there.
            if let fault { #expect(fault.offset == start, "bit \(bit)") } else { #expect((9..<13).contains(bit / 8 - Int(start)), "bit \(bit)") }
        }
    }

    @Test func `a fault is told again, and nothing after it is taken`() throws {
        var file = try Golden.binlog("in-use")
        file[400] ^= 1
        var scanner = JournalScanner(checksum: crc32)
        let first = #expect(throws: JournalFault.self) { try file.withUnsafeBytes { try scanner.scan($0) } }
        let summary = scanner.summary
        #expect(first?.error == .badChecksum)
        let again = #expect(throws: JournalFault.self) { try [0].withUnsafeBytes { try scanner.scan($0) } }
        #expect(again == first && scanner.summary == summary)
    }

    @Test func `an event larger than what is held is summed to its last byte`() throws {
        let head = try Array(Golden.binlog("in-use")[..<256])
        let rows = makeEvent(.writeRowsV1, [1, 0, 0, 0, 0, 0, 1, 0] + (0..<300_000).map { UInt8(truncatingIfNeeded: $0) })
        let query = makeQuery(String(repeating: "x", count: 100_000) + "COMMIT")
        var file = head + makeGTIDEvent(1, flags: 0) + rows + query + makeEvent(.xid)
        #expect(scan(file, chunks: { _ in 7_777 }).summary.validBytes == UInt64(file.count))
        #expect(scan(file).summary.last == GTID(domain: 0, server: 1, sequence: 1))
        let offset = head.count + makeGTIDEvent(1, flags: 0).count
        file[offset + rows.count - 5] ^= 1
        #expect(scan(file, chunks: { _ in 7_777 }).fault == JournalFault(error: .badChecksum, offset: UInt64(offset)))
    }

    @Test func `it tells the last whole transaction of each writer in turn`() throws {
        func group(_ server: UInt32, _ sequence: UInt64) throws -> [UInt8] {
            try #require(EpochMarker.group(GTID(domain: 0, server: server, sequence: sequence), timestamp: 0, checksum: crc32))
        }
        let head = try Array(Golden.binlog("in-use")[..<256])
        let groups = try [(1, 1), (1, 2), (258, 3), (1, 4), (1, 5), (515, 6)].map { try group($0, $1) }
        let file = head + groups.flatMap { $0 }
        #expect(scan(file).summary.runs.map { "\($0)" } == ["0-1-2", "0-258-3", "0-1-5", "0-515-6"])
        #expect(scan(file.dropLast(), chunks: { _ in 11 }).summary.runs.map { "\($0)" } == ["0-1-2", "0-258-3", "0-1-5"])
    }

    @Test func `a transaction that is not the next one is damage, be it within the file or behind its head`() throws {
        func group(_ server: UInt32, _ sequence: UInt64) throws -> [UInt8] {
            try #require(EpochMarker.group(GTID(domain: 0, server: server, sequence: sequence), timestamp: 0, checksum: crc32))
        }
        let head = try Array(Golden.binlog("in-use")[..<256])
        let list = ArtificialEvent.gtidList([GTID(domain: 0, server: 1, sequence: 6)], serverID: 1, checksum: crc32)
        let (one, next, far) = (try group(1, 7), try group(258, 8), try group(258, 9))
        #expect(scan(head + list + one + next + far).fault == nil)
        let within = scan(head + list + one + far)
        let gap = BinlogError.gap(GTID(domain: 0, server: 258, sequence: 9), after: Position(GTID("0-1-7")))
        #expect(within.fault == JournalFault(error: gap, offset: UInt64(head.count + list.count + one.count)))
        #expect(within.summary.last == GTID("0-1-7") && within.summary.validBytes == within.fault?.offset)
        #expect(scan(head + list + next).fault?.error == .gap(GTID(domain: 0, server: 258, sequence: 8), after: Position(GTID("0-1-6"))))
        #expect(scan(head + far).fault == nil, "where nothing tells what came before")
    }

    @Test(arguments: Golden.binlogs) func `a checkpoint names a file`(name: String) throws {
        let checkpoints = try events(of: Golden.binlog(name)).filter { $0.event[$0.event.startIndex + 4] == EventType.binlogCheckpoint.rawValue }
        #expect(!checkpoints.isEmpty)
        for (event, _) in checkpoints {
            let file = try event.withUnsafeBytes { try BinlogCheckpoint(event: $0).file }
            #expect(file.split(separator: ".").count == 2 && file.split(separator: ".").last.map { $0.allSatisfy(\.isNumber) } == true)
        }
    }

    @Test func `a checkpoint whose name does not fit is refused, a directory before it left out`() throws {
        let name = Array("/var/lib/binlog.000007".utf8)
        #expect(
            try makeEvent(.binlogCheckpoint, little(UInt32(name.count)) + name).withUnsafeBytes { try BinlogCheckpoint(event: $0).file }
                == "binlog.000007")
        for count in [0, UInt32(name.count + 1), .max] {
            let event = makeEvent(.binlogCheckpoint, little(count) + name)
            #expect(throws: BinlogError.malformed(.binlogCheckpoint)) { try event.withUnsafeBytes { try BinlogCheckpoint(event: $0) } }
        }
    }

    @Test func `what is no binlog that can be read is refused at its place`() throws {
        let magic: [UInt8] = [0xfe, 0x62, 0x69, 0x6e]
        let head = try Array(Golden.binlog("in-use")[..<256])
        #expect(scan([0, 0, 0, 0]).fault == JournalFault(error: .badMagic, offset: 0))
        #expect(scan(magic + makeEvent(.xid)).fault == JournalFault(error: .noFormatDescription, offset: 4))
        #expect(scan(head + makeEvent(.startEncryption)).fault == JournalFault(error: .encrypted, offset: 256))
        #expect(scan(head + makeEvent(.xid)).fault == JournalFault(error: .outsideGroup(.xid), offset: 256))
        var huge = makeEvent(.query)
        huge.replaceSubrange(9..<13, with: little(UInt32(1 << 30) + 1))
        #expect(scan(head + huge).fault == JournalFault(error: .tooLarge(bytes: 1 << 30 + 1), offset: 256))
        #expect(scan(head + [UInt8](repeating: 0, count: 4096)).fault == JournalFault(error: .malformed(EventType(rawValue: 0)), offset: 256))
        #expect("\(JournalFault(error: .badChecksum, offset: 7))".hasPrefix("at byte 7: "))
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `random damage never extends what is valid`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let file = try Golden.binlog("compressed")
        var damaged = file
        var first = file.count
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let offset = Int.random(in: 4 + 252..<file.count, using: &random)
            let value = UInt8.random(in: 0...255, using: &random)
            if value != damaged[offset] { first = min(first, offset) }
            damaged[offset] = value
        }
        let (summary, _) = scan(damaged, chunks: { _ in Int.random(in: 1...500, using: &random) })
        #expect(summary.validBytes <= UInt64(first) || damaged == file)
    }
}

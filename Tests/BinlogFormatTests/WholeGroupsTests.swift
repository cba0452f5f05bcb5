import BinlogFormat
import Testing

@Suite struct WholeGroupsTests {
    private func whole(_ bytes: ArraySlice<UInt8>) throws -> WholeGroups {
        try bytes.withUnsafeBytes { piece in Result { () throws(BinlogError) in try WholeGroups(piece, crc32) } }.get()
    }

    @Test(arguments: Golden.binlogs)
    func `the transactions of a real binlog are found as mariadb-binlog tells them`(name: String) throws {
        let bytes = try Golden.binlog(name).dropFirst(4)
        let found = try whole(bytes).groups
        #expect(found.map { Golden.Group(gtid: $0.gtid, end: $0.range.upperBound + 4) } == (try Golden.groups(name)))
    }

    @Test func `of a piece that ends anywhere only what is whole is taken, and what follows goes on from there`() throws {
        let bytes = try Golden.binlog("rows").dropFirst(4)
        let all = try whole(bytes).groups.map(\.gtid)
        for cut in stride(from: 0, to: bytes.count, by: 7) {
            let first = try whole(bytes.prefix(cut))
            #expect(first.end <= cut && first.groups.allSatisfy { $0.range.upperBound <= first.end })
            let second = try whole(bytes.dropFirst(first.end))
            #expect(first.groups.map(\.gtid) + second.groups.map(\.gtid) == all, "cut at \(cut)")
        }
    }

    @Test func `what is no transaction is no part of one`() throws {
        let bytes = try Golden.binlog("rows").dropFirst(4)
        for group in try whole(bytes).groups {
            let alone = try whole(bytes.dropFirst(group.range.lowerBound).prefix(group.range.count))
            #expect(alone.groups.map(\.gtid) == [group.gtid])
            #expect(alone.end == group.range.count)
        }
    }

    @Test func `damaged bytes are refused`() throws {
        var bytes = try Golden.binlog("rows").dropFirst(4)
        let group = try #require(try whole(bytes).groups.first)
        bytes[bytes.startIndex + group.range.lowerBound + 30] ^= 1
        #expect(throws: BinlogError.badChecksum) { try whole(bytes) }
        #expect(throws: BinlogError.self) { try whole([UInt8](repeating: 0, count: 100)[...]) }
    }
}

import Testing

@testable import LoadGeneratorCore

/// The ends found when the bytes come in pieces of so many.
private func ends(_ wire: Wire, _ bytes: [UInt8], pieces: Int) -> (ends: [ReplyEnd], lastValue: String) {
    var finder = ReplyFinder(wire)
    var found: [ReplyEnd] = []
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { piece in
            var offset = 0
            while let end = finder.next(in: piece, from: &offset) { found.append(end) }
            #expect(offset == piece.count)
        }
    }
    return (found, finder.lastValue)
}

/// A packet with its header.
private func packet(_ payload: [UInt8], sequence: UInt8 = 1) -> [UInt8] {
    [UInt8(payload.count & 0xFF), UInt8(payload.count >> 8 & 0xFF), UInt8(payload.count >> 16), sequence] + payload
}

@Suite struct ReplyTests {
    private static let pieces = [1, 2, 3, 7, 64, 1 << 20]

    @Test(arguments: pieces) func `text replies end where the protocol says`(pieces: Int) {
        let text = """
            OK affected=1 insert_id=7 warnings=0 gtid=0-1-42
            ROWS id\tname
            1\tOK
            ERR\t\\N
            \\. rows=2 warnings=0 gtid=0-1-42
            ERR 1146 42S02 Table 'shop.users' doesn't exist
            ROWS MAX(seq)
            4711
            \\. ERR 1317 70100 Query execution was interrupted

            """
        let (found, last) = ends(.text, Array(text.utf8), pieces: pieces)
        #expect(
            found == [
                .ok, .ok, .failed("1146 42S02 Table 'shop.users' doesn't exist"), .failed("1317 70100 Query execution was interrupted"),
            ])
        #expect(last == "4711")
    }

    @Test(arguments: pieces) func `packets end where the protocol says`(pieces: Int) {
        let end = packet([0xFE, 0, 0, 2, 0])
        let column = packet(Array("\u{3}def and so on".utf8))
        let rows = packet([1]) + column + end + packet([4] + Array("4711".utf8)) + packet([3] + Array("end".utf8)) + end
        let failure = packet([0xFF, 0x7A, 0x04] + Array("#42S02no table".utf8))
        let (found, last) = ends(.mariadb, packet([0, 1, 7, 2, 0, 0, 0]) + rows + failure + rows, pieces: pieces)
        #expect(found == [.ok, .ok, .failed("1146 42S02no table"), .ok])
        #expect(last == "end")
    }

    @Test(arguments: pieces) func `a long row is read over`(pieces: Int) {
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: 70_000)
        let text = Array("ROWS a\n".utf8) + value + Array("\n\\. rows=1\nOK\n".utf8)
        #expect(ends(.text, text, pieces: pieces).ends == [.ok, .ok])
        let end = packet([0xFE, 0, 0, 2, 0])
        let packets = packet([1]) + packet([3, 100]) + end + packet([0xFD, 0x70, 0x11, 0x01] + value) + end + packet([0, 0, 0])
        #expect(ends(.mariadb, packets, pieces: pieces).ends == [.ok, .ok])
    }

    @Test func `what is no reply is told as such`() {
        #expect(ends(.text, Array("HTTP/1.1 400 Bad Request\n".utf8), pieces: 64).ends == [.unintelligible])
        #expect(ends(.mariadb, packet([0xFB, 0, 0]), pieces: 64).ends == [.unintelligible])
    }

    @Test func `a request is a line, or a packet with its length`() {
        var (line, packet) = ([UInt8](), [UInt8]())
        var workload = Workload(.fixed(sql: "SELECT 1"), table: "", seed: 1)
        Wire.text.append(to: &line) { workload.appendStatement(to: &$0) }
        Wire.mariadb.append(to: &packet) { workload.appendStatement(to: &$0) }
        #expect(line == Array("SELECT 1\n".utf8))
        #expect(packet == [9, 0, 0, 0, 3] + Array("SELECT 1".utf8))
    }

    @Test func `workloads look like sysbench's`() {
        var bytes: [UInt8] = []
        var insert = Workload(.insert(rows: 1000), table: "sbtest.sbtest1", seed: 3)
        insert.appendStatement(to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text.wholeMatch(of: /INSERT INTO sbtest\.sbtest1 \(id, k, c, pad\) VALUES \(0, \d{1,4}, '[\d-]{119}', '[\d-]{59}'\)/) != nil, "\(text)")
        var select = Workload(.pointSelect(rows: 50), table: "t", seed: 3)
        for _ in 0..<1000 {
            bytes = []
            select.appendStatement(to: &bytes)
            let id = UInt64(String(decoding: bytes, as: UTF8.self).replacing("SELECT c FROM t WHERE id=", with: ""))
            #expect(id.map { (1...50).contains($0) } == true)
        }
    }

    @Test(arguments: [(UInt64(0), "0"), (9, "9"), (10, "10"), (100_000, "100000"), (.max, "18446744073709551615")])
    func `numbers are written in decimal`(number: UInt64, text: String) {
        var bytes: [UInt8] = []
        bytes.append(decimal: number)
        #expect(bytes == Array(text.utf8))
    }
}

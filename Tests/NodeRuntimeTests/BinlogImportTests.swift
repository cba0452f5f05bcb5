import BinlogFormat
import ClusterModel
import Digests
import Failover
import Glibc
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

@Suite(.serialized)
struct BinlogImportTests {
    private static let recording = Task { try await Recording.make(2) }

    private let format: FormatDescription
    private let made: [Recording.Transaction]
    private let folder: TestDirectory
    private let database: String
    private let directory: String

    init() async throws {
        format = try await Self.recording.value.format
        made = try Made.history()
        folder = try TestDirectory()
        database = folder.path + "/mariadb"
        directory = folder.path + "/journal"
        mkdir(database, 0o700)
    }

    private func open() throws -> JournalFiles { try JournalFiles.open(directory: directory, segmentBytes: 1 << 20).0 }

    private func run() throws -> (files: JournalFiles, outcome: BinlogImport.Outcome) {
        let files = try open()
        return (files, try BinlogImport.run(from: database, into: files))
    }

    private func imported(_ files: JournalFiles) throws -> [GTID] {
        try Made.gtids(files.index.segments.map { "\(directory)/\($0.fileName)" })
    }

    // MARK: A real database

    /// `mariadb-binlog`'s word for the file that recovery begins at, and for what is in the files from there on.
    private func expected() throws -> (first: Int, gtids: [GTID], paths: [String]) {
        let paths = String(decoding: File.read(database + "/binlog.index"), as: UTF8.self).split(separator: "\n").map {
            database + "/" + $0.dropFirst(2)
        }
        let newest = ProcessFacts.shell("mariadb-binlog --no-defaults '\(paths[paths.count - 1])'").output
        let checkpoint = newest.split(separator: "\n").last { $0.contains("Binlog checkpoint ") }
        let name = try #require(checkpoint?.split(separator: " ").last)
        let first = try #require(paths.firstIndex { $0.hasSuffix(name) })
        return (first, try Made.gtids(Array(paths[first...])), paths)
    }

    @Test func `a killed master's binlog becomes the journal, from where recovery begins`() async throws {
        try await withServer { server in
            try await server.sql("CREATE TABLE test.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGBLOB)")
            for _ in 1...5 { try await server.sql("INSERT INTO test.t (a) VALUES ('x')") }
            try await server.sql("FLUSH BINARY LOGS")
            for _ in 1...5 { try await server.sql("INSERT INTO test.t (a) VALUES ('y'); DELETE FROM test.t LIMIT 1") }
            try await server.sql("FLUSH BINARY LOGS")
            // More than a chunk, in one event.
            try await server.sql("INSERT INTO test.t (a) VALUES (REPEAT('z', 3000000)); CREATE TABLE test.u (a INT); INSERT INTO test.u VALUES (1)")
            // A kill leaves the files as they are while it stands still; it would begin a new one when it comes back.
            kill(server.pid, SIGSTOP)
            #expect(ProcessFacts.shell("cp '\(server.dataDirectory)'/binlog.* '\(database)/'").code == 0)
            server.killNow()
        }
        let expected = try expected()
        let (files, outcome) = try run()
        #expect(expected.gtids.count >= 3)
        #expect(try imported(files) == expected.gtids)
        #expect(outcome.transactions == expected.gtids.count && outcome.end == Position(expected.gtids.last) && outcome.bytes > 3_000_000)
        let before = try Made.gtids(Array(expected.paths[..<expected.first])).last
        #expect(outcome.start == Position(before) && files.index.first == outcome.start)
        #expect(files.history.state == expected.gtids.suffix(1))
        for segment in files.index.segments {
            let summary = try Made.scan("\(directory)/\(segment.fileName)")
            #expect(summary.openGroup == nil && summary.validBytes == summary.scannedBytes)
        }
        // Again, as after a crash in the midst, and after a reopening.
        #expect(try run().outcome == outcome)
        #expect(try open().state.written == outcome.end)
        // Torn where it ends: the last one is not whole.
        let newest = expected.paths[expected.paths.count - 1]
        File.write(File.read(newest).dropLast(5), to: newest)
        let torn = try run()
        #expect(try imported(torn.files) == expected.gtids.dropLast())
        #expect(torn.outcome.end == Position(expected.gtids.dropLast().last))
    }

    // MARK: Files made by hand

    private func event(_ type: EventType, _ body: [UInt8]) -> [UInt8] {
        func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        let event = [0, 0, 0, 0, type.rawValue] + little(UInt32(1)) + little(UInt32(23 + body.count)) + little(UInt32(0)) + [0, 0] + body
        return event + little(event.withUnsafeBytes { Digests.crc32(0, $0) })
    }

    private func checkpoint(_ number: Int) -> [UInt8] {
        let name = Array("binlog.00000\(number)".utf8)
        return event(.binlogCheckpoint, [UInt8(name.count), 0, 0, 0] + name)
    }

    /// A file of the binlog: what comes before it, then events.
    private func write(_ number: Int, after state: [String], inUse: Bool = false, _ events: [[UInt8]]) {
        var head = format.served
        if inUse { head[17] |= 1 }
        let list = ArtificialEvent.gtidList(state.compactMap { GTID($0) }, serverID: 1, checksum: Digests.crc32)
        File.write([0xfe, 0x62, 0x69, 0x6e] + head + list + events.flatMap { $0 }, to: "\(database)/binlog.00000\(number)")
    }

    private func list(_ lines: String...) { File.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: database + "/binlog.index") }

    private func bytes(_ range: Range<Int>) -> [[UInt8]] { made[range].map(\.bytes) }

    @Test func `the last checkpoint of the newest file that has one says where it begins`() throws {
        write(1, after: [], bytes(0..<3))
        write(2, after: ["0-1-3"], [checkpoint(1)] + bytes(3..<5) + [checkpoint(2)])
        write(3, after: ["0-1-3", "0-258-5"], bytes(5..<8))
        list("./binlog.000001", "./binlog.000002", "\(database)/binlog.000003")
        let (files, outcome) = try run()
        #expect(outcome.start == Position(GTID("0-1-3")) && outcome.end == Position(made[7].gtid) && outcome.transactions == 5)
        #expect(outcome.bytes == bytes(3..<8).joined().count)
        #expect(try imported(files) == made[3...].map(\.gtid))
        #expect(files.history.state == ["0-1-3", "0-258-5", "0-769-6", "0-1027-8"].compactMap { GTID($0) })
        #expect(try open().history == files.history)
    }

    @Test func `without any checkpoint the oldest file is the first`() throws {
        write(1, after: [], bytes(0..<3))
        write(2, after: ["0-1-3"], bytes(3..<8))
        list("./binlog.000001", "./binlog.000002")
        let (files, outcome) = try run()
        #expect(outcome.start == .start && outcome.transactions == 8 && files.history.isComplete)
        #expect(try imported(files) == made.map(\.gtid))
    }

    @Test func `writers that are no masters don't count for what came before`() throws {
        write(1, after: ["0-258-5", "0-\(UInt32(0xffff_ff01))-9", "1-1-50", "0-1-3"], [checkpoint(1)] + bytes(5..<8))
        list("./binlog.000001")
        let (files, outcome) = try run()
        #expect(outcome.start == Position(GTID("0-258-5")))
        #expect(Array(files.history.state.prefix(2)) == ["0-1-3", "0-258-5"].compactMap { GTID($0) })
    }

    @Test func `a transaction that broke off in the middle is dropped`() throws {
        let broken = Array(made[3].bytes[..<42])
        write(1, after: [], inUse: true, bytes(0..<3) + [broken, Array(made[3].bytes[42..<60])])
        write(2, after: ["0-1-3"], [checkpoint(1), broken, event(.stop, [])] + bytes(3..<4) + [Array(made[4].bytes[..<42])])
        write(3, after: ["0-1-3", "0-258-4"], [checkpoint(1)] + bytes(4..<8) + [Array(repeating: 0, count: 50)])
        list("./binlog.000001", "./binlog.000002", "./binlog.000003")
        let (files, outcome) = try run()
        #expect(outcome.transactions == 8 && outcome.bytes == bytes(0..<8).joined().count)
        #expect(try imported(files) == made.map(\.gtid))
        #expect(try open().state == files.state)
    }

    @Test func `a newest file that is torn at any byte gives what is whole in it`() throws {
        write(1, after: [], [checkpoint(1)] + bytes(0..<3))
        write(2, after: ["0-1-3"], [checkpoint(1)] + bytes(3..<5))
        list("./binlog.000001", "./binlog.000002")
        let whole = File.read(database + "/binlog.000002")
        let lengths = bytes(3..<5).map(\.count)
        for count in stride(from: 0, to: whole.count, by: 7) {
            File.write(whole[..<count], to: database + "/binlog.000002")
            let missing = whole.count - count
            #expect(try run().outcome.transactions == 3 + (missing == 0 ? 2 : missing <= lengths[1] ? 1 : 0), "\(count) of \(whole.count)")
        }
    }

    @Test func `damage in a file that was closed is refused`() throws {
        var damaged = made[1].bytes
        damaged[30] ^= 1
        write(1, after: [], [checkpoint(1), made[0].bytes, damaged])
        write(2, after: ["0-1-2"], [checkpoint(1)])
        list("./binlog.000001", "./binlog.000002")
        let problem = #expect(throws: JournalProblem.self) { try run() }
        #expect(problem?.description.hasPrefix("\(database)/binlog.000001 is damaged at byte ") == true)
    }

    @Test func `damage within the newest file is no torn end, but after the machine's end`() throws {
        var damaged = made[1].bytes
        damaged[30] ^= 1
        write(1, after: [], inUse: true, [checkpoint(1), made[0].bytes, damaged, made[2].bytes])
        list("./binlog.000001")
        let problem = #expect(throws: JournalProblem.self) { try run() }
        #expect(problem?.description.hasPrefix("\(database)/binlog.000001 is damaged at byte ") == true)
        let files = try open()
        #expect(try BinlogImport.run(from: database, into: files, mayHaveHoles: true).end == Position(made[0].gtid))
    }

    @Test func `what can't be imported is refused in words`() throws {
        #expect(throws: JournalProblem.self) { try run() }
        list("")
        #expect(#expect(throws: JournalProblem.self) { try run() }?.description.hasPrefix("\(database) holds no binlog") == true)
        list("./binlog.000002")
        write(2, after: ["0-1-3"], [checkpoint(1)])
        let missing = #expect(throws: JournalProblem.self) { try run() }
        #expect(missing?.description.hasSuffix("recovery begins at binlog.000001, which binlog.index does not name") == true)
        write(2, after: ["0-1-3"], [checkpoint(2), made[1].bytes])
        let backwards = #expect(throws: JournalProblem.self) { try run() }
        #expect(backwards?.description.hasSuffix("came after 0-1-3: the binlog goes backwards") == true)
        File.write([0xfe, 0x62, 0x69, 0x6e] + format.served + made[1].bytes, to: database + "/binlog.000002")
        #expect(#expect(throws: JournalProblem.self) { try run() }?.description.contains("does not tell at its head") == true)
    }

    @Test func `a full journal's disk leaves what can be done again`() throws {
        write(1, after: [], [checkpoint(1)] + bytes(0..<8))
        list("./binlog.000001")
        let files = try open()
        #expect(try withFileSizeLimit(400) { #expect(throws: JournalProblem.self) { try BinlogImport.run(from: database, into: files) } } != nil)
        #expect(try BinlogImport.run(from: database, into: files).transactions == 8)
        #expect(try open().state == files.state)
    }

    @Test func `the loop's side tells what it became`() async throws {
        write(1, after: [], [checkpoint(1)] + bytes(0..<8))
        list("./binlog.000001")
        let (directory, database, made) = (directory, database, made)
        let opened: Result<Journal, JournalProblem> = try await answer { loop, done in
            Journal.open(loop, directory: directory, segmentBytes: 320) { done($0) }
        }
        let journal = try opened.get()
        let result: Result<BinlogImport.Outcome, JournalProblem> = try await answer { _, done in
            journal.importBinlog(from: database) { done($0) }
        }
        #expect(try result.get().transactions == 8)
        let state = await journal.state
        #expect(state.durable == Position(made[7].gtid) && state.written == state.durable)
        #expect(state.history.state.count == 4 && state.index.first == .start)
    }
}

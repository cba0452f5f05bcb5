import BinlogFormat
import ClusterModel
import Digests
import Failover
import Glibc
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

/// What a journal knows of who wrote it, and of where it began.
@Suite(.serialized)
struct JournalHistoryTests {
    private static let recording = Task { try await Recording.make(2) }

    private let format: FormatDescription
    private let made: [Recording.Transaction]
    private let folder: TestDirectory
    private let directory: String

    init() async throws {
        format = try await Self.recording.value.format
        made = try Made.history()
        folder = try TestDirectory()
        directory = folder.path + "/journal"
    }

    private func open(segmentBytes: Int = 1 << 20) throws -> JournalFiles {
        try JournalFiles.open(directory: directory, segmentBytes: segmentBytes).0
    }

    private func filled(segmentBytes: Int = 1 << 20) throws -> JournalFiles {
        let files = try open(segmentBytes: segmentBytes)
        for transaction in made { #expect(files.perform([.format(format), transaction.append]) == nil) }
        return files
    }

    private func gtids(_ texts: String...) -> [GTID] { texts.compactMap { GTID($0) } }
    private var all: [GTID] { gtids("0-1-3", "0-258-5", "0-769-6", "0-1027-8") }

    @Test(arguments: [1 << 20, 320, 700])
    func `it grows with what is written, and is the same after a reopening`(_ segmentBytes: Int) throws {
        let files = try filled(segmentBytes: segmentBytes)
        #expect(files.history.state == all && files.history.isComplete)
        #expect(try open(segmentBytes: segmentBytes).history == files.history)
    }

    @Test func `several transactions of one writer may come as one`() throws {
        let files = try open()
        let bytes = made[0].bytes + made[1].bytes
        #expect(files.perform([.format(format), .append(bytes + made[2].bytes[..<30], through: made[1].gtid, wholeBytes: bytes.count)]) == nil)
        #expect(files.history.state == gtids("0-1-2"))
        #expect(try open().history == files.history)
    }

    @Test func `every file tells at its head where each writer ended`() throws {
        let files = try filled(segmentBytes: 320)
        let heads = try files.index.segments.map { try Made.scan(directory + "/" + $0.fileName).stateAtHead }
        #expect(heads.count == 8)
        #expect(heads.first == [] && heads[4] == gtids("0-1-3", "0-258-4") && heads[7] == gtids("0-1-3", "0-258-5", "0-769-6", "0-1027-7"))
    }

    @Test func `a head names the newest writers only, so that it can always be read`() throws {
        let files = try open()
        let epochs = UInt64(JournalFiles.headWritersMax) + 1
        let many = try (1...epochs).map { try Made.transaction($0, 1, $0) }
        #expect(files.perform([.format(format)] + many.map(\.append)) == nil)
        let other = try format.resumed(Digests.crc32).withUnsafeBytes { try FormatDescription(event: $0, checksum: Digests.crc32) }
        #expect(files.perform([.format(other)]) == nil)
        let last = Position(many.last?.gtid)
        files.purge(upTo: last)
        let again = try open()
        #expect(again.state.written == last)
        #expect(again.history.state == many.dropFirst().map(\.gtid))
    }

    @Test func `what was purged is remembered, but no longer that it was all`() throws {
        let files = try filled(segmentBytes: 320)
        files.purge(upTo: Position(made[7].gtid))
        let again = try open()
        #expect(again.index.segments.count == 1)
        #expect(again.history.state == all && !again.history.isComplete)
    }

    @Test func `a failed write takes it back`() throws {
        let files = try open()
        #expect(files.perform([.format(format)] + made[..<3].map(\.append)) == nil)
        let size = files.index.totalBytes
        let problem = try withFileSizeLimit(size + made[3].bytes.count + 30) { files.perform(made[3...].map(\.append)) }
        #expect(problem != nil && files.history.state == gtids("0-1-3"))
        #expect(files.perform(made[3...].map(\.append)) == nil)
        #expect(files.history.state == all)
    }

    @Test func `a head with the last transaction alone gives a shorter one`() throws {
        mkdir(directory, 0o700)
        let head = ArtificialEvent.gtidList(gtids("0-258-4"), serverID: 1, checksum: Digests.crc32)
        File.write([0xfe, 0x62, 0x69, 0x6e] + format.served + head + made[4].bytes + made[5].bytes, to: directory + "/journal.000003")
        let files = try open()
        #expect(files.history == LogHistory([.init(server: 258, last: 5), .init(server: 769, last: 6)], isComplete: false))
        #expect(files.index.first == Position(made[3].gtid))
    }

    @Test func `of a head's list the highest is where the file begins, wherever it stands`() throws {
        mkdir(directory, 0o700)
        let head = ArtificialEvent.gtidList(gtids("0-258-5", "3-9-77", "0-1-3"), serverID: 1, checksum: Digests.crc32)
        File.write([0xfe, 0x62, 0x69, 0x6e] + format.served + head, to: directory + "/journal.000001")
        let files = try open()
        #expect(files.index.first == Position(GTID("0-258-5")) && files.state.written == Position(GTID("0-258-5")))
        #expect(files.history.state == gtids("0-1-3", "0-258-5"))
    }

    // MARK: The start of an empty journal

    @Test func `a journal that never had anything is new, and one that has is not`() throws {
        #expect(try open().state.isNew)
        #expect(try open().history == LogHistory(isComplete: true))
        let files = try filled()
        #expect(!files.state.isNew)
        #expect(try !open().state.isNew)
    }

    @Test(arguments: [nil, [], ["0-1-3", "0-258-5"]] as [[String]?])
    func `an empty journal keeps over a reopening where it begins, and what comes before`(_ before: [String]?) throws {
        let history = before.map { LogHistory(state: $0.compactMap { GTID($0) }) }
        let start = history?.end ?? Position(GTID("0-258-5"))
        try filled(segmentBytes: 320).startOver(after: start, history: history)
        let files = try open()
        #expect(files.state.written == start && files.state.durable == start && !files.state.isNew)
        #expect(files.history == history ?? LogHistory(state: gtids("0-258-5")))
        #expect(files.index == .empty)
        let next = before == [] ? made[0] : made[5]
        #expect(files.perform([.format(format), next.append]) == nil)
        #expect(access(directory + "/start", F_OK) != 0)
        let again = try open()
        #expect(again.history == files.history && again.index.first == start)
    }

    @Test func `a history of another place is not used`() throws {
        let files = try open()
        try files.startOver(after: Position(GTID("0-258-5")), history: LogHistory(state: gtids("0-1-3", "0-258-4")))
        #expect(files.history == LogHistory(state: gtids("0-258-5")))
    }

    @Test func `where it begins is forgotten only when the first file's head is on disk`() throws {
        let files = try open()
        try files.startOver(after: Position(made[4].gtid))
        #expect(files.perform([.format(format)]) == nil)
        // A crash while the head was written, before the note was removed.
        File.write(File.read(directory + "/journal.000001").dropLast(9), to: directory + "/journal.000001")
        File.write(Array("0-258-5\n".utf8), to: directory + "/start")
        let reopened = try open()
        #expect(reopened.state.written == Position(made[4].gtid))
        // The note counts for nothing beside a file.
        #expect(reopened.perform([.format(format)] + made[5...].map(\.append)) == nil)
        File.write(Array("0-258-5\n".utf8), to: directory + "/start")
        #expect(try open().state.written == Position(made[7].gtid))
        #expect(access(directory + "/start", F_OK) != 0)
    }

    @Test func `a note that is no list of GTIDs is told of, and the database is asked instead`() throws {
        mkdir(directory, 0o700)
        File.write(Array("0-258\n".utf8), to: directory + "/start")
        let files = try open()
        #expect(files.findings.map(\.description) == ["\(directory)/start at byte 0: it is no list of GTIDs"])
        #expect(files.state.isNew && files.state.promise == .unknown)
    }
}

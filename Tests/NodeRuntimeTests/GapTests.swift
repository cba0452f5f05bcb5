import BinlogFormat
import ClusterModel
import Digests
import Glibc
import Replication
import TestSupport
import Testing

@testable import NodeRuntime

/// A transaction that is missing in the midst of a log is noticed wherever the log is read.
@Suite struct GapTests {
    private static let recording = Task { try await Recording.make(2) }
    private static let words = "transaction 0-258-5 comes after 0-1-3: what is between them is missing"

    private let format: FormatDescription
    private let folder: TestDirectory
    private let made: [Recording.Transaction]

    init() async throws {
        format = try await Self.recording.value.format
        folder = try TestDirectory()
        made = try Made.history()
        mkdir(folder.path + "/mariadb", 0o700)
    }

    /// 1 to 3, then 5 to 8.
    private var holed: [Recording.Transaction] { made.filter { $0.gtid.sequence != 4 } }

    private func requireGap(_ body: () throws -> Void) {
        do {
            try body()
            Issue.record("not noticed")
        } catch {
            #expect("\(error)".contains(Self.words), "\(error)")
        }
    }

    private func journal() throws -> JournalFiles {
        let files = try JournalFiles.open(directory: folder.path + "/journal", segmentBytes: 1 << 20).0
        let commands = [.format(format)] + holed.map(\.append)
        #expect(files.perform(commands) == nil)
        return files
    }

    @Test func `a reader of the journal gives what is before the gap, and says what is missing`() throws {
        let files = try journal()
        for position in [Position.start, Position(made[1].gtid)] {
            let reader = JournalReader(directory: folder.path + "/journal", after: position, serverID: 9, sequence: 0)
            requireGap { while try !reader.read(files.index).isEmpty {} }
        }
        let reader = JournalReader(directory: folder.path + "/journal", after: Position(holed[3].gtid), serverID: 9, sequence: 0)
        #expect(try !reader.read(files.index).isEmpty, "who has what is behind the gap misses nothing")
    }

    /// The binlog of a database that is down.
    private func binlog() {
        let list = ArtificialEvent.gtidList([], serverID: 1, checksum: Digests.crc32)
        let bytes = [0xfe, 0x62, 0x69, 0x6e] + format.served + list + holed.flatMap(\.bytes)
        File.write(bytes, to: folder.path + "/mariadb/binlog.000001")
        File.write(Array("./binlog.000001\n".utf8), to: folder.path + "/mariadb/binlog.index")
    }

    @Test func `a former master's binlog with a gap does not become a journal`() throws {
        binlog()
        let files = try JournalFiles.open(directory: folder.path + "/journal", segmentBytes: 1 << 20).0
        requireGap { _ = try BinlogImport.run(from: folder.path + "/mariadb", into: files) }
    }

    @Test func `nor is it sent to slaves`() throws {
        binlog()
        let cursor = BinlogFileCursor(folder.path + "/mariadb", after: Position(made[0].gtid), upTo: Position(made[7].gtid))
        requireGap { _ = try cursor.read() }
    }
}

import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Glibc
import TestSupport
import Testing

@testable import NodeRuntime

/// Transactions are read from the file while nobody has synced it.
@Suite(.serialized)
struct BinlogTailTests {
    @LoopActor private final class Reader {
        private var tail: BinlogTail?
        private(set) var taken: [UInt64] = []
        private(set) var bytes: [UInt8] = []
        private(set) var wakes = 0

        nonisolated init() {}

        func begin(_ loop: EventLoop, _ directory: String) throws {
            tail = try BinlogTail(loop, directory: directory) {
                self.wakes += 1
                self.read()
            }
        }

        func sent(_ file: String, _ offset: Int, isAll: Bool) {
            tail?.sent(upTo: BinlogPlace(file: Array(file.utf8), offset: UInt64(offset)), isAll: isAll)
        }

        func read() {
            tail?.read { gtid, events in
                self.taken.append(gtid.sequence)
                self.bytes += events
            }
        }

        func close() { tail?.close() }
    }

    /// A file that grows as the database's does.
    private final class File: Sendable {
        private let descriptor: Int32

        init(_ path: String) { descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600) }
        deinit { Glibc.close(descriptor) }
        func append(_ bytes: some Collection<UInt8>) { #expect(write(descriptor, Array(bytes), bytes.count) == bytes.count) }
    }

    private static let head = 256

    private func group(_ sequence: UInt64) throws -> [UInt8] {
        try #require(EpochMarker.group(GTID(domain: 0, server: 257, sequence: sequence), timestamp: 1, checksum: Digests.crc32))
    }

    private func withTail(_ body: (Reader, TestDirectory, File) async throws -> Void) async throws {
        let directory = try TestDirectory()
        let reader = Reader()
        let file = File(directory.path + "/binlog.000001")
        file.append([UInt8](repeating: 0, count: Self.head))
        try await onLoop { try reader.begin($0, directory.path) }
        do { try await body(reader, directory, file) } catch {
            try await onLoop { _ in reader.close() }
            throw error
        }
        try await onLoop { _ in reader.close() }
    }

    @Test func `a transaction is there once it is written to its end, and the file's growing says so`() async throws {
        try await withTail { reader, _, file in
            let (one, two) = (try group(1), try group(2))
            try await onLoop { _ in reader.sent("binlog.000001", Self.head, isAll: true) }
            file.append(one.prefix(one.count / 2))
            try await until("the half was seen") { reader.wakes > 0 }
            #expect(await reader.taken == [])
            file.append(one.dropFirst(one.count / 2) + two)
            try await until("both are there") { reader.taken == [1, 2] }
            #expect(await reader.bytes == one + two)
        }
    }

    @Test func `it goes on where the database is, in the next file too`() async throws {
        try await withTail { reader, directory, file in
            let (one, two, three) = (try group(1), try group(2), try group(3))
            file.append(one + two)
            // Behind the first, which came from the database.
            try await onLoop { _ in
                reader.sent("binlog.000001", Self.head + one.count, isAll: true)
                reader.read()
            }
            #expect(await reader.taken == [2])
            let next = File(directory.path + "/binlog.000002")
            next.append([UInt8](repeating: 0, count: Self.head) + three)
            // Something is ahead of the database still: the file stays.
            try await onLoop { _ in
                reader.sent("binlog.000002", Self.head, isAll: false)
                reader.read()
            }
            #expect(await reader.taken == [2])
            try await onLoop { _ in
                reader.sent("binlog.000002", Self.head, isAll: true)
                reader.read()
            }
            #expect(await reader.taken == [2, 3])
        }
    }

    @Test func `it reads only so far ahead of the database`() async throws {
        try await withTail { reader, _, file in
            let one = try group(1)
            try await onLoop { _ in reader.sent("binlog.000001", Self.head, isAll: true) }
            let count = (256 << 10) / one.count + 10
            for sequence in 1...count { file.append(try group(UInt64(sequence))) }
            try await until("it stops") { reader.taken.count >= (256 << 10) / one.count }
            try await onLoop { _ in reader.read() }
            let first = await reader.taken.count
            #expect(first < count)
            try await onLoop { _ in
                reader.sent("binlog.000001", Self.head + one.count * 20, isAll: false)
                reader.read()
            }
            #expect(await reader.taken.count > first)
            #expect(await reader.taken == (1...(await reader.taken.count)).map { UInt64($0) })
        }
    }

    @Test func `of what it can't read nothing is taken, until the next file`() async throws {
        try await withTail { reader, directory, file in
            var damaged = try group(1)
            damaged[25] ^= 1
            try await onLoop { _ in reader.sent("binlog.000001", Self.head, isAll: true) }
            file.append(damaged + (try group(2)))
            try await until("it was seen") { reader.wakes > 0 }
            #expect(await reader.taken == [])
            File(directory.path + "/binlog.000002").append([UInt8](repeating: 0, count: Self.head) + (try group(3)))
            try await onLoop { _ in
                reader.sent("binlog.000002", Self.head, isAll: true)
                reader.read()
            }
            #expect(await reader.taken == [3])
        }
    }
}

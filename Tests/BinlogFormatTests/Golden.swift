import BinlogFormat
import ClusterModel
import Foundation
import Testing

/// The files in `Golden`; its README says what they are.
enum Golden {
    static let binlogs = ["rows", "statements", "compressed", "in-use"]

    static func binlog(_ name: String) throws -> [UInt8] { try bytes("\(name).binlog") }

    /// The transactions of a binlog and the offsets of their ends, as `mariadb-binlog` tells them.
    static func groups(_ name: String) throws -> [Group] {
        try lines("\(name).groups").map { line in
            let parts = line.split(separator: " ")
            return Group(gtid: try #require(GTID(parts[0])), end: try #require(Int(parts[1])))
        }
    }

    /// The events of a captured stream, in order.
    static func stream(_ name: String) throws -> [[UInt8]] {
        let lines = try lines("\(name).capture").map { $0.split(separator: " ") }
        let dump = try #require(lines.lastIndex { $0[0] == "C" })
        return try lines[(dump + 1)...].map { try hex($0[2]) }.filter { $0.first == 0 }.map { Array($0[1...]) }
    }

    struct Group: Equatable {
        let gtid: GTID
        let end: Int
    }

    private static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
        return [UInt8](try Data(contentsOf: url.appendingPathComponent(name)))
    }

    private static func lines(_ name: String) throws -> [Substring] {
        String(decoding: try bytes(name), as: UTF8.self).split(separator: "\n")
    }

    private static func hex(_ text: Substring) throws -> [UInt8] {
        try stride(from: 0, to: text.utf8.count, by: 2).map { offset in
            let start = text.index(text.startIndex, offsetBy: offset)
            return try #require(UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16))
        }
    }
}

/// CRC32 as zlib computes it, from a table.
let crc32: Checksum = { crc, bytes in
    ~bytes.reduce(~crc) { crc32Table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
}

private let crc32Table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0xedb8_8320 ^ crc >> 1 : crc >> 1 }
}

/// Cuts a binlog's bytes into events, with the offset past each.
func events(of binlog: [UInt8]) -> [(event: ArraySlice<UInt8>, end: Int)] {
    var found: [(event: ArraySlice<UInt8>, end: Int)] = []
    var offset = 4
    while let header = binlog[offset...].withUnsafeBytes({ EventHeader($0) }) {
        let end = offset + header.eventBytes
        found.append((binlog[offset..<end], end))
        offset = end
    }
    return found
}

/// An event made by hand, with its checksum.
func makeEvent(_ type: EventType, server: UInt32 = 1, flags: UInt16 = 0, _ body: [UInt8] = []) -> [UInt8] {
    var event: [UInt8] = [0, 0, 0, 0, type.rawValue]
    event += little(server) + little(UInt32(23 + body.count)) + little(UInt32(0)) + little(flags) + body
    return event + little(event.withUnsafeBytes { crc32(0, $0) })
}

func makeGTIDEvent(_ sequence: UInt64, flags: UInt8) -> [UInt8] {
    makeEvent(.gtid, little(sequence) + little(UInt32(0)) + [flags] + [UInt8](repeating: 0, count: 6))
}

func makeQuery(_ text: String, database: String = "shop", type: EventType = .query) -> [UInt8] {
    let lengths = little(UInt64(0)) + [UInt8(database.utf8.count)] + little(UInt16(0)) + little(UInt16(3))
    return makeEvent(type, lengths + [0x06, 0x03, 0x73] + Array(database.utf8) + [0] + Array(text.utf8))
}

func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

import Foundation
import MySQLProtocol
import Testing

/// A captured conversation; the README in `Golden` says which there are.
struct Capture {
    struct Line: Equatable {
        let fromClient: Bool
        let sequence: UInt8
        let payload: [UInt8]
    }

    /// What the client said, with all that the server said next; before the first word of the client's, with nil.
    struct Exchange {
        let client: Line?
        let server: [Line]
    }

    let lines: [Line]

    init(_ name: String) throws {
        let url = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil)).appendingPathComponent("\(name).capture")
        lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            let parts = line.split(separator: " ")
            return Line(fromClient: parts[0] == "C", sequence: try #require(UInt8(parts[1])), payload: try hex(parts[2]))
        }
    }

    var exchanges: [Exchange] {
        var found: [Exchange] = []
        var rest = lines[...]
        while !rest.isEmpty {
            let client = rest.first.flatMap { $0.fromClient ? $0 : nil }
            if client != nil { rest.removeFirst() }
            let server = rest.prefix { !$0.fromClient }
            rest = rest[server.endIndex...]
            found.append(Exchange(client: client, server: Array(server)))
        }
        return found
    }
}

private func hex(_ text: Substring) throws -> [UInt8] {
    let digits = Array(text.utf8)
    return try stride(from: 0, to: digits.count, by: 2).map { offset in
        try #require(UInt8(String(decoding: digits[offset..<offset + 2], as: UTF8.self), radix: 16))
    }
}

/// Cuts whole packets into payloads, with their sequence numbers.
func packets(_ bytes: [UInt8]) throws -> [Capture.Line] {
    var reader = PacketReader(payloadBytesMax: 1 << 26)
    bytes.withUnsafeBytes { reader.append($0) }
    var found: [Capture.Line] = []
    while let line = try reader.next({ Capture.Line(fromClient: false, sequence: $1, payload: [UInt8]($0)) }) { found.append(line) }
    return found
}

func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

/// A generator whose seed reproduces a failure.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

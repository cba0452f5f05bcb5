import ClusterModel
import Testing

@testable import MariaDBServer

/// Bits flipped and tails cut in the marks of snapshots: an error, never another position.
@Suite struct MarkDamageTests {
    private func damaged(_ text: String) -> [[UInt8]] {
        let whole = Array(text.utf8)
        return whole.indices.flatMap { at in
            [Array(whole[..<at])] + (0..<8).map { bit in whole.enumerated().map { $0 == at ? $1 ^ 1 << bit : $1 } }
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try System.writePrivate(path, text)
    }

    @Test func `a damaged position is an error, or the right one still`() throws {
        let lab = try Lab()
        _ = Lab.shell("mkdir -p '\(lab.directory)'")
        let path = lab.directory + "/mark"
        let position = Position(GTID(domain: 0, server: 257, sequence: 9))
        try PositionFile.write(path, position)
        #expect(try PositionFile.read(path) == position)
        for bytes in damaged("0-257-9\n0-257-9\n") {
            try write(bytes, to: path)
            // Cut behind its first line it is what an earlier version wrote.
            if let found = try? PositionFile.read(path) { #expect(found == position, "\(bytes)") }
        }
        try write(Array("0-257-9\n".utf8), to: path)
        #expect(try PositionFile.read(path) == position)
    }

    @Test func `damage of external.origin is an error, never the other word or none`() throws {
        let lab = try Lab()
        _ = Lab.shell("mkdir -p '\(lab.directory)'")
        let files = try ExternalFiles(directory: lab.directory)
        #expect(try files.origin() == nil)
        try files.keep(.own)
        #expect(try files.origin() == .own)
        for bytes in damaged("own\n") + damaged("cluster\n") {
            try write(bytes, to: files.paths.origin)
            #expect(throws: ServerProblem.self, "\(bytes)") { try files.origin() }
        }
    }
}

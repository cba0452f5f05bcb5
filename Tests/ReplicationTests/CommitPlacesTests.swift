import ClusterModel
import Testing

@testable import Replication

@Suite struct CommitPlacesTests {
    private func event(_ type: UInt8, end: UInt32, _ body: [UInt8] = [], artificial: Bool = false) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 19) + body
        bytes[4] = type
        withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { for (index, byte) in $0.enumerated() { bytes[9 + index] = byte } }
        withUnsafeBytes(of: end.littleEndian) { for (index, byte) in $0.enumerated() { bytes[13 + index] = byte } }
        if artificial { bytes[17] = 0x20 }
        return bytes
    }

    private func rotate(_ name: String) -> [UInt8] {
        event(4, end: 0, [4, 0, 0, 0, 0, 0, 0, 0] + Array(name.utf8) + [1, 2, 3, 4], artificial: true)
    }
    private func position(_ sequence: Int) -> Position { Position(GTID("0-1-\(sequence)")) }

    private func places(_ name: String = "binlog.000001") -> CommitPlaces {
        var places = CommitPlaces()
        rotate(name).withUnsafeBytes { places.passed($0) }
        return places
    }

    private func end(_ sequence: Int, at offset: UInt32, _ places: inout CommitPlaces) {
        event(16, end: offset).withUnsafeBytes { places.passed($0) }
        places.waits(position(sequence))
    }

    @Test func `the last place that is covered is released, once`() {
        var places = places()
        end(1, at: 400, &places)
        end(2, at: 500, &places)
        end(3, at: 600, &places)
        #expect(places.release(upTo: .start) == nil)
        #expect(places.release(upTo: position(2)) == BinlogPlace(file: Array("binlog.000001".utf8), offset: 500))
        #expect(places.release(upTo: position(2)) == nil)
        rotate("binlog.000002").withUnsafeBytes { places.passed($0) }
        end(4, at: 300, &places)
        #expect(places.release(upTo: position(9)) == BinlogPlace(file: Array("binlog.000002".utf8), offset: 300))
    }

    @Test func `a file of more than four gigabytes`() {
        var places = places()
        end(1, at: 0xffff_ff00, &places)
        end(2, at: 0x80, &places)
        end(3, at: 0x90, &places)
        #expect(places.release(upTo: position(2))?.offset == 0x1_0000_0080)
        #expect(places.release(upTo: position(3))?.offset == 0x1_0000_0090)
    }

    @Test func `many that wait are not kept once released`() {
        var places = places()
        for sequence in 1...5000 { end(sequence, at: UInt32(sequence), &places) }
        for sequence in 1...5000 { #expect(places.release(upTo: position(sequence))?.offset == UInt64(sequence)) }
        #expect(places.release(upTo: position(6000)) == nil)
    }
}

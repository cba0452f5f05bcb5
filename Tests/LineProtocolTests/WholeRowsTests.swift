import Foundation
import LineProtocol
import Testing

@Suite struct WholeRowsTests {
    private static let error = ReplyError(.connectionLost, "gone")

    private static func reply(_ format: ReplyFormat, _ values: [String]) -> [UInt8] {
        var out: [UInt8] = []
        var rows = ReplyWriter(format: format).rows([Column("[a{\""), Column("b")], into: &out)
        for value in values { rows.write([bytes(value), nil], into: &out) }
        rows.end(warnings: 0, gtid: nil, into: &out)
        return out
    }

    private static let values = ["1", "]]}", "\\", "a\"],[\"b", "two\nlines", "\\\"", ""]

    @Test(arguments: ReplyFormat.allCases)
    func `wherever a result set breaks off, it can be ended by an error`(format: ReplyFormat) throws {
        let whole = Self.reply(format, Self.values)
        for count in 0...whole.count {
            for step in [1, 7, whole.count] {
                var (rows, framer) = (WholeRows(format: format, heldBytesMax: 1000), ReplyFramer(format: format))
                var out: [UInt8] = []
                for start in stride(from: 0, to: count, by: step) {
                    whole[start..<min(count, start + step)].withUnsafeBytes {
                        _ = framer.take($0)
                        let passed = rows.take($0)
                        out += passed.held
                        out += passed.bytes
                    }
                }
                #expect(rows.cut != .withinRow && whole.starts(with: out))
                guard count < whole.count else { continue }
                let isInRows = rows.cut == .betweenRows || framer.isInRows
                let writer = ReplyWriter(format: format)
                if isInRows { writer.rowsFailed(Self.error, into: &out) } else { writer.error(Self.error, into: &out) }
                try Self.expectSound(out, format, isInRows: isInRows)
            }
        }
    }

    private static func expectSound(_ out: [UInt8], _ format: ReplyFormat, isInRows: Bool) throws {
        switch format {
        case .tsv:
            var reader = ReplyReader(lineBytesMax: 1000)
            out.withUnsafeBytes { reader.append($0) }
            var seen: [String] = []
            var last: ReplyEvent?
            while let event = try reader.next() {
                if case .row(let values) = event { seen.append(text(try #require(values[0]))) }
                last = event
            }
            #expect(values.starts(with: seen) && reader.isAtBoundary)
            if isInRows { guard case .endError? = last else { throw Unsound(out: text(out)) } }
        case .json:
            let object = try #require(JSONSerialization.jsonObject(with: Data(out)) as? [String: Any], "\(text(out))")
            #expect(object["error"] != nil)
            #expect(values.starts(with: ((object["rows"] as? [[Any]]) ?? []).compactMap { $0[0] as? String }))
        }
    }

    private struct Unsound: Error { let out: String }

    @Test(arguments: ReplyFormat.allCases)
    func `a row that is too long goes as it comes, and the next one is held again`(format: ReplyFormat) {
        let long = String(repeating: "x", count: 200)
        let whole = Self.reply(format, ["a", long, "b", "c"])
        var rows = WholeRows(format: format, heldBytesMax: 50)
        var (taken, passed) = (0, 0)
        var cuts: Set<WholeRows.Cut> = []
        for byte in whole {
            [byte].withUnsafeBytes {
                let now = rows.take($0)
                passed += now.held.count + now.bytes.count
            }
            taken += 1
            #expect(taken - passed <= 50)
            if taken > whole.count - 20 { #expect(rows.cut != .withinRow) }
            cuts.insert(rows.cut)
        }
        #expect(cuts.contains(.withinRow) && rows.cut == .betweenLines && passed == whole.count)
    }
}

import ClusterModel
import StatementGate
import Testing

/// SplitMix64: a seed reproduces a failure.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

struct FuzzTests {
    private static let blanks = [" ", "\t", "\n", "\r\n", "\u{0B}", "\u{0C}", "/**/", "/* x */", "-- x\n", "--\t\n", "# x\n", "/*x;'\"*/"]

    /// The blanks outside quotes and comments.
    private func openBlanks(_ text: [UInt8]) -> [Int] {
        var closing: [UInt8] = []
        var places: [Int] = []
        for index in text.indices {
            let rest = text[index...]
            if !closing.isEmpty {
                if rest.starts(with: closing) { closing = [] }
            } else if [0x27, 0x22, 0x60].contains(text[index]) {
                closing = [text[index]]
            } else if rest.starts(with: "/*".utf8) {
                closing = Array("*/".utf8)
            } else if rest.starts(with: "#".utf8) || rest.starts(with: "--".utf8) {
                closing = [0x0A]
            } else if text[index] == 0x20 {
                places.append(index)
            }
        }
        return places
    }

    private func mutated(_ statement: String, with random: inout Seeded) -> [UInt8] {
        var text = Array(statement.utf8)
        let places = openBlanks(text)
        let place = places.randomElement(using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            if let place { text.replaceSubrange(place...place, with: Array((Self.blanks.randomElement(using: &random) ?? " ").utf8)) }
        case 1:
            text = Array((Self.blanks.randomElement(using: &random) ?? " ").utf8) + text
        case 2 where !statement.contains("/*M"):
            text = text.map { ((0x41...0x5A).contains($0 & 0xDF)) && Bool.random(using: &random) ? $0 ^ 0x20 : $0 }
        case 3:
            let head = ["/*!", "/*!40101 ", "/*M!", "/*M!100100 ", "/*!99999 ", "/*!101100 "].randomElement(using: &random) ?? "/*!"
            guard let place, let end = text[(place + 1)...].firstIndex(where: { !(0x30...0x7A).contains($0) }), text[end] != 0x2E
            else { break }
            text.insert(contentsOf: Array("*/".utf8), at: end)
            text.insert(contentsOf: Array(head.utf8), at: place + 1)
        case 4:
            text += Array([";", " ;", ";;\n", " -- x", " # x", " /* x */"].randomElement(using: &random)?.utf8 ?? "".utf8)
        default:
            let strays: [UInt8] = [0x27, 0x22, 0x60, 0x5C, 0x00, 0xFF, 0x28, 0x29, 0x3B]
            if let place { text.insert(strays.randomElement(using: &random) ?? 0, at: place) }
        }
        return text
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `no blank, comment, case or quote makes a verdict weaker`(seed: UInt64) {
        var random = Seeded(state: seed)
        for group in Corpus.groups {
            for statement in group.statements {
                let before = sorted(statement)
                for _ in 0..<12 {
                    let text = mutated(statement, with: &random)
                    let after = sorted(text)
                    guard after.reason == nil else { continue }
                    for role in Role.allCases {
                        let kept = verdict(after, role).strictness >= verdict(before, role).strictness
                        #expect(kept, "seed \(seed): \(statement) → \(String(decoding: text, as: UTF8.self))")
                    }
                }
            }
        }
    }

    @Test func `any bytes are sorted or refused, without a trap and to the end`() {
        var random = Seeded(state: 7)
        let pieces = Corpus.groups.flatMap(\.statements).map { Array($0.utf8) }
        for round in 0..<20_000 {
            var text = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            if round % 2 == 0, let piece = pieces.randomElement(using: &random), let other = pieces.randomElement(using: &random) {
                text =
                    piece.prefix(Int.random(in: 0...piece.count, using: &random)) + text.prefix(3)
                    + other.suffix(Int.random(in: 0...other.count, using: &random))
            }
            let mode = LexicalMode(sqlMode: ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ORACLE"].randomElement(using: &random) ?? "")
            let result = sorted(text, mode: mode)
            for role in Role.allCases { _ = verdict(result, role) }
        }
    }

    @Test func `every statement can be cut anywhere`() {
        for statement in Corpus.groups.flatMap(\.statements) {
            let bytes = Array(statement.utf8)
            for length in 0..<bytes.count { _ = sorted(Array(bytes.prefix(length))) }
        }
    }

    @Test func `a long text takes time in line with its length`() {
        let clock = ContinuousClock()
        func seconds(_ text: String) -> Double {
            let bytes = Array(text.utf8)
            let durations = (0..<3).map { _ in clock.measure { _ = sorted(bytes) } }
            return (durations.min() ?? .zero) / .seconds(1)
        }
        for unit in ["(1, 'a'), ", "/* x */ ", "@a, ", "`a`.`b`, ", "((", "-- x\n", "'a' ", "CASE ", "; EXECUTE p", "; SET @x = 1"] {
            let short = seconds("INSERT INTO t VALUES " + String(repeating: unit, count: 5_000))
            let long = seconds("INSERT INTO t VALUES " + String(repeating: unit, count: 50_000))
            #expect(long < short * 60 + 0.05, "\(unit)")
        }
    }
}

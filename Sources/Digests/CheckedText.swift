/// A small text file that tells of itself whether it is whole: before the text stands a line with its length and CRC-32.
///
///     checked 57 1a2b3c4d
///     uuid=…
///
/// A file of an earlier version has no such line. What is left of one whose line was damaged can't pass for that, as long as the file's own form has no
/// line of that look.
package enum CheckedText {
    private static let word = "checked "

    /// Why a text can't be believed.
    package enum Damage: Error, Equatable, CustomStringConvertible {
        case badLine
        case length(Int, expected: Int)
        case checksum

        package var description: String {
            switch self {
            case .badLine: "its first line, which tells length and checksum, is damaged"
            case .length(let bytes, let expected): "it should have \(expected) bytes behind its first line, and has \(bytes)"
            case .checksum: "its bytes don't match its checksum"
            }
        }
    }

    /// The text with its line.
    package static func checked(_ text: String) -> String { "\(word)\(text.utf8.count) \(checksum(text))\n\(text)" }

    /// CRC-32 as eight hexadecimal digits.
    package static func checksum(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let sum = bytes.withUnsafeBytes { Digests.crc32(0, $0) }
        return Digests.hex((0..<4).reversed().map { UInt8(truncatingIfNeeded: sum >> ($0 * 8)) })
    }

    /// The text without its line; nil: it has none, so it is an earlier version's, or nothing of the kind.
    package static func text(of bytes: [UInt8]) throws(Damage) -> String? {
        guard bytes.starts(with: word.utf8) else { return nil }
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { throw .badLine }
        let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let count = Int(words[1]), "\(count)" == words[1], words[2].utf8.count == 8 else { throw .badLine }
        let rest = bytes[(end + 1)...]
        guard rest.count == count else { throw .length(rest.count, expected: count) }
        let text = String(decoding: rest, as: UTF8.self)
        // As text, for a byte that is no UTF-8 changes it.
        guard checksum(text) == words[2] else { throw .checksum }
        return text
    }
}

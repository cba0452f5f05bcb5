/// Small pieces of SQL of the node's own.
package enum SQLText {
    /// `USE` of a database whose name may hold anything.
    package static func use(_ database: [UInt8]) -> [UInt8] { Array("USE ".utf8) + quoted(name: database) }

    private static func quoted(name: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "`")
        return [quote] + name.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }

    /// A string literal, whatever the sql_mode: hexadecimal.
    package static func literal(_ text: String) -> String {
        text.isEmpty ? "''" : "CONVERT(0x" + text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + " USING utf8mb4)"
    }
}

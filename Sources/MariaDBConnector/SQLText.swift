/// Small pieces of SQL of the node's own.
package enum SQLText {
    /// `USE` of a database whose name may hold anything.
    package static func use(_ database: [UInt8]) -> [UInt8] { Array("USE ".utf8) + quoted(name: database) }

    /// A name that may hold anything, between backquotes.
    package static func quoted(name: String) -> String { "`\(name.replacing("`", with: "``"))`" }

    /// A string that may hold anything, in hexadecimal: it reads the same in every sql_mode.
    package static func literal(_ text: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        var hexadecimal = "_utf8mb4 x'"
        for byte in text {
            hexadecimal.unicodeScalars.append(digits[Int(byte >> 4)])
            hexadecimal.unicodeScalars.append(digits[Int(byte & 15)])
        }
        return hexadecimal + "'"
    }

    package static func quoted(name: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "`")
        return [quote] + name.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
}

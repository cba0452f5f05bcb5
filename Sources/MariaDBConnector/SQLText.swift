/// Small pieces of SQL of the node's own.
package enum SQLText {
    /// `USE` of a database whose name may hold anything.
    package static func use(_ database: [UInt8]) -> [UInt8] { Array("USE ".utf8) + quoted(name: database) }

    /// A name that may hold anything, between backquotes.
    package static func quoted(name: String) -> String { "`\(name.replacing("`", with: "``"))`" }

    private static func quoted(name: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "`")
        return [quote] + name.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
}

import StatementGate

/// Character sets of a client's text, as the gate has to read it.
enum Charsets {
    static func hideQuotes(_ name: String) -> Bool { !SystemVariable.harmlessCharacterSets.contains(name) }

    static func words(_ name: String) -> String {
        "in the character set \(name) the node can't tell where a text ends, so the session was set back to utf8mb4; use utf8mb4"
    }
}

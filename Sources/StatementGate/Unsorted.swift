/// Why the gate can't tell what a text would do. What it can't sort, no role runs.
package struct Unsorted: Error, Equatable, Sendable {
    /// The text's beginning, at most 60 printable ASCII characters; others show as `?`.
    package let firstWords: String
    package let reason: Reason

    package init(firstWords: String, reason: Reason) {
        self.firstWords = firstWords
        self.reason = reason
    }

    package enum Reason: Error, Equatable, Sendable, CaseIterable {
        case empty
        case unknownVerb
        case unexpectedWord
        case unterminatedQuote
        case unterminatedComment
        case unbalancedParentheses
        case strayCharacter
        case nulByte
        case invalidUTF8
        case characterSet
        case sqlModeInSameText
        case delimiter
        case dynamicText
        case versionDependent
        case tooDeep
        case tooManyPreparations

        /// What is wrong and what to do, to follow "the gate can't sort this statement: ".
        package var words: String {
            switch self {
            case .empty: "there is nothing to run; send a statement"
            case .unknownVerb: "it begins with a word that is no statement of MariaDB's; check its spelling"
            case .unexpectedWord: "it goes on in a way MariaDB's grammar doesn't; check its spelling, and quote names that are keywords"
            case .unterminatedQuote: "a quote is not closed; close it"
            case .unterminatedComment: "a comment is not closed; close it with */"
            case .unbalancedParentheses: "its parentheses don't match; close each one"
            case .strayCharacter: "a character has no place outside quotes; use plain ASCII there, or quote the name"
            case .nulByte: "there is a NUL byte outside its strings; remove it"
            case .invalidUTF8: "it is not valid UTF-8 outside its strings and quoted names; send UTF-8"
            case .characterSet: "this character set can hide quotes; use utf8mb4, utf8, utf8mb3, latin1, ascii or binary, spelled out"
            case .sqlModeInSameText: "it changes sql_mode and goes on in the same text; set sql_mode in a request of its own"
            case .delimiter: "DELIMITER is a command of the mariadb client, not of the server; send a whole compound statement as one request"
            case .dynamicText: "the text it prepares must be exactly one statement; send the statements one by one"
            case .versionDependent: "it does different things on different server versions; remove its version comments"
            case .tooDeep: "it is nested too deeply; send simpler statements"
            case .tooManyPreparations: "it prepares and deallocates too often; send at most \(PreparedStatements.countMax) of these in a request"
            }
        }
    }
}

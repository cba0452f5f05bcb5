/// What a session keeps in its database connection, and so must find again there.
package struct SessionHold: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// A transaction is open.
    package static let transaction = SessionHold(rawValue: 1)
    /// autocommit is off: the next statement opens one.
    package static let autocommitOff = SessionHold(rawValue: 2)
    /// Session variables, character set, user variables set by SET: a session that is passed on can set them again.
    package static let variables = SessionHold(rawValue: 4)
    /// User variables that a query assigned.
    package static let assignedVariables = SessionHold(rawValue: 8)
    package static let temporaryTables = SessionHold(rawValue: 16)
    package static let prepared = SessionHold(rawValue: 32)
    package static let tableLocks = SessionHold(rawValue: 64)
    package static let advisoryLocks = SessionHold(rawValue: 128)
    package static let handlers = SessionHold(rawValue: 256)
    /// `LASTVAL()` of the sequences it advanced; `@@last_gtid`, once it has asked for that.
    package static let lastValues = SessionHold(rawValue: 512)
    /// `BACKUP STAGE`, until its END.
    package static let backupStage = SessionHold(rawValue: 1024)
    /// `BACKUP LOCK`
    package static let backupLock = SessionHold(rawValue: 2048)
}

/// The line after each reply to a session that is passed on: `. hold=<bits> lex=<bits>`.
package struct SessionTrailer: Equatable, Sendable {
    package let hold: SessionHold
    /// How the session's sql_mode has texts read: 1 for ANSI_QUOTES, 2 for NO_BACKSLASH_ESCAPES, 4 for ORACLE.
    package let lexicalBits: UInt8

    package init(hold: SessionHold, lexicalBits: UInt8) {
        self.hold = hold
        self.lexicalBits = lexicalBits
    }

    /// With its line end.
    package var line: [UInt8] { Array(". hold=\(hold.rawValue) lex=\(lexicalBits)\n".utf8) }

    /// Reads a trailer, without its line end; nil when it is none.
    package init?(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0] == ".", words[1].hasPrefix("hold="), words[2].hasPrefix("lex="),
            let bits = UInt16(words[1].dropFirst(5)), let lexicalBits = UInt8(words[2].dropFirst(4))
        else { return nil }
        self.init(hold: SessionHold(rawValue: bits), lexicalBits: lexicalBits)
    }
}

/// Sorts a text: tokenizes it as MariaDB would and names everything it would do.
///
/// Takes time linear in the text's length. Version comments are read both as executed and as skipped, and the results joined.
/// - Parameters:
///   - sql: the text, one statement or several; any bytes.
///   - mode: the session's lexical mode.
///   - prepared: what the session has prepared, for EXECUTE.
package func classify(
    _ sql: UnsafeRawBufferPointer, mode: LexicalMode, prepared: PreparedStatements
) -> Result<Classification, Unsorted> {
    do throws(Unsorted.Reason) {
        return .success(try classifyText(sql, mode: mode, prepared: prepared, depth: 0))
    } catch {
        return .failure(Unsorted(firstWords: firstWords(of: sql), reason: error))
    }
}

/// Texts in texts, each in a literal of the one around it.
let dynamicDepthMax = 4
/// Different versions in the version comments of one text.
private let versionsMax = 16

func classifyText(
    _ sql: UnsafeRawBufferPointer, mode: LexicalMode, prepared: PreparedStatements, depth: Int
) throws(Unsorted.Reason) -> Classification {
    guard depth <= dynamicDepthMax else { throw .tooDeep }
    let versions = try ambiguousVersions(in: sql)
    guard !versions.isEmpty else {
        return try readText(Lexer(sql, mode: mode, assumedVersion: nil), prepared: prepared, depth: depth)
    }
    var joined: Classification?
    for version in [nil, VersionComment.oldestServer] + versions.map(Optional.some) {
        let lexer = Lexer(sql, mode: mode, assumedVersion: version)
        do throws(Unsorted.Reason) {
            let read = try readText(lexer, prepared: prepared, depth: depth)
            joined = try joined.map { (all) throws(Unsorted.Reason) in try join(all, read) } ?? read
        } catch {
            // A server that skips all there is does nothing.
            if error != .empty { throw error }
        }
    }
    guard let joined else { throw .empty }
    return joined
}

private func readText(_ lexer: Lexer, prepared: PreparedStatements, depth: Int) throws(Unsorted.Reason) -> Classification {
    var parser = StatementParser(lexer: lexer, prepared: prepared, depth: depth)
    return try parser.text()
}

private func join(_ one: Classification, _ other: Classification) throws(Unsorted.Reason) -> Classification {
    guard one.transaction == other.transaction, one.database == other.database, one.preparations == other.preparations else {
        throw .versionDependent
    }
    var joined = one
    joined.classes.formUnion(other.classes)
    joined.facts.formUnion(other.facts)
    joined.statementCount = max(one.statementCount, other.statementCount)
    return joined
}

/// The versions of the comments that some server may skip. Looks into strings too: that costs a reading more, and misses nothing.
private func ambiguousVersions(in sql: UnsafeRawBufferPointer) throws(Unsorted.Reason) -> [Int] {
    var versions: [Int] = []
    var index = 0
    while index + 2 < sql.count {
        if sql[index] == 0x2F, sql[index + 1] == 0x2A, let comment = VersionComment(in: sql, at: index), comment.isAmbiguous {
            if let version = comment.version, !versions.contains(version) { versions.append(version) }
            guard versions.count <= versionsMax else { throw .versionDependent }
        }
        index += 1
    }
    return versions
}

/// The text's beginning for a message: blanks run together, what can't be printed as `?`.
private func firstWords(of sql: UnsafeRawBufferPointer) -> String {
    var words = ""
    var blank = false
    for byte in sql.prefix(4096) where words.utf8.count < 60 {
        if isBlank(byte) {
            blank = !words.isEmpty
            continue
        }
        if blank, words.utf8.count < 59 { words.append(" ") }
        blank = false
        words.unicodeScalars.append((0x21...0x7E).contains(byte) ? Unicode.Scalar(byte) : "?")
    }
    return words
}

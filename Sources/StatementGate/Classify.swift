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
        return .success(try classifyRequest(sql, mode: mode, prepared: prepared))
    } catch {
        return .failure(Unsorted(firstWords: firstWords(of: sql), reason: error))
    }
}

/// Texts in texts, each in a literal of the one around it.
let dynamicDepthMax = 2
/// Different versions in the version comments of one text; each costs a reading.
private let versionsMax = 8

/// How one reading takes version comments.
struct VersionReading {
    /// The server's version; nil executes every comment.
    let assumed: Int?
    /// All that the request's comments name.
    let named: [Int]
}

private func classifyRequest(
    _ sql: UnsafeRawBufferPointer, mode: LexicalMode, prepared: PreparedStatements
) throws(Unsorted.Reason) -> Classification {
    let named = try ambiguousVersions(in: sql)
    var joined: Classification?
    for assumed in named.isEmpty ? [nil] : [nil, VersionComment.oldestServer] + named.map(Optional.some) {
        let reading = VersionReading(assumed: assumed, named: named)
        do throws(Unsorted.Reason) {
            let read = try classifyText(sql, mode: mode, prepared: prepared, reading: reading, depth: 0)
            if let others = joined { joined = try join(others, read) } else { joined = read }
        } catch {
            // A server that skips all there is does nothing.
            if error != .empty { throw error }
        }
    }
    guard let joined else { throw .empty }
    return joined
}

/// A text that dynamic SQL holds: it runs on the server that the reading assumes.
func classifyDynamic(
    _ text: [UInt8], mode: LexicalMode, prepared: PreparedStatements, reading: VersionReading, depth: Int
) throws(Unsorted.Reason) -> Classification {
    guard depth <= dynamicDepthMax else { throw .tooDeep }
    var outcome: Result<Classification, Unsorted.Reason> = .failure(.empty)
    text.withUnsafeBytes { bytes in
        do throws(Unsorted.Reason) {
            guard try ambiguousVersions(in: bytes).allSatisfy(reading.named.contains) else { throw .versionDependent }
            outcome = .success(try classifyText(bytes, mode: mode, prepared: prepared, reading: reading, depth: depth))
        } catch {
            outcome = .failure(error)
        }
    }
    return try outcome.get()
}

private func classifyText(
    _ sql: UnsafeRawBufferPointer, mode: LexicalMode, prepared: PreparedStatements, reading: VersionReading, depth: Int
) throws(Unsorted.Reason) -> Classification {
    let lexer = Lexer(sql, mode: mode, assumedVersion: reading.assumed)
    var parser = StatementParser(lexer: lexer, prepared: prepared, reading: reading, depth: depth)
    return try parser.text()
}

private func join(_ one: Classification, _ other: Classification) throws(Unsorted.Reason) -> Classification {
    guard one.transaction == other.transaction, one.database == other.database, one.preparations == other.preparations else {
        throw .versionDependent
    }
    var joined = one
    joined.classes.formUnion(other.classes)
    joined.facts.formUnion(other.facts)
    if one.office != other.office { joined.office = nil }
    joined.repetition.formUnion(other.repetition)
    if one.repetition.engineAt != other.repetition.engineAt { joined.repetition.engineAt = nil }
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

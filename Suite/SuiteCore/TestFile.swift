/// A statement of a test file.
package struct TestStatement: Equatable, Sendable {
    /// Where it begins, from 1.
    package let line: Int
    package let sql: [UInt8]

    package var text: String { String(decoding: sql, as: UTF8.self) }
}

/// The plain statements of a file written for `mariadb-test`: those that go to the server as they stand, over the first connection.
///
/// Left out is what the test program does by itself (`let`, `source`, `connect`, …), what it would fill in (`eval`, `$name`), sends without waiting, runs
/// over another connection, or runs under a condition. The language is described at https://mariadb.com/kb/en/mysql-test/.
package struct TestFile {
    private var delimiter: [UInt8] = [UInt8(ascii: ";")]
    /// Open braces of `if` and `while`.
    private var depth = 0
    private var isDefaultConnection = true
    private var statements: [TestStatement] = []
    private var lines: [ArraySlice<UInt8>]
    private var next = 0

    private init(_ bytes: [UInt8]) { lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) }

    package static func statements(in bytes: [UInt8]) -> [TestStatement] {
        var file = TestFile(bytes)
        file.read()
        return file.statements
    }

    private mutating func read() {
        while next < lines.count {
            let line = lines[next].trimmed
            switch line.first {
            case nil, UInt8(ascii: "#"): next += 1
            case UInt8(ascii: "}"):
                depth = max(0, depth - 1)
                next += 1
            case UInt8(ascii: "{"): next += 1
            case UInt8(ascii: "-") where line.starts(with: Array("--".utf8)):
                next += 1
                perform(Array(line.dropFirst(2).trimmed))
            default: readStatement()
            }
        }
    }

    // MARK: Commands

    /// Words that begin what the test program does by itself.
    private static let commands: Set<String> = [
        "append_file", "cat_file", "change_user", "character_set", "chmod", "connect", "connection", "copy_file", "copy_files_wildcard", "dec",
        "delimiter", "die", "diff_files", "dirty_close", "disable_abort_on_error", "disable_column_names", "disable_connect_log",
        "disable_cursor_protocol", "disable_info", "disable_metadata", "disable_non_blocking_api", "disable_parsing", "disable_prepare_warnings",
        "disable_ps2_protocol", "disable_ps_protocol", "disable_query_log", "disable_reconnect", "disable_result_log", "disable_rpl_parse",
        "disable_service_connection", "disable_session_track_info", "disable_testcase", "disable_view_protocol", "disable_warnings", "disconnect",
        "echo", "enable_abort_on_error", "enable_column_names", "enable_connect_log", "enable_cursor_protocol", "enable_info", "enable_metadata",
        "enable_non_blocking_api", "enable_parsing", "enable_prepare_warnings", "enable_ps2_protocol", "enable_ps_protocol", "enable_query_log",
        "enable_reconnect", "enable_result_log", "enable_rpl_parse", "enable_service_connection", "enable_session_track_info", "enable_testcase",
        "enable_view_protocol", "enable_warnings", "end_timer", "error", "eval", "evalp", "exec", "exec_in_background", "exit", "file_exists",
        "horizontal_results", "inc", "let", "list_files", "list_files_append_file", "list_files_write_file", "lowercase_result", "mkdir", "move_file",
        "optimizer_trace", "output", "perl", "ping", "ps_bind", "ps_close", "ps_execute", "ps_prepare", "query", "query_attributes",
        "query_get_value", "query_horizontal", "query_vertical", "real_sleep", "reap", "remove_file", "remove_files_wildcard", "replace_column",
        "replace_numeric_round", "replace_regex", "replace_result", "require", "reset_connection", "result", "result_format", "rmdir",
        "save_master_pos",
        "send", "send_eval", "send_quit", "send_shutdown", "shutdown_server", "skip", "sleep", "sorted_result", "source", "start_timer",
        "sync_slave_with_master", "sync_with_master", "system", "vertical_results", "wait_for_slave_to_stop", "write_file", "assert", "start_server",
        "restart_server", "kill_server", "partially_sorted_result", "write_line",
    ]

    private static func firstWord(_ text: some Sequence<UInt8>) -> String {
        let word = text.prefix { $0 == UInt8(ascii: "_") || isLetter($0) || (0x30...0x39).contains($0) }
        return String(decoding: word.map { $0 | (isLetter($0) ? 0x20 : 0) }, as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & ~0x20) }

    /// Whether a text is the test program's own; `if` and `while` are recognized by their parenthesis: `IF` begins a statement's part, too.
    private static func isCommand(_ text: ArraySlice<UInt8>) -> Bool { commands.contains(firstWord(text)) }

    private mutating func perform(_ command: [UInt8]) {
        let word = Self.firstWord(command)
        let rest = Array(command.dropFirst(word.utf8.count).trimmed)
        switch word {
        case "delimiter": if !rest.isEmpty { delimiter = rest }
        case "connect": isDefaultConnection = false
        case "connection": isDefaultConnection = Self.firstWord(rest) == "default"
        case "disable_parsing": skip { $0.contains(Array("enable_parsing".utf8)) }
        case "perl", "write_file", "append_file":
            // The text that follows ends at a line with that word.
            let given = rest.split(separator: UInt8(ascii: " ")).last.map(Array.init)
            let end = word == "perl" ? given ?? Array("EOF".utf8) : rest.split(separator: UInt8(ascii: " ")).count > 1 ? given : Array("EOF".utf8)
            skip { Array($0.trimmed) == end }
        case "if", "while": depth += 1
        case "exit": next = lines.count
        default: break
        }
    }

    private mutating func skip(until isEnd: (ArraySlice<UInt8>) -> Bool) {
        while next < lines.count, !isEnd(lines[next]) { next += 1 }
        next += 1
    }

    // MARK: Statements

    /// Reads from the current line up to the delimiter, which may be lines away, and not within quotes.
    private mutating func readStatement() {
        let first = next
        let head = lines[first].trimmed
        let word = Self.firstWord(head)
        if word == "if" || word == "while", head.dropFirst(word.utf8.count).trimmed.first == UInt8(ascii: "(") { return readCondition() }
        var text: [UInt8] = []
        var quote: UInt8?
        while next < lines.count {
            let line = lines[next]
            next += 1
            if let end = Self.end(of: line, delimiter, &quote) {
                text += line[..<end]
                // What stands behind it on the line begins the next one.
                let rest = line[(end + delimiter.count)...]
                if !rest.trimmed.isEmpty {
                    next -= 1
                    lines[next] = rest
                }
                break
            }
            text += line + [UInt8(ascii: "\n")]
        }
        take(Array(text[...].trimmed), line: first + 1)
    }

    private static func end(of line: ArraySlice<UInt8>, _ delimiter: [UInt8], _ quote: inout UInt8?) -> Int? {
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            if let open = quote {
                if byte == UInt8(ascii: "\\"), open != UInt8(ascii: "`") { index += 1 } else if byte == open { quote = nil }
            } else if line[index...].starts(with: delimiter) {
                return index
            } else if [UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`")].contains(byte) {
                quote = byte
            } else if byte == UInt8(ascii: "#") || line[index...].starts(with: Array("-- ".utf8)) {
                return nil
            }
            index += 1
        }
        return nil
    }

    /// `if (…)` or `while (…)`, up to its brace.
    private mutating func readCondition() {
        while next < lines.count, !lines[next].contains(UInt8(ascii: "{")) { next += 1 }
        depth += 1
        guard next < lines.count, let brace = lines[next].firstIndex(of: UInt8(ascii: "{")) else { return }
        lines[next] = lines[next][(brace + 1)...]
    }

    private mutating func take(_ text: [UInt8], line: Int) {
        guard !text.isEmpty else { return }
        if Self.isCommand(text[...]) { return perform(text) }
        guard depth == 0, isDefaultConnection, !Self.isFilledIn(text) else { return }
        statements.append(TestStatement(line: line, sql: text))
    }

    /// Whether it holds `$name`, which the test program replaces.
    private static func isFilledIn(_ text: [UInt8]) -> Bool {
        zip(text, text.dropFirst()).contains { $0 == UInt8(ascii: "$") && (isLetter($1) || $1 == UInt8(ascii: "_") || $1 == UInt8(ascii: "{")) }
    }
}

extension ArraySlice<UInt8> {
    fileprivate var trimmed: ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let last = lastIndex(where: { !isBlank($0) }) else { return [] }
        return self[...last].drop(while: isBlank)
    }
}

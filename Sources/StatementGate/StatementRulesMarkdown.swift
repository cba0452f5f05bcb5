/// `Docs/StatementRules.md`, made from the rules.
package func statementRulesMarkdown() -> String {
    var lines = [
        "# Which SQL each role may run",
        "",
        "The gate reads each statement with a tokenizer of its own and sorts it into classes; this table says what each role does with each class.",
        "Where a statement holds others (`EXPLAIN`, `SET STATEMENT … FOR`, compound statements, bodies, dynamic SQL), all of them count and the strictest",
        "rule decides. What can't be sorted is refused with `UNKNOWN-STATEMENT`. This file is generated from the code; a test holds the two together.",
        "",
        "| class | examples | master | slave |",
        "| --- | --- | --- | --- |",
    ]
    for rule in RuleTable.rules {
        let onSlave = rule.statementClass == .session ? "session; `LOCK TABLES … WRITE` is forwarded" : words(for: rule.onSlave)
        lines.append("| \(rule.title) | \(rule.examples) | \(words(for: rule.onMaster)) | \(onSlave) |")
    }
    lines += [
        "",
        "- *run*: on this node. *forward*: to the master, whose answer is passed on. *session*: on the connection that keeps the session's state.",
        "- More than one statement in a request is refused with `MULTI-REFUSED` unless the configuration allows it; then the strictest decides.",
        "- The gate is the first wall. A slave's database is read-only besides, for the account that clients' statements run as: a stored function that",
        "  writes is stopped there. Where clients share an account (`authentication: none`), that has no rights over the server, accounts, replication and",
        "  files, and can't act as another: what a detour hides from the gate (dynamic SQL, routines) fails in the database. Statements about accounts and",
        "  the server run with the rights they need where they are the whole request.",
        "",
        "## The same on every node",
        "",
        "Definitions are replicated as text and run again on every other node, so what they take from the session, the server or chance is carried along",
        "or refused before they run, with `NOT-REPEATABLE` and what to write instead:",
        "",
        "| refused | why, and what to do |",
        "| --- | --- |",
    ]
    lines += NotRepeatable.allCases.map { "| \($0.examples) | \($0.words) |" }
    lines += [
        "",
        "While a session has another value than the server for one of these variables, definitions that it shapes are refused, as are `CALL` and dynamic",
        "SQL that can't be read beforehand; in a body, or by `SET GLOBAL` on one node, the setting itself is refused. A setting to the value that it has",
        "anyway is not. The binlog or the node carries all others along; `default_storage_engine`, too, where a `CREATE TABLE` is alone in its request: the",
        "node names the engine in it.",
        "",
        "| variable | shapes |",
        "| --- | --- |",
    ]
    lines += SessionVariables.shapingRows.map { "| `\($0.name)` | \($0.shapes) |" }
    lines += [
        "",
        "- `unique_checks` is set back to 1 behind every statement that turned it off: with it and `foreign_key_checks` off, InnoDB loses rows on the master",
        "  that its binlog has.",
        "- The appliers' sessions have `innodb_strict_mode=OFF` and a `max_heap_table_size` of 4 GiB: what the master let pass, they let",
        "  pass. With `slave_parallel_threads` above 0 they have the server's values, so such a node's configuration sets these two.",
        "- Variables of the whole server that shape definitions, such as `default_storage_engine` or `innodb_default_row_format`, must be the same in every",
        "  node's configuration (`database.options`).",
        "",
        "## Codes",
        "",
        "| code | meaning |",
        "| --- | --- |",
    ]
    lines += RefusalCode.allCases.map { "| `\($0.rawValue)` | \(meaning(of: $0)) |" }
    return lines.joined(separator: "\n") + "\n"
}

private func words(for action: RuleTable.Action) -> String {
    switch action {
    case .run: "run"
    case .forward: "forward"
    case .inSession: "session"
    case .refuse(let code): "refuse `\(code.rawValue)`"
    case .runIfFilesAllowed: "refuse `\(RefusalCode.files.rawValue)` unless the configuration allows files"
    }
}

private func meaning(of code: RefusalCode) -> String {
    switch code {
    case .drop: "a slave drops nothing; drop it on the master"
    case .database: "databases are created, altered and dropped on the master"
    case .administration: "accounts and servers are administered on the master"
    case .nodeOwned: "the node sets this itself; a client's change would break replication"
    case .files: "statements don't reach the server's files"
    case .multipleStatements: "one statement a request"
    case .unknown: "the gate could not tell what the statement does"
    case .notRepeatable: "it would not do the same on every node; the message says what to write instead"
    case .dynamic: "a slave does not run dynamic SQL whose text it can't read beforehand"
    }
}

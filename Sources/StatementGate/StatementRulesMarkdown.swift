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
    case .dynamic: "a slave does not run dynamic SQL whose text it can't read beforehand"
    }
}

package import ClusterModel

/// Applies the rules: the strictest verdict over all that was found in the text.
/// - Parameters:
///   - result: what `classify` made of the text.
///   - session: what the session has otherwise than the server's begin with.
///   - master: where the master is, as `host:port`, or `-`; for messages, and asked for by those alone: every statement comes by here.
package func decide(
    _ result: Result<Classification, Unsorted>, role: Role, options: GateOptions, session: @autoclosure () -> SessionShape = SessionShape(),
    master: @autoclosure () -> String
) -> Verdict {
    switch result {
    case .failure(let unsorted):
        return .refuse(refusal(of: unsorted))
    case .success(let classification):
        if classification.statementCount > 1, !options.multiStatements {
            let message = "a request may hold one statement, this one holds \(classification.statementCount); send them one by one"
            return .refuse(Refusal(code: .multipleStatements, message: message))
        }
        let verdict = decide(classification, role: role, options: options, master: master())
        if case .refuse = verdict { return verdict }
        return refusal(of: classification, session(), options.values).map { .refuse($0) } ?? verdict
    }
}

private func decide(_ classification: Classification, role: Role, options: GateOptions, master: @autoclosure () -> String) -> Verdict {
    var strictest = RuleTable.Action.run
    var refused: StatementClass?
    for statementClass in StatementClass.byRank where classification.classes.contains(statementClass) {
        let action = RuleTable.action(for: statementClass, role: role).resolved(options)
        if action.strictness >= strictest.strictness { (strictest, refused) = (action, statementClass) }
    }
    if case .refuse = strictest {
    } else if isNodeOwned(classification.facts, role, options) {
        return .refuse(Refusal(code: .nodeOwned, message: words(for: .breaksReplication, role: role, master: master())))
    }
    if role == .slave, classification.facts.contains(.locksForWriting), strictest == .inSession { return .forward }
    switch strictest {
    case .run, .runIfFilesAllowed: return .run
    case .inSession: return .inSession
    case .forward: return .forward
    case .refuse(let code):
        let message = words(for: refused ?? .opaque, role: role, master: master())
        return .refuse(Refusal(code: code, message: message))
    }
}

/// What depends on more than the class: a slave's sessions stay read-only, and an account that all clients share stays as it is.
private func isNodeOwned(_ facts: SessionFacts, _ role: Role, _ options: GateOptions) -> Bool {
    (role == .slave && facts.contains(.opensForWriting)) || (options.sharesAccount && facts.contains(.changesOwnAccount))
}

extension RuleTable.Action {
    fileprivate func resolved(_ options: GateOptions) -> RuleTable.Action {
        guard self == .runIfFilesAllowed else { return self }
        return options.files ? .run : .refuse(.files)
    }

    fileprivate var strictness: Int {
        switch self {
        case .run, .runIfFilesAllowed: 0
        case .inSession: 1
        case .forward: 2
        case .refuse: 3
        }
    }
}

private func refusal(of unsorted: Unsorted) -> Refusal {
    let place = unsorted.firstWords.isEmpty ? "" : " (it begins: \(unsorted.firstWords))"
    return Refusal(code: .unknown, message: "the node can't tell what this statement does: \(unsorted.reason.words)\(place)")
}

private func words(for refused: StatementClass, role: Role, master: String) -> String {
    let elsewhere = master == "-" ? "send it to the master once there is one (see .nodes)" : "send it to the master at \(master)"
    switch refused {
    case .drop: return "a slave may not run DROP; \(elsewhere)"
    case .databaseDefinition: return "a slave may not create, alter or drop databases; \(elsewhere)"
    case .accounts: return "a slave may not change accounts; \(elsewhere)"
    case .serverAdministration: return "a slave may not administer its server; \(elsewhere)"
    case .opaque: return "a slave may not run dynamic SQL that it can't read beforehand; write the text out, or \(elsewhere)"
    case .breaksReplication:
        return "this would break the node's replication or take its server from it; the node looks after its server by itself, leave it out"
    case .serverFiles:
        switch role {
        case .master: return "statements may not reach the server's files; send the data itself, or allow files in the master's configuration"
        case .slave: return "a slave's statements may not reach the server's files; send the data itself to the master"
        }
    case .read, .lockingRead, .write, .tableDefinition, .transaction, .session: return "a \(role.rawValue) may not run this; \(elsewhere)"
    }
}

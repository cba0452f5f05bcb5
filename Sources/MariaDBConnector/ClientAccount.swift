import EventLoop

/// Which accounts a client may log in with.
@LoopActor enum ClientAccount {
    /// By these the server asks who the node is, which the client is not.
    private static let pluginsThatTrustTheNode = ["unix_socket", "auth_socket", "gssapi", "named_pipe"]

    static let notForClients = DatabaseError(
        number: 1045, state: "28000", message: Array("this account is not for clients: no password proves it, or it is the node's own".utf8))

    /// libmariadb logs in as the system's user for an empty name, and reads no further than a NUL byte.
    static func isWritten(_ account: DatabaseAccount) -> Bool {
        !account.user.isEmpty && !account.user.utf8.contains(0) && !account.password.utf8.contains(0)
    }

    /// Asks the server who is logged in, since it takes a name in quotes for the one without; then `question`. `done` hears why a client may not be that,
    /// or what the server said against the question.
    static func check(
        _ connection: MariaDBConnection, asking question: String?, done: @escaping @LoopActor (Result<DatabaseError?, DatabaseError>) -> Void
    ) {
        connection.query("SELECT CURRENT_USER()") { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let found) where isReserved(found.first ?? ""): done(.failure(notForClients))
            case .success:
                connection.query("SHOW CREATE USER") { result in
                    switch result {
                    case .failure(let error): done(.failure(error))
                    case .success(let found) where isTrusting(found.first ?? "unix_socket"): done(.failure(notForClients))
                    case .success: ask(question, connection, done)
                    }
                }
            }
        }
    }

    private static func ask(
        _ question: String?, _ connection: MariaDBConnection, _ done: @escaping @LoopActor (Result<DatabaseError?, DatabaseError>) -> Void
    ) {
        guard let question else { return done(.success(nil)) }
        connection.query(question) { result in
            switch result {
            case .success: done(.success(nil))
            case .failure(let error): done(error.lostConnection ? .failure(error) : .success(error))
            }
        }
    }

    private static func isReserved(_ account: String) -> Bool { account.hasPrefix("root@") || account.hasPrefix("ddbnode_") }

    /// `CREATE USER … IDENTIFIED VIA plugin USING '…' OR plugin`
    private static func isTrusting(_ definition: String) -> Bool {
        let words = definition.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        return zip(words, words.dropFirst()).contains { ["via", "or"].contains($0) && pluginsThatTrustTheNode.contains(String($1)) }
    }
}

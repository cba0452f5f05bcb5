/// The SQL that mariadbd runs before it takes connections (`--init-file`): the node's accounts, exactly as they are to be.
///
/// It runs with all rights whatever `read_only` says, a statement a line. An error in it stops the rest but not the server,
/// so the start has to look for one in the log.
package enum AccountScript {
    static func text(for accounts: [ServerAccount]) throws(ServerProblem) -> String {
        var lines = [
            // Accounts are this node's own: on the slaves they would overwrite theirs.
            "SET SESSION sql_log_bin = 0;",
            // Whoever is root on the machine stays root in the database; no password, no other host, no nameless user.
            "ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED VIA unix_socket;",
            // No FLUSH PRIVILEGES after a DELETE here: errors of what follows one are not logged.
            "DROP USER IF EXISTS ''@'localhost', ''@'%', 'root'@'127.0.0.1', 'root'@'::1', 'root'@'%';",
        ]
        lines += try statements(for: accounts).map { "\($0);" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What makes `accounts` anew, whatever became of them.
    package static func statements(for accounts: [ServerAccount]) throws(ServerProblem) -> [String] {
        var statements: [String] = []
        for account in accounts {
            guard ServerPaths.isSpeakable(account.name), ServerPaths.isSpeakable(account.password),
                account.privileges.allSatisfy(ServerPaths.isSpeakable)
            else { throw .unwritable(what: "the name, password or a privilege of the account \"\(account.name)\"") }
            let user = "\(quoted(account.name))@'localhost'"
            // Every account may set its own password, and replicates that. It then changes the first of two: by the other the node still logs in.
            let password = "mysql_native_password USING PASSWORD(\(quoted(account.password)))"
            statements.append("CREATE OR REPLACE USER \(user) IDENTIFIED VIA \(password) OR \(password)")
            statements += account.privileges.map { "GRANT \($0) TO \(user)" }
        }
        return statements
    }

    static func quoted(_ text: String) -> String {
        var result = "'"
        for character in text.unicodeScalars {
            if character == "'" || character == "\\" { result.unicodeScalars.append("\\") }
            result.unicodeScalars.append(character)
        }
        return result + "'"
    }
}

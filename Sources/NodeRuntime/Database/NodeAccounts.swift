import MariaDBConnector
import MariaDBServer
import StatementGate

/// The accounts that a node has in its private database, and what they may. The gate is the first wall; what these rights don't give, no detour reaches:
/// dynamic SQL, routines and views of clients run with the rights of their account and no more.
enum NodeAccounts {
    static func all(administrator: DatabaseAccount, client: DatabaseAccount, granting: DatabaseAccount, files: Bool) -> [ServerAccount] {
        [
            ServerAccount(
                name: administrator.user, password: administrator.password, privileges: ["ALL PRIVILEGES ON *.*", "GRANT OPTION ON *.*"]),
            ServerAccount(name: client.user, password: client.password, privileges: clients + (files ? ["FILE ON *.*"] : [])),
            ServerAccount(name: granting.user, password: granting.password, privileges: granted),
        ]
    }

    /// Clients' statements. Of a database that has an entry of its own, that one counts, and the pattern does not.
    ///
    /// Not RELOAD, which is enough for RESET MASTER; not SET USER, with which a routine could run as anybody; not CREATE USER or GRANT OPTION; not
    /// CONNECTION ADMIN: connections of the same account can be killed without; no writes in `mysql`, where all of these could be had.
    private static let clients = [
        "PROCESS, SHOW DATABASES, BINLOG MONITOR, SLAVE MONITOR ON *.*",
        """
        SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, \
        CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, DELETE HISTORY ON `%`.*
        """,
        "SELECT, SHOW VIEW, EXECUTE ON mysql.*", "SELECT ON ddbnode.*",
    ]

    /// Statements about accounts: what clients may hand on.
    private static let granted = [
        """
        SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, \
        EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, DELETE HISTORY, BINLOG MONITOR, SLAVE MONITOR, \
        SET USER, CONNECTION ADMIN, GRANT OPTION ON *.*
        """
    ]
}

extension Node {
    /// As whom a bare statement runs where clients have no accounts; nil: as any other.
    func account(for office: Classification.Office) -> DatabaseAccount? {
        switch office {
        case .server: database?.administratorLogin
        case .accounts: database?.grantingLogin
        case .connections: nil
        }
    }
}

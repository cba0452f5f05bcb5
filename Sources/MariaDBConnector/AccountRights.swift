import EventLoop
import MySQLProtocol

/// Which connections may have more rights than a login of their account would have now: MariaDB binds global privileges and roles to a connection
/// when it is opened, those of a database when it is entered.
struct AccountRights {
    /// Of so many accounts it is known what they may do; of more, no one's is.
    private static let accountsMax = 10_000

    /// Grows with each change: what was opened before is not given to anybody any more.
    private(set) var age: UInt64 = 0
    private var known: [DatabaseAccount: [String]] = [:]

    mutating func changed() {
        age += 1
        known = [:]
    }

    /// A login has seen what its account may do, nil where it could not; true when that may be other than what earlier connections have.
    mutating func learned(_ rights: [String]?, of account: DatabaseAccount) -> Bool {
        let before = known[account]
        guard let rights, before ?? rights == rights else {
            changed()
            if let rights { known[account] = rights }
            return true
        }
        if before == nil, known.count >= Self.accountsMax { known = [:] }
        known[account] = rights
        return false
    }

    /// What the account of a connection may do, by the server's own words; nil where those are too many.
    @LoopActor static func read(_ connection: MariaDBConnection, done: @escaping @LoopActor ([String]?) -> Void) {
        connection.query("SHOW CREATE USER") { account in
            connection.query("SHOW GRANTS") { own in
                // What everybody may do, where the server knows of that.
                connection.query("SHOW GRANTS FOR PUBLIC") { everybody in
                    guard let account = try? account.get(), let own = try? own.get() else { return done(nil) }
                    let lines = (account.rows + own.rows + ((try? everybody.get())?.rows ?? [])).map { $0.first.flatMap { $0 } ?? "" }
                    done(lines.count < CollectedRows.rowsMax ? lines : nil)
                }
            }
        }
    }
}

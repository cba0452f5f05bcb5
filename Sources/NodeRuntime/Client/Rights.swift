import EventLoop
import LineProtocol
import MariaDBConnector

/// Whether a client's account may do what is no statement. The database decides, on a fresh login of that very account: it counts roles that are active
/// by default, and PUBLIC, and what was granted or revoked since the client came.
extension ClientSession {
    /// It needs what `.remove`, `.promote` and their like need, and changes nothing.
    private static let operatorsQuestion = "SET GLOBAL rpl_semi_sync_master_trace_level = @@GLOBAL.rpl_semi_sync_master_trace_level"

    /// For commands that change the cluster. `done` hears why the client may not, or nil; everybody may where clients have no accounts.
    func ifAdministrator(_ done: @escaping @LoopActor (ReplyError?) -> Void) {
        askDatabase(Self.operatorsQuestion, done) { account, error in
            guard let error else { return nil }
            guard error.number == Self.missingPrivilege else { return error.reply }
            return ReplyError(
                .adminRefused,
                "\(account) may not change the cluster: it lacks REPLICATION MASTER ADMIN; GRANT REPLICATION MASTER ADMIN ON *.* TO it")
        }
    }

    /// For what tells of all rows in `scope`.
    func ifReader(of scope: VerifyScope, _ done: @escaping @LoopActor (ReplyError?) -> Void) {
        askDatabase(scope.readersQuestion, done) { account, error in
            guard let error, error.number != Self.noSuchTable, error.number != Self.noSuchDatabase else { return nil }
            guard Self.denied.contains(error.number) else { return error.reply }
            return ReplyError(
                .adminRefused,
                "\(account) may not verify \(scope.words): it lacks SELECT on it (\(error.text)); GRANT SELECT ON \(scope.grant) TO it")
        }
    }

    /// ER_SPECIFIC_ACCESS_DENIED_ERROR
    private static let missingPrivilege = 1227
    /// ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR
    private static let denied: Set<UInt32> = [1044, 1142, 1143]
    /// ER_NO_SUCH_TABLE, ER_BAD_DB_ERROR
    private static let noSuchTable = 1146
    private static let noSuchDatabase = 1049

    private func askDatabase(
        _ question: String, _ done: @escaping @LoopActor (ReplyError?) -> Void,
        judging judge: @escaping @LoopActor (String, DatabaseError?) -> ReplyError?
    ) {
        guard let account = local.account else { return done(nil) }
        node.pool.prove(account, asking: question) { [weak self] result in
            guard let self, self.channel.isOpen else { return }
            switch result {
            case .success(let error): done(judge(account.user, error))
            case .failure(.refused(let error)):
                let why = "the database does not let \(account.user) in any more (\(error.text))"
                done(ReplyError(.auth, "\(why); say who you are: .auth <user> <password>"))
            case .failure(let error): done(PoolWords.reply(error, self.node))
            }
        }
    }
}

extension VerifyScope {
    /// Who may read all of a database is told that there is no such table in it; others are told that they may not read it.
    fileprivate var readersQuestion: String {
        let database = SQLText.quoted(name: database ?? "ddbnode: every database")
        guard let table else { return "SELECT 1 FROM \(database).`ddbnode: every table` LIMIT 0" }
        return "SELECT * FROM \(database).\(SQLText.quoted(name: table)) LIMIT 0"
    }

    fileprivate var grant: String { database.map { "\(SQLText.quoted(name: $0)).\(table.map { SQLText.quoted(name: $0) } ?? "*")" } ?? "*.*" }
    fileprivate var words: String { database == nil ? "every database" : grant }
}

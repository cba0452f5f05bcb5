import ClusterModel
import EventLoop
import MariaDBConnector
import NodeConfig

/// Looks at what the cluster depends on in the node's database, once a second, and sets it right where somebody changed it behind the node's back:
/// root on its socket, a client with an account of its own and all rights, or a way that nobody thought of.
@LoopActor final class DatabaseWatch {
    private unowned let node: Node
    /// What the node's accounts looked like when they were made: before anybody else came.
    private var accountsMark: String?
    private var isLooking = false
    /// What the last look found wrong, in words; empty: nothing.
    private(set) var wrong: [String] = []
    /// How often something was set right.
    private(set) var corrections = 0

    init(_ node: Node) { self.node = node }

    /// A sentence for a tired operator; nil when all is as it must be.
    var words: String? {
        wrong.isEmpty ? nil : "Its database was changed behind the node's back, which sets it right: \(wrong.joined(separator: "; "))."
    }

    /// The server was started.
    func begin() { (accountsMark, isLooking, wrong) = (nil, false, []) }

    /// Notes what the accounts look like, once a start: only the server itself has made any, and nobody else was let in yet.
    func markAccounts(_ done: @escaping @LoopActor (DatabaseError?) -> Void) {
        guard node.settings.database.mode == .private, accountsMark == nil else { return done(nil) }
        node.control.query(Self.accounts) { [weak self] result in
            switch result {
            case .success(let found):
                self?.accountsMark = found.first
                done(nil)
            case .failure(let error): done(error)
            }
        }
    }

    func tick() {
        guard !isLooking, let needs = node.databaseNeeds else { return }
        isLooking = true
        node.control.query(needs.query) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let error): self.couldNotLook(error)
            case .success(let found): self.lookAtAccounts { self.judge(needs, found, accounts: $0) }
            }
        }
    }

    /// Hears whether the node's accounts are other than they were made.
    private func lookAtAccounts(_ done: @escaping @LoopActor (Result<Bool, DatabaseError>) -> Void) {
        guard let accountsMark else { return done(.success(false)) }
        node.control.query(Self.accounts) { done($0.map { $0.first != accountsMark }) }
    }

    private func judge(_ needs: DatabaseNeeds, _ found: SmallResult, accounts: Result<Bool, DatabaseError>) {
        isLooking = false
        // The node itself changes these as its role changes; what was asked for before counts no more.
        guard node.databaseNeeds == needs else { return }
        let unmet = needs.unmet { found[$0] }
        var words = unmet.map { $0.words(found: found[$0.variable]) }
        var accountsDiffer = false
        switch accounts {
        case .success(let differ):
            accountsDiffer = differ
            if differ { words.append("the accounts of the node were changed") }
        // A database that is down says so elsewhere.
        case .failure(let error) where error.lostConnection: break
        case .failure(let error): words.append("whether the accounts of the node are unchanged can't be seen (\(error.text))")
        }
        let before = wrong
        wrong = words
        guard !words.isEmpty else { return }
        if words != before { node.log.error("the database was changed behind the node's back", ["what": words.joined(separator: "; ")]) }
        if !unmet.isEmpty || accountsDiffer { corrections += 1 }
        if !unmet.isEmpty { setRight(unmet) }
        if accountsDiffer { makeAccounts() }
    }

    private func setRight(_ unmet: [DatabaseNeeds.Need]) {
        for need in unmet {
            node.control.query(need.statement) { [node] result in
                guard case .failure(let error) = result else { return }
                node.log.error("a setting of the database could not be set right", ["statement": need.statement, "why": "\(error)"])
            }
        }
        if unmet.contains(where: \.isOfGate), let master = node.life as? MasterLife { master.gate.setUpAgain() }
        // Sessions that began meanwhile have what was wrong.
        node.renewClientConnections()
    }

    private func makeAccounts() {
        guard let statements = node.database?.accountStatements else { return }
        node.control.queries(["SET SESSION sql_log_bin=0"] + statements + [OutcomeTable.grant]) { [weak self] result in
            guard let self else { return }
            // Whatever became of it: what the node writes later belongs into the log.
            self.node.control.query("SET SESSION sql_log_bin=1") { _ in }
            if case .failure(let error) = result {
                return self.node.log.error("the node's accounts could not be made again", ["why": "\(error)"])
            }
            self.node.control.query(Self.accounts) { [weak self] result in
                if case .success(let found) = result { self?.accountsMark = found.first }
            }
            self.node.renewClientConnections()
        }
    }

    private func couldNotLook(_ error: DatabaseError) {
        isLooking = false
        // ER_ACCESS_DENIED_ERROR, ER_ACCOUNT_HAS_BEEN_LOCKED, ER_MUST_CHANGE_PASSWORD_LOGIN: a database that is down or busy says so elsewhere.
        guard [1045, 1698, 4151, 1862].contains(error.number) else { return }
        let words = ["it does not let the node's own account in (\(error.text)); restart the node, which makes its accounts at every start"]
        if wrong != words { node.log.error("the database does not let the node in", ["why": "\(error)"]) }
        wrong = words
    }

    private static let privileges = [
        "Select", "Insert", "Update", "Delete", "Create", "Drop", "Grant", "References", "Index", "Alter", "Create_tmp_table", "Lock_tables",
        "Create_view", "Show_view", "Create_routine", "Alter_routine", "Execute", "Event", "Trigger", "Delete_history",
    ]

    /// Passwords, rights, roles and locks of the node's accounts, and what everybody may in its own database, as one number.
    private static let accounts = """
        SELECT MD5(CONCAT_WS('#', \
        (SELECT GROUP_CONCAT(User, '@', Host, '=', Priv ORDER BY User, Host) FROM mysql.global_priv WHERE User LIKE 'ddbnode\\_%'), \
        (SELECT GROUP_CONCAT(CONCAT_WS(',', Host, Db, User, \(privileges.map { "\($0)_priv" }.joined(separator: ", "))) ORDER BY Host, Db, User) \
        FROM mysql.db WHERE User LIKE 'ddbnode\\_%'), \
        (SELECT GROUP_CONCAT(CONCAT_WS(',', Host, User, Role, Admin_option) ORDER BY Host, User, Role) FROM mysql.roles_mapping \
        WHERE User LIKE 'ddbnode\\_%'), \
        (SELECT GROUP_CONCAT(CONCAT_WS(',', Host, User, Table_name, Table_priv) ORDER BY Host, User, Table_name) FROM mysql.tables_priv \
        WHERE Db = 'ddbnode'))) AS mark
        """
}

extension Node {
    /// What the database must be like now; nil while the node brings it there.
    var databaseNeeds: DatabaseNeeds? {
        guard blocked == nil, !isHalting, !isStopping, change == nil, promotion == nil, database?.endpoint != nil else { return nil }
        let isPrivate = settings.database.mode == .private
        var needs = DatabaseNeeds(
            isMaster: false, serverID: serverID, holdsCommits: nil, isPrivate: isPrivate, connectionsMin: database?.connectionsMax ?? 0)
        if let master = life as? MasterLife {
            guard master.role == .master else { return nil }
            needs.isMaster = true
            needs.holdsCommits = master.gate.isHeldByDatabase
            return needs
        }
        guard life is SlaveLife else { return nil }
        needs.holdsCommits = false
        return needs
    }
}

extension CommitGate {
    /// Whether the database is to make commits wait; nil while that is being set up, and where it can't.
    fileprivate var isHeldByDatabase: Bool? {
        switch state {
        case .open: isWanted ? nil : false
        case .armed: true
        case .arming, .afterCommit: nil
        }
    }
}

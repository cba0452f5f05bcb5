import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector

/// Commands that change the cluster.
extension ClientSession {
    func remove(_ id: NodeID) {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            do throws(ReplyError) { answer(try node.remove(id)) } catch { answer(error) }
        }
    }

    func promote(force: Bool) {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            node.promote(force: force) { [self] result in
                switch result {
                case .success(let fields): answer(fields)
                case .failure(let error): answer(error)
                }
            }
        }
    }

    func switchOver(to id: NodeID?) {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            node.switchOver(to: id) { [self] result in
                switch result {
                case .success(let fields): answer(fields)
                case .failure(let error): answer(error)
                }
            }
        }
    }

    private static let privileges = """
        SELECT COUNT(*) FROM information_schema.user_privileges \
        WHERE privilege_type IN ('SUPER', 'REPLICATION MASTER ADMIN')
        """

    /// Where clients have accounts, not each of them may change the cluster. `done` hears why not, or nil.
    private func ifAdministrator(_ done: @escaping @LoopActor (ReplyError?) -> Void) {
        guard let account = local.account else { return done(nil) }
        _ = node.pool.acquire(account: account, database: nil, preferred: nil) { [self] result in
            switch result {
            case .failure(let error): done(PoolWords.reply(error, node))
            case .success(let connection):
                connection.query(Self.privileges) { [self] result in
                    node.pool.release(connection)
                    switch result {
                    case .failure(let error): done(error.reply)
                    case .success(let found) where found.first == "0" || found.first == nil:
                        done(
                            ReplyError(
                                .adminRefused,
                                "\(account.user) may not change the cluster: it lacks REPLICATION MASTER ADMIN; GRANT REPLICATION MASTER ADMIN ON *.* TO it"
                            ))
                    case .success: done(nil)
                    }
                }
            }
        }
    }
}

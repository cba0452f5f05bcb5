import EventLoop
import LineProtocol
import MariaDBConnector
import NodeConfig

/// Who a client is.
extension ClientSession {
    var isAllowed: Bool { isAuthenticated || node.settings.authentication == .none }

    var authRequired: ReplyError { ReplyError(.authRequired, "say who you are first: .auth <user> <password>") }

    func authenticate(_ user: [UInt8], _ password: [UInt8]) {
        let account = DatabaseAccount(user: String(decoding: user, as: UTF8.self), password: String(decoding: password, as: UTF8.self))
        guard node.settings.authentication == .accounts else {
            return answer(ReplyError(.auth, "this node asks for no user and password (authentication is \"none\")"))
        }
        local.reset()
        forwarded?.reset()
        isAuthenticated = false
        forgetIDs()
        lost = nil
        // An account without a password is proved by nothing.
        guard !password.isEmpty else { return refuseLogin() }
        // The database decides, by a login of this account's own.
        node.pool.prove(account) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                self.local.account = account
                self.isAuthenticated = true
                self.answer([.text("user", account.user)])
            case .failure(.refused): self.refuseLogin()
            case .failure(let error): self.answer(PoolWords.reply(error, self.node))
            }
        }
    }

    private func refuseLogin() {
        // Guessing costs time.
        node.loop.after(milliseconds: 500) { [weak self] in self?.answer(ReplyError(.auth, "user or password is wrong")) }
    }
}
